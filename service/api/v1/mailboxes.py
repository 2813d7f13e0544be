"""`/v1/mailboxes`: addresses that can be read, and what came: envelopes and handles, never a code, never a text."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from seezar.access import Caller, Scope
from seezar.mail.envelopes import Envelope, code_handle, envelope, envelopes
from seezar.mail.errors import MailNotReceived
from seezar.mail.provider import Address, MailFilter
from service.api.auth import Confirm, require
from service.api.needs import App
from service.api.paging import Cursor, Limit, Page, page_by
from service.api.problems import documented
from service.api.strict import StrictRoute
from service.api.v1.shapes import Strict
from service.api.waiting import while_wanted

router = APIRouter(prefix="/v1/mailboxes", tags=["mail"], route_class=StrictRoute)

type Box = Annotated[str, Path(max_length=320, description="The mail address.", examples=["ops@mail.seezar.test"])]
type Reader = Annotated[Caller, require(Scope.MAIL_READ)]
type Writer = Annotated[Caller, require(Scope.MAIL_WRITE)]
type Site = Annotated[str | None, Query(max_length=253, description="Host of the site that the code is for.")]

_LONGEST_WAIT_S = 60


class MailboxShape(BaseModel):
    """An address that can be read."""

    address: str
    provider: str
    created_at: datetime

    @classmethod
    def of(cls, address: Address) -> Self:
        """What is shown of a mailbox."""
        return cls(address=address.address, provider=address.provider, created_at=address.created_at)


class NewMailboxBody(Strict):
    """A mailbox to make."""

    address: str | None = Field(
        default=None,
        max_length=320,
        description="Wanted address, or the part before the @; a random one when left out.",
    )
    provider: str | None = Field(default=None, max_length=63)


class MessageShape(BaseModel):
    """What may be shown of a message. Sender and subject are words of a stranger."""

    handle: str
    sender: str
    subject: str = Field(description="Codes, tokens and links are masked.")
    received_at: datetime
    holds: Literal["code", "link", "code and link", "nothing"]
    code_handle: str | None = Field(description="Stands for the code or link; only the worker can open it.")

    @classmethod
    def of(cls, message: Envelope) -> Self:
        """What is shown of a message."""
        return cls(
            handle=message.handle,
            sender=message.sender,
            subject=message.subject,
            received_at=message.received_at,
            holds=message.holds,
            code_handle=None if message.holds == "nothing" else code_handle(message.handle),
        )


@router.get("", responses=documented(401, 403, 422, 503))
async def list_mailboxes(app: App, caller: Reader, limit: Limit = 50, cursor: Cursor = None) -> Page[MailboxShape]:
    """All mailboxes by address."""
    return page_by(
        await app.mail.addresses(), key=lambda a: a.address, show=MailboxShape.of, limit=limit, cursor=cursor
    )


@router.post("", status_code=201, responses=documented(400, 401, 403, 409, 415, 422, 502, 503))
async def create_mailbox(response: Response, app: App, caller: Writer, body: NewMailboxBody) -> MailboxShape:
    """Make a mailbox."""
    local, _, domain = (body.address or "").strip().partition("@")
    made = await app.mail.create(local or None, domain=domain or None, provider=body.provider)
    response.headers["location"] = f"/v1/mailboxes/{made.address}"
    return MailboxShape.of(made)


@router.get("/{address}", responses=documented(401, 403, 404, 422, 503))
async def get_mailbox(app: App, caller: Reader, address: Box) -> MailboxShape:
    """A mailbox."""
    return MailboxShape.of(await app.mail.address(address))


@router.delete("/{address}", status_code=204, responses=documented(401, 403, 404, 422, 502, 503))
async def delete_mailbox(app: App, caller: Writer, confirm: Annotated[Confirm, Depends()], address: Box) -> None:
    """Delete a mailbox and all that came, at its provider too."""
    box = await app.mail.address(address)
    await confirm(caller, "delete the mailbox", box.address)
    await app.mail.delete(box.address)


@router.get("/{address}/messages", responses=documented(401, 403, 404, 422, 502, 503))
async def list_messages(
    app: App, caller: Reader, address: Box, limit: Annotated[int, Query(ge=1, le=100)] = 20, site: Site = None
) -> list[MessageShape]:
    """The newest messages first."""
    found = await envelopes(app.mail, await app.mail.address(address), limit=limit, site=site)
    return [MessageShape.of(message) for message in found]


@router.get(
    "/{address}/wait",
    response_model=MessageShape,
    responses=documented(401, 403, 404, 422, 502, 503) | {204: {"description": "Nothing came in time."}},
)
async def wait_for_message(
    request: Request,
    app: App,
    caller: Reader,
    address: Box,
    seconds: Annotated[float, Query(ge=0, le=_LONGEST_WAIT_S)] = 30,
    since: Annotated[float, Query(ge=0, le=3600, description="One that came so long ago counts, seconds.")] = 60,
    site: Site = None,
) -> Response:
    """Wait for a message; 204 when none came in time, or when the server stops."""
    now = datetime.now(UTC)
    waiting = app.mail.wait(
        await app.mail.address(address),
        since="0",
        match=MailFilter(not_before=now - timedelta(seconds=since)),
        deadline=now + timedelta(seconds=seconds),
    )
    try:
        ref = await while_wanted(request, waiting)
    except MailNotReceived:
        ref = None
    if ref is None:
        return Response(status_code=204)
    shape = MessageShape.of(await envelope(app.mail, ref, site=site))
    return Response(shape.model_dump_json(), media_type="application/json", headers={"cache-control": "no-store"})
