"""`/v1/webhooks`: programs elsewhere that are told what happens."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from seezar.access import Caller, Scope
from seezar.webhooks import Delivery, NewWebhook, Webhook, WithSecret
from service.api.auth import Confirm, require
from service.api.etags import IfMatch, IfNoneMatch, answered, ensure_match, etag_of
from service.api.needs import App
from service.api.paging import Cursor, Limit, Page, cursor_of, moment_of, page_by
from service.api.problems import documented
from service.api.strict import StrictRoute
from service.api.v1.shapes import Strict

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], route_class=StrictRoute)

type WebhookId = Annotated[str, Path(max_length=80, description="Id of a webhook.")]
type Manager = Annotated[Caller, require(Scope.WEBHOOKS_WRITE)]
type Confirmed = Annotated[Confirm, Depends()]
type Event = Literal["run.finished", "run.waiting", "session.stored", "session.ended"]
type Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2000,
        description="https; http only for hosts of SEEZAR_PRIVATE_HOSTS. Addresses inside are refused but for those.",
        examples=["https://ops.example.com/hooks/seezar"],
    ),
]


class WebhookShape(BaseModel):
    """A webhook, without its secret."""

    id: str = Field(examples=["wh_5f0c2a2b9d1e4711"])
    url: str
    events: list[Event]
    description: str
    enabled: bool
    problem: str = Field(description="Why it disabled itself.")
    made_by: str
    created_at: datetime

    @classmethod
    def of(cls, webhook: Webhook) -> Self:
        """What is shown of a webhook."""
        return cls(**{name: getattr(webhook, name) for name in cls.model_fields})


class NewWebhookBody(Strict):
    """A webhook to register."""

    url: Url
    events: list[Event] = Field(default_factory=list, max_length=4, description="All of them when left out.")
    description: str = Field(default="", max_length=200)


class WebhookPatch(Strict):
    """What is to change; what is left out stays."""

    url: Url | None = None
    events: list[Event] | None = Field(default=None, min_length=1, max_length=4)
    description: str | None = Field(default=None, max_length=200)
    enabled: bool | None = None


class SecretShape(BaseModel):
    """A webhook with its secret, which is shown this once."""

    webhook: WebhookShape
    secret: str = Field(description="What it is sent is signed with it: Standard Webhooks, symmetric.")

    @classmethod
    def of(cls, made: WithSecret) -> Self:
        """What is shown of it this once."""
        return cls(webhook=WebhookShape.of(made.webhook), secret=made.secret)


class DeliveryShape(BaseModel):
    """Something that a webhook was told, or is to be told."""

    id: str = Field(description="`webhook-id` of the message is `msg_` and this.")
    event: str = Field(examples=["run.finished", "ping"])
    data: dict[str, Any]
    status: Literal["sent", "waiting", "given_up"]
    tries: int
    problem: str = Field(description="What was in the way last.")
    created_at: datetime
    sent_at: datetime | None
    next_at: datetime | None = Field(description="When it is tried again.")

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """What is shown of a delivery."""
        return cls(**{name: getattr(delivery, name) for name in cls.model_fields})


@router.get("", responses=documented(401, 403, 422, 503))
async def list_webhooks(app: App, caller: Manager, limit: Limit = 50, cursor: Cursor = None) -> Page[WebhookShape]:
    """All webhooks by id."""
    return page_by(await app.webhooks.list(), key=lambda w: w.id, show=WebhookShape.of, limit=limit, cursor=cursor)


@router.post("", status_code=201, responses=documented(400, 401, 403, 415, 422, 503))
async def add_webhook(
    response: Response, app: App, caller: Manager, confirm: Confirmed, body: NewWebhookBody
) -> SecretShape:
    """Register a webhook. Its secret is shown this once. A caller without `confirm` needs a person's confirmation."""
    await confirm(caller, "tell what happens to", body.url, body.model_dump())
    made = await app.webhooks.add(NewWebhook(body.url, tuple(body.events), body.description))
    response.headers.update({"location": f"/v1/webhooks/{made.webhook.id}", "cache-control": "no-store"})
    return SecretShape.of(made)


@router.get("/{webhook_id}", response_model=WebhookShape, responses=documented(401, 403, 404, 422, 503) | {304: {}})
async def get_webhook(app: App, caller: Manager, webhook_id: WebhookId, if_none_match: IfNoneMatch = None) -> Response:
    """A webhook, without its secret."""
    return answered(WebhookShape.of(await app.webhooks.get(webhook_id)), if_none_match)


@router.patch("/{webhook_id}", responses=documented(400, 401, 403, 404, 412, 415, 422, 503))
async def change_webhook(
    response: Response,
    app: App,
    caller: Manager,
    confirm: Confirmed,
    webhook_id: WebhookId,
    body: WebhookPatch,
    if_match: IfMatch = None,
) -> WebhookShape:
    """Change a webhook, disable it, or enable it again."""
    ensure_match(WebhookShape.of(await app.webhooks.get(webhook_id)), if_match)
    if body.url is not None:
        await confirm(caller, "tell what happens to", body.url, body.model_dump(exclude_none=True))
    changed = await app.webhooks.change(
        webhook_id, url=body.url, events=body.events, description=body.description, enabled=body.enabled
    )
    shown = WebhookShape.of(changed)
    response.headers["etag"] = etag_of(shown)
    return shown


@router.delete("/{webhook_id}", status_code=204, responses=documented(401, 403, 404, 422, 503))
async def remove_webhook(app: App, caller: Manager, webhook_id: WebhookId) -> None:
    """Forget a webhook with all that waits for it."""
    await app.webhooks.remove(webhook_id)


@router.post("/{webhook_id}/secret", responses=documented(401, 403, 404, 422, 503))
async def rotate_secret(response: Response, app: App, caller: Manager, webhook_id: WebhookId) -> SecretShape:
    """Give a webhook a new secret, shown this once. For a day it is sent signatures of both."""
    response.headers["cache-control"] = "no-store"
    return SecretShape.of(await app.webhooks.rotate(webhook_id))


@router.post("/{webhook_id}/ping", status_code=202, responses=documented(401, 403, 404, 422, 503))
async def ping(app: App, caller: Manager, webhook_id: WebhookId) -> DeliveryShape:
    """Send a `ping` as a test; the deliveries tell what came of it."""
    delivery = await app.webhooks.ping(webhook_id)
    return DeliveryShape.of(await app.outbox.get(webhook_id, delivery))


@router.get("/{webhook_id}/deliveries", responses=documented(401, 403, 404, 422, 503))
async def list_deliveries(
    app: App, caller: Manager, webhook_id: WebhookId, limit: Limit = 50, cursor: Cursor = None
) -> Page[DeliveryShape]:
    """What it was told, or is to be told, the newest first. Kept for thirty days."""
    await app.webhooks.get(webhook_id)
    found = await app.outbox.list(webhook_id, limit=limit + 1, before=moment_of(cursor))
    last = found[limit - 1] if len(found) > limit else None
    more = None if last is None else cursor_of(last.created_at.isoformat(), last.id)
    return Page[DeliveryShape](items=[DeliveryShape.of(delivery) for delivery in found[:limit]], next=more)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/retry", status_code=202, responses=documented(401, 403, 404, 422, 503)
)
async def retry(
    app: App, caller: Manager, webhook_id: WebhookId, delivery_id: Annotated[str, Path(max_length=80)]
) -> DeliveryShape:
    """Send something once more at once, whether it has arrived or not; its id is the same."""
    return DeliveryShape.of(await app.outbox.again(webhook_id, delivery_id))
