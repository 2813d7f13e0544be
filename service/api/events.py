"""Server-sent events (WHATWG HTML, section 9.2): an id for each, a comment now and then, resumed by `Last-Event-ID`."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from seezar.accounts import Run, RunEvent
from seezar.application import Application
from seezar.errors import InvalidInput, SeezarError
from service.api.hub import EventHub, News
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
    hub = hub_of(request)
    return EventStream(hub, hub.follow(run_id, after=last_seen(request, after)))


def all_events(request: Request) -> Response:
    """The events of all runs, live."""
    hub = hub_of(request)
    resumed = "last-event-id" in request.headers
    return EventStream(hub, hub.follow_all(after=last_seen(request, 0) if resumed else None))


class EventStream(Response):
    """A response that ends with its events, when the client has gone, or when the server stops.

    Starlette's own cancels its work at that moment, which breaks the database connection that is in use; here the work
    is told and ends by itself.
    """

    media_type = MEDIA_TYPE

    def __init__(self, hub: EventHub, news: AsyncGenerator[News | None]) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._hub = hub
        self._news = news

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until there is no more."""
        gone = asyncio.Event()
        watching = asyncio.create_task(_until_gone(receive, gone))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async with aclosing(self._news) as news:
                async for text in _texts(news, gone, self._hub.closing):
                    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            watching.cancel()


async def _until_gone(receive: Receive, gone: asyncio.Event) -> None:
    # A body that is too large ends the stream as well.
    with suppress(HTTPException):
        while (await receive())["type"] != "http.disconnect":
            pass
    gone.set()


async def _texts(news: AsyncIterator[News | None], gone: asyncio.Event, closing: asyncio.Event) -> AsyncIterator[str]:
    # Something at once: that the stream stands.
    yield _BEAT
    ends = [asyncio.ensure_future(event.wait()) for event in (gone, closing)]
    coming: asyncio.Future[News | None] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(news))
            done, _ = await asyncio.wait([coming, *ends], timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                yield _BEAT
                continue
            if coming not in done:
                return
            item, coming = coming.result(), None
            if item is None:
                yield ": you do not keep up; come back with Last-Event-ID\n\n"
                return
            yield _text(item)
    except (StopAsyncIteration, SeezarError):
        # No more; or the database is away, and the client comes back with its last id.
        return
    finally:
        for waiting in (*ends, *([coming] if coming else [])):
            waiting.cancel()
        await asyncio.gather(*ends, *([coming] if coming else []), return_exceptions=True)


def _text(item: RunEvent | Run) -> str:
    # JSON has no line break in it that could end a line of the stream.
    if isinstance(item, Run):
        return f"event: end\ndata: {RunShape.of(item).model_dump_json()}\n\n"
    return f"id: {item.id}\nevent: event\ndata: {EventShape.of(item).model_dump_json()}\n\n"
