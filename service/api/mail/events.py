"""`/.well-known/mercure`: events of new mail, in the manner of a Mercure hub.

For each message there are two: the account with its new `used`, and the message as in a list. Their ids name the
message, so that a client that was cut off goes on where it was. An event is only a wake-up; the list is the truth.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from seezar.errors import SeezarError
from seezar.mail.hosted import HostedAccount, HostedMessage
from service.api.mail.accounts import account_event
from service.api.mail.callers import Caller, bearer, mail_api
from service.api.mail.faults import Faults
from service.api.mail.messages import reading, shown_until
from service.api.mail.shapes import linked

router = APIRouter()

# Proxies and clients give up on a stream that is silent for a minute or half; the token is looked at again as often.
HEARTBEAT_S = 15.0
# A client opens one; more than this is a client that forgets to close them.
_STREAMS = 16
_BEAT = ":\n\n"
_ACCOUNT, _MESSAGE = "account", "message"


@router.get("/.well-known/mercure")
async def subscribe(request: Request, caller: Caller) -> Response:
    """The events of the account that calls, from now on or from behind `Last-Event-ID`."""
    topics = request.query_params.getlist("topic")
    if not topics:
        raise HTTPException(400, 'Missing "topic" parameter.')
    if any(topic != f"/accounts/{caller.id}" for topic in topics):
        raise HTTPException(403, "The topic is not that of this account.")
    # Before the answer begins: whatever comes after the client has seen it is told.
    position = await _position(request, caller)
    if mail_api(request).streams.get(caller.id, 0) >= _STREAMS:
        raise HTTPException(429, "Too many streams are open.", {"retry-after": "5"})
    return _EventStream(lambda gone: _stream(request, caller, position, gone))


class _EventStream(Response):
    """A response that ends with its events, or when the client has gone.

    Starlette's own cancels its work at that moment, which breaks the database connection that is in use; here the work
    is told and ends by itself.
    """

    media_type = "text/event-stream"

    def __init__(self, events: Callable[[asyncio.Event], AsyncGenerator[str]]) -> None:
        super().__init__(headers={"cache-control": "no-store"})
        del self.headers["content-length"]
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.Event()
        watching = asyncio.create_task(_until_gone(receive, gone))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async with aclosing(self._events(gone)) as events:
                async for event in events:
                    await send({"type": "http.response.body", "body": event.encode("ascii"), "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            watching.cancel()


async def _until_gone(receive: Receive, gone: asyncio.Event) -> None:
    # A body that is too large ends the stream as well.
    with suppress(HTTPException):
        while (await receive())["type"] != "http.disconnect":
            pass
    gone.set()


async def _position(request: Request, account: HostedAccount) -> int:
    hosted = mail_api(request).hosted
    last = request.headers.get("last-event-id") or request.query_params.get("lastEventID")
    if not last:
        return await hosted.newest(account)
    handle, _, kind = last.removeprefix("urn:uuid:").partition("#")
    message = await hosted.message(account, handle)
    if message is None:
        # Deleted since. Telling all there is again is better than passing something over.
        return 0
    return message.number if kind == _MESSAGE else message.number - 1


async def _stream(request: Request, account: HostedAccount, position: int, gone: asyncio.Event) -> AsyncGenerator[str]:
    api = mail_api(request)
    faults: Faults = request.app.state.faults
    api.streams[account.id] = api.streams.get(account.id, 0) + 1
    sent = 0
    try:
        async with api.hosted.arrivals(account) as woken:
            yield _BEAT
            while not (api.closing.is_set() or gone.is_set()):
                # Before the look: what comes during it is looked for again.
                woken.clear()
                now = await api.hosted.by_token(bearer(request))
                if now is None:
                    return
                news = await api.hosted.newer(now, position, until=shown_until(faults))
                for message in news:
                    async for event in _events(request, now, message):
                        yield event
                        sent += 1
                        if faults.drop_stream_after and sent >= faults.drop_stream_after:
                            return
                    position = message.number
                if not news and not await _woken(woken, api.closing, gone, delay=faults.delay):
                    yield _BEAT
    except SeezarError:
        # The database is away: the client reconnects with its last id.
        return
    finally:
        api.streams[account.id] -= 1
        if not api.streams[account.id]:
            del api.streams[account.id]


async def _events(request: Request, account: HostedAccount, message: HostedMessage) -> AsyncGenerator[str]:
    api = mail_api(request)
    faults: Faults = request.app.state.faults
    found = await reading(request, account, message)
    now = await api.hosted.by_token(bearer(request))
    if found is None or now is None:
        return
    path = f"/messages/{message.id}"
    about = linked("Message", path, {**found.listed, "intro": found.intro})
    for kind, body in ((_ACCOUNT, account_event(now)), (_MESSAGE, {"@context": "/contexts/Message", **about})):
        # In ASCII: no character of a mail can end a line of the stream.
        data = "2" if faults.number_events else json.dumps(body)
        yield f"id: urn:uuid:{message.id}#{kind}\ndata: {data}\n\n"


async def _woken(*events: asyncio.Event, delay: float) -> bool:
    """Whether there may be something to do before a heartbeat is due. No statement is under way while it waits.

    Args:
        delay: seconds that messages are held back; until then they are looked for again and again.
    """
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        done, _ = await asyncio.wait(waits, timeout=delay or HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
        return bool(done) or delay > 0
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
