"""What is sent: the body and the headers of the Standard Webhooks specification (standardwebhooks.com)."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook as Signer

from seezar.webhooks.outbox import Delivery


def body_of(delivery: Delivery) -> str:
    """The JSON that tells it; the same in every try."""
    told = {"type": delivery.event, "timestamp": delivery.created_at.astimezone(UTC).isoformat(), "data": delivery.data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def headers_of(delivery: Delivery, body: str, secrets: Sequence[str], *, now: datetime | None = None) -> dict[str, str]:
    """The headers that go with `body`: one signature for each secret."""
    sent_at = (now or datetime.now(UTC)).replace(microsecond=0)
    message_id = f"msg_{delivery.id}"
    return {
        "content-type": "application/json",
        "user-agent": "seezar-webhooks",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": " ".join(Signer(secret).sign(message_id, sent_at, body) for secret in secrets),
    }
