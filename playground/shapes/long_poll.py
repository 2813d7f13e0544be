"""The login page keeps a request open for ever, as pages with live updates do; the form works."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from playground.kit.builders import login_step
from playground.kit.site import JourneySite, journey


def extra(site: JourneySite) -> Sequence[BaseRoute]:
    """The request that stays open."""

    async def body() -> AsyncIterator[str]:
        yield ": open\n\n"
        await asyncio.Event().wait()

    async def events(request: Request) -> Response:
        return StreamingResponse(body(), media_type="text/event-stream")

    return [Route(f"{site.shape.home}/events", events)]


SHAPE = journey(
    name="long-poll",
    brand="Everbrook",
    summary="The login page keeps a request open for ever.",
    steps=(login_step("journeys/long_poll.html"),),
    extra=extra,
)
