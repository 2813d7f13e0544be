"""Server-sent events (WHATWG HTML, section 9.2): an id for each, a comment now and then, resumed by `Last-Event-ID`."""

import asyncio
from contextlib import AbstractAsyncContextManager, suppress

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from seezar.accounts import Run, RunEvent
from seezar.application import Application
from seezar.errors import InvalidInput, SeezarError
from service.api.hub import EventHub, Subscription, Told
from service.api.v1.shapes import EventShape, RunShape

MEDIA_TYPE = "text/event-stream"
# Proxies and clients give up on a stream that is silent for a minute or half.
HEARTBEAT_S = 15.0
_BEAT = ":\n\n"
_MOST = 2000


def hub_of(request: Request) -> EventHub:
    """The hub of this server."""
    return request.app.state.hub


def wants_stream(request: Request) -> bool:
    """Whether the caller asks for server-sent events."""
    return MEDIA_TYPE in request.headers.get("accept", "")


def last_seen(request: Request, after: int) -> int:
    """The id of the last event that the caller has.

    Raises:
        InvalidInput: `Last-Event-ID` is none of ours.
    """
    sent = request.headers.get("last-event-id", "").strip()
    if not sent:
        return after
    if not (sent.isascii() and sent.isdecimal() and len(sent) <= 18):
        raise InvalidInput("Last-Event-ID is not the id of an event.", kept="Nothing was done.")
    return int(sent)


async def run_events(request: Request, app: Application, run_id: str, after: int) -> Response:
    """The timeline of a run, as JSON or live.

    Raises:
        RunUnknown: no such run.
    """
    # Before the answer begins: an unknown run is a problem, not a stream that ends.
    await app.runs.get(run_id)
    if not wants_stream(request):
        shapes = [EventShape.of(event) for event in (await app.runs.events(run_id, after=after))[:_MOST]]
        body = "[" + ",".join(shape.model_dump_json() for shape in shapes) + "]"
        return Response(body, media_type="application/json", headers={"cache-control": "no-store"})
    return EventStream(hub_of(request).following(run_id, after=last_seen(request, after)))


def all_events(request: Request) -> Response:
    """The events of all runs, live."""
    resumed = "last-event-id" in request.headers
    return EventStream(hub_of(request).following_all(after=last_seen(request, 0) if resumed else None))


class EventStream(Response):
    """A response that ends with its events, when the client has gone, or when the server stops.

    Starlette's own cancels its work at that moment, which breaks the database connection that is in use; here the work
    is told and ends by itself.
    """

    media_type = MEDIA_TYPE

    def __init__(self, following: AbstractAsyncContextManager[tuple[list[Told], Subscription]]) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._following = following

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until there is no more."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        # Something at once: that the stream stands. The database may be away: the client comes back with its last id.
        await _send(send, _BEAT)
        with suppress(SeezarError):
            async with self._following as (there, news):
                watching = asyncio.create_task(_until_gone(receive, news))
                try:
                    await _send(send, "".join(told.text for told in there))
                    while came := await _next(news):
                        await _send(send, came)
                finally:
                    watching.cancel()
                if news.dropped:
                    await _send(send, ": you do not keep up; come back with Last-Event-ID\n\n")
        await send({"type": "http.response.body", "body": b""})


async def _next(news: Subscription) -> str:
    """What is to be sent next; "" when there is no more."""
    came = await news.next(seconds=HEARTBEAT_S)
    if not came and not news.closed:
        return _BEAT
    return "".join(told.text for told in came)


async def _send(send: Send, text: str) -> None:
    if text:
        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _until_gone(receive: Receive, news: Subscription) -> None:
    # A body that is too large ends the stream as well.
    with suppress(HTTPException):
        while (await receive())["type"] != "http.disconnect":
            pass
    news.close()


def written(item: RunEvent | Run) -> str:
    """An event, or the run that has ended, as server-sent event."""
    # JSON has no line break in it that could end a line of the stream.
    if isinstance(item, Run):
        return f"event: end\ndata: {RunShape.of(item).model_dump_json()}\n\n"
    return f"id: {item.id}\nevent: event\ndata: {EventShape.of(item).model_dump_json()}\n\n"
