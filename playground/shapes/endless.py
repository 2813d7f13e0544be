"""The start page begins and never ends."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from playground.kit.site import JourneySite, journey


def extra(site: JourneySite) -> Sequence[BaseRoute]:
    """The page."""

    async def body() -> AsyncIterator[str]:
        yield "<!doctype html><title>Slowmere</title><h1>Loading…</h1>"
        await asyncio.Event().wait()

    async def start(request: Request) -> Response:
        return StreamingResponse(body(), media_type="text/html")

    return [Route(f"{site.shape.home}/login", start)]


SHAPE = journey(name="endless", brand="Slowmere", summary="A start page that never ends.", steps=(), extra=extra)
