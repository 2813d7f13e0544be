"""What a webhook is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from seezar.database import Row
from seezar.errors import SeezarError

# `ping` is sent on demand, whatever the webhook asks for.
EVENTS: Final = ("run.finished", "run.waiting", "session.stored", "session.ended", "schedule.failed")
PING: Final = "ping"


class WebhookUnknown(SeezarError):
    """No webhook with this id, or no such delivery of it."""

    status = "unknown_webhook"


@dataclass(frozen=True)
class Webhook:
    """Where what is told.

    Attributes:
        events: of `EVENTS`.
        problem: why it was disabled, where it did that itself.
        made_by: see `seezar.audit.actor`.
    """

    id: str
    url: str
    events: tuple[str, ...]
    description: str
    enabled: bool
    problem: str
    made_by: str
    created_at: datetime

    @classmethod
    def of(cls, row: Row) -> "Webhook":
        """The webhook in a row of `app.webhook`."""
        names = ("id", "url", "description", "enabled", "problem", "made_by", "created_at")
        return cls(**{name: row[name] for name in names}, events=tuple(row["events"]))


@dataclass(frozen=True)
class NewWebhook:
    """What `Webhooks.add` takes; `events` may be empty for all of them."""

    url: str
    events: Sequence[str] = ()
    description: str = ""


@dataclass(frozen=True)
class WithSecret:
    """A webhook and the secret that what it is sent is signed with (`whsec_…`), which is told this once."""

    webhook: Webhook
    secret: str = field(repr=False)


def unknown(webhook_id: str) -> WebhookUnknown:
    """The error for an id that nothing has."""
    return WebhookUnknown(f"There is no webhook {webhook_id[:80]!r}.", next_step="See: seezar webhook list.")
