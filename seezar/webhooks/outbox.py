"""What waits to be sent to webhooks: written by the database as it happens, sent at least once, with the same id."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from seezar.database import Database, Row
from seezar.vault import Cipher
from seezar.vault.columns import WEBHOOK_PREVIOUS_SECRET, WEBHOOK_SECRET
from seezar.webhooks.records import WebhookUnknown

# Who sends one has it for so long: longer than any sending takes.
_LEASE_S = 60.0
# Pauses after the first failed try and after each further one, until it is given up after two days. Each is up to a
# fifth longer, so that what failed together does not come back together.
PAUSES_S = (5.0, 30.0, 120.0, 600.0, 3600.0, 4 * 3600.0, 12 * 3600.0, 24 * 3600.0)


@dataclass(frozen=True)
class Delivery:
    """Something that is told. Neither `sent_at` nor `next_at`: it was given up.

    Attributes:
        id: the same in every try; receivers know by it what they have had.
        data: see docs/webhooks.md.
        problem: what was in the way last.
    """

    id: str
    webhook: str
    event: str
    data: dict[str, Any]
    created_at: datetime
    tries: int
    sent_at: datetime | None
    next_at: datetime | None
    problem: str

    @property
    def status(self) -> str:
        """`sent`, `waiting` or `given_up`."""
        return "sent" if self.sent_at else "waiting" if self.next_at else "given_up"


@dataclass(frozen=True)
class Sending:
    """A delivery that is to be tried now, where to, and the secrets that it is signed with, the newest first."""

    delivery: Delivery
    url: str
    secrets: tuple[str, ...] = field(repr=False)


class Outbox:
    """The deliveries in `app.webhook_delivery`."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    async def claim(self, *, busy: Collection[str] = (), only: str | None = None) -> Sending | None:
        """The delivery that is due longest, for one of any number of workers; None when none is.

        It is due again, after a minute, unless `sent` or `failed` is called.

        Args:
            busy: webhooks that are left out.
            only: the only webhook that counts.

        Raises:
            KeyUnusable: its secret does not open.
        """
        row = await self._database.one(
            "UPDATE app.webhook_delivery d SET tries = tries + 1,"
            " next_at = clock_timestamp() + make_interval(secs => %s)"
            " FROM app.webhook w WHERE w.id = d.webhook AND d.id = ("
            "  SELECT o.id FROM app.webhook_delivery o JOIN app.webhook h ON h.id = o.webhook AND h.enabled"
            "  WHERE o.next_at <= clock_timestamp() AND NOT o.webhook = ANY(%s)"
            "  AND (%s::text IS NULL OR o.webhook = %s)"
            "  ORDER BY o.next_at LIMIT 1 FOR UPDATE OF o SKIP LOCKED)"
            " RETURNING d.*, w.url, w.secret, w.previous_secret, w.previous_until > now() AS both",
            _LEASE_S,
            list(busy),
            only,
            only,
        )
        if row is None:
            return None
        webhook = row["webhook"]
        known = [self._cipher.decrypt(bytes(row["secret"]), context=WEBHOOK_SECRET.context(webhook)).decode()]
        if row["both"]:
            context = WEBHOOK_PREVIOUS_SECRET.context(webhook)
            known.append(self._cipher.decrypt(bytes(row["previous_secret"]), context=context).decode())
        return Sending(_delivery(row), row["url"], tuple(known))

    async def sent(self, delivery: Delivery) -> None:
        """It has arrived."""
        await self._database.run(
            "UPDATE app.webhook_delivery SET sent_at = clock_timestamp(), next_at = NULL, problem = '' WHERE id = %s",
            UUID(delivery.id),
        )

    async def failed(self, delivery: Delivery, problem: str) -> None:
        """It has not; it is tried again after a pause, and given up after the last one."""
        pause = PAUSES_S[delivery.tries - 1] if delivery.tries <= len(PAUSES_S) else None
        await self._database.run(
            "UPDATE app.webhook_delivery SET problem = %s,"
            " next_at = clock_timestamp() + make_interval(secs => %s * (1 + random() * 0.2))"
            " WHERE id = %s AND sent_at IS NULL",
            problem,
            pause,
            UUID(delivery.id),
        )

    async def gone(self, webhook_id: str, problem: str) -> None:
        """The receiver wants nothing any more: disable the webhook, and give up what waits for it."""
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE app.webhook SET enabled = false, problem = %s WHERE id = %s", (problem, webhook_id)
            )
            await connection.execute(
                "UPDATE app.webhook_delivery SET next_at = NULL, problem = %s WHERE webhook = %s AND sent_at IS NULL",
                (problem, webhook_id),
            )

    async def again(self, webhook_id: str, delivery_id: str) -> Delivery:
        """Send something once more at once, whether it has arrived or not.

        Raises:
            WebhookUnknown: the webhook has no such delivery.
        """
        row = await self._database.one(
            "UPDATE app.webhook_delivery SET tries = 0, sent_at = NULL, next_at = clock_timestamp(), problem = ''"
            " WHERE webhook = %s AND id::text = %s RETURNING *",
            webhook_id,
            delivery_id,
        )
        if row is None:
            raise _unknown(delivery_id)
        return _delivery(row)

    async def get(self, webhook_id: str, delivery_id: str) -> Delivery:
        """Something that a webhook was told, or is to be told.

        Raises:
            WebhookUnknown: the webhook has no such delivery.
        """
        row = await self._database.one(
            "SELECT * FROM app.webhook_delivery WHERE webhook = %s AND id::text = %s", webhook_id, delivery_id
        )
        if row is None:
            raise _unknown(delivery_id)
        return _delivery(row)

    async def list(
        self, webhook_id: str, *, limit: int = 50, before: tuple[datetime, str] | None = None
    ) -> list[Delivery]:
        """What a webhook was told or is to be told, the newest first.

        Args:
            before: `created_at` and id of the last one that is known.
        """
        at, last = before or (None, None)
        rows = await self._database.all(
            "SELECT * FROM app.webhook_delivery d WHERE webhook = %s"
            " AND (%s::timestamptz IS NULL OR created_at < %s OR (created_at = %s AND id::text < %s))"
            " ORDER BY created_at DESC, id DESC LIMIT %s",
            webhook_id,
            at,
            at,
            at,
            last,
            limit,
        )
        return [_delivery(row) for row in rows]


def _unknown(delivery_id: str) -> WebhookUnknown:
    return WebhookUnknown(
        f"The webhook has no delivery {delivery_id[:80]!r}.", next_step="See: seezar webhook deliveries ID."
    )


def _delivery(row: Row) -> Delivery:
    names = ("webhook", "event", "data", "created_at", "tries", "sent_at", "next_at", "problem")
    return Delivery(id=str(row["id"]), **{name: row[name] for name in names})
