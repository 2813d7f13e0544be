"""The web application: every shape, an index page, and a window on the state."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from playground.pages import STATIC_FOLDER, FormRefusedError, render_page
from playground.shapes import all_shapes
from playground.state import PlaygroundState

_SENTENCES = {
    404: "There is no page at this address.",
    405: "This page does not take that kind of request.",
    500: "Something went wrong on our side.",
}


class SiteWatch:
    """Counts the pages of each site and makes them as slow as the knobs say."""

    def __init__(self, app: ASGIApp, state: PlaygroundState) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry point."""
        if scope["type"] == "http" and (site := scope["path"].split("/")[1]) in all_shapes():
            if scope["method"] == "GET":
                self._state.counters(site).page_loads += 1
            if self._state.knobs.page_delay > 0:
                await asyncio.sleep(self._state.knobs.page_delay)
        await self._app(scope, receive, send)


def create_app(state: PlaygroundState) -> Starlette:
    """The application on `state`. Closing it cancels mails that are still to be sent."""
    shapes = all_shapes()

    async def index(request: Request) -> Response:
        sites = [(shape, state.accounts_of(shape.name)) for shape in shapes.values()]
        return render_page("index.html", {"sites": sites})

    async def show_state(request: Request) -> Response:
        if request.client is None or not _is_loopback(request.client.host):
            raise HTTPException(404)
        return JSONResponse(state.snapshot(shapes), headers={"Cache-Control": "no-store"})

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await state.close()

    routes: list[BaseRoute] = [
        Route("/", index),
        Route("/_playground/state", show_state),
        Mount("/static", StaticFiles(directory=STATIC_FOLDER)),
    ]
    for shape in shapes.values():
        routes.extend(shape.build(shape, state))
    return Starlette(
        routes=routes,
        middleware=[Middleware(SiteWatch, state=state)],
        exception_handlers={HTTPException: _http_error, FormRefusedError: _form_refused, Exception: _server_error},
        lifespan=lifespan,
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _error_page(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return render_page("error.html", {"status": status, "message": message}, status=status, headers=headers)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = _SENTENCES.get(error.status_code, error.detail)
    return _error_page(error.status_code, message, dict(error.headers or {}))


async def _form_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, FormRefusedError)
    return _error_page(error.status, error.message)


async def _server_error(request: Request, error: Exception) -> Response:
    return _error_page(500, _SENTENCES[500])
