"""The same server under its other name: another origin for a browser, and for whoever must not be phished."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from playground.kit.site import JourneySite


def foreign_url(request: Request, path: str) -> str:
    """The address of `path` on the other origin: `localhost` for 127.0.0.1 and the other way round."""
    url = request.url
    host = "127.0.0.1" if url.hostname == "localhost" else "localhost"
    return f"{url.scheme}://{host}:{url.port}{path}"


def foreign_form(site: JourneySite) -> Callable[[Request], Awaitable[Response]]:
    """A login form that keeps what it gets; all of it is bait."""

    async def show(request: Request) -> Response:
        return site.page("journeys/foreign_frame.html")

    return show
