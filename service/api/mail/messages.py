"""`/messages` and `/sources`: the mail of the account that calls."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from seezar.mail.hosted import HostedAccount, HostedMessage
from service.api.mail.callers import Caller, json_object, mail_api
from service.api.mail.faults import Faults
from service.api.mail.reading import Reading, attachment, read
from service.api.mail.shapes import collection, resource

router = APIRouter()

PAGE = 30
# A page number beyond this names no message, and would not fit where the database counts.
_LAST_PAGE = 10**9
_MERGE_PATCH = "application/merge-patch+json"
# Downloads are never shown as a page of this server, whatever their sender calls them.
_DOWNLOAD = {"x-content-type-options": "nosniff", "content-security-policy": "sandbox", "cache-control": "no-store"}


@router.get("/messages")
async def list_messages(request: Request, caller: Caller) -> Response:
    """One page, newest first."""
    number = _page_number(request.query_params.get("page", "1"))
    faults: Faults = request.app.state.faults
    page = await mail_api(request).hosted.page(caller, number, PAGE, until=shown_until(faults))
    members: list[tuple[str, dict[str, object]]] = []
    for message in page.messages:
        # One at a time: a page of large messages is not held in memory at once.
        found = await reading(request, caller, message)
        if found is not None:
            members.append((f"/messages/{message.id}", {**found.listed, "intro": found.intro}))
    if faults.duplicates:
        members = [member for member in members for _ in range(2)]
    pages = max(1, -(-page.total // PAGE))
    return collection(request, "Message", "/messages", members, total=page.total, page=number, pages=pages)


def _page_number(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    if number < 1:
        raise HTTPException(400, "Page should not be less than 1")
    return min(number, _LAST_PAGE)


def shown_until(faults: Faults) -> datetime | None:
    """Messages that came later are not shown yet; None = all are."""
    return datetime.now(UTC) - timedelta(seconds=faults.delay) if faults.delay else None


async def reading(request: Request, account: HostedAccount, message: HostedMessage) -> Reading | None:
    """What is shown of a message, or None when it was deleted meanwhile."""
    raw = await mail_api(request).hosted.source(message)
    return None if raw is None else await asyncio.to_thread(read, message, account.id, raw)


async def _shown(request: Request, account: HostedAccount, message: HostedMessage | None) -> Response:
    found = None if message is None else await reading(request, account, message)
    if message is None or found is None:
        raise HTTPException(404, "Not Found")
    return resource(request, "Message", f"/messages/{message.id}", {**found.listed, **found.more})


@router.get("/messages/{message_id}")
async def show_message(request: Request, message_id: str, caller: Caller) -> Response:
    """A message with its texts and attachments."""
    return await _shown(request, caller, await mail_api(request).hosted.message(caller, message_id))


@router.patch("/messages/{message_id}")
async def mark_message(request: Request, message_id: str, caller: Caller) -> Response:
    """Note that it was seen, or not."""
    body = await json_object(request, _MERGE_PATCH)
    hosted = mail_api(request).hosted
    if "seen" not in body:
        return await _shown(request, caller, await hosted.message(caller, message_id))
    if not isinstance(body["seen"], bool):
        raise HTTPException(400, 'The type of the "seen" attribute must be "bool".')
    return await _shown(request, caller, await hosted.mark(caller, message_id, seen=body["seen"]))


@router.delete("/messages/{message_id}")
async def delete_message(request: Request, message_id: str, caller: Caller) -> Response:
    """Remove it."""
    if not await mail_api(request).hosted.delete_message(caller, message_id):
        raise HTTPException(404, "Not Found")
    return Response(status_code=204)


async def _raw(request: Request, account: HostedAccount, message_id: str) -> tuple[HostedMessage, bytes]:
    hosted = mail_api(request).hosted
    message = await hosted.message(account, message_id)
    raw = None if message is None else await hosted.source(message)
    if message is None or raw is None:
        raise HTTPException(404, "Not Found")
    return message, raw


@router.get("/sources/{message_id}")
async def show_source(request: Request, message_id: str, caller: Caller) -> Response:
    """The raw message as text; bytes that are no UTF-8 are replaced. `downloadUrl` has them as they came."""
    message, raw = await _raw(request, caller, message_id)
    fields = {
        "id": message.id,
        "downloadUrl": f"/messages/{message.id}/download",
        "data": raw.decode("utf-8", "replace"),
    }
    return resource(request, "Source", f"/sources/{message.id}", fields)


@router.get("/messages/{message_id}/download")
async def download_message(request: Request, message_id: str, caller: Caller) -> Response:
    """The raw message, byte by byte."""
    message, raw = await _raw(request, caller, message_id)
    headers = {**_DOWNLOAD, "content-disposition": f'attachment; filename="{message.id}.eml"'}
    return Response(raw, media_type="message/rfc822", headers=headers)


@router.get("/messages/{message_id}/attachment/{attachment_id}")
async def download_attachment(request: Request, message_id: str, attachment_id: str, caller: Caller) -> Response:
    """The content of an attachment."""
    _, raw = await _raw(request, caller, message_id)
    part = await asyncio.to_thread(attachment, raw, attachment_id)
    if part is None:
        raise HTTPException(404, "Not Found")
    known = re.fullmatch(r"[a-z0-9.+-]{1,64}/[a-z0-9.+-]{1,64}", part.content_type)
    name = quote(part.filename.encode("utf-8", "replace")[:255] or attachment_id.lower().encode(), safe="")
    headers = {
        **_DOWNLOAD,
        "content-disposition": f"attachment; filename*=UTF-8''{name}",
        # Set by hand: a charset would be added to text types, and the sender's is not known.
        "content-type": part.content_type if known else "application/octet-stream",
    }
    return Response(part.content, headers=headers)
