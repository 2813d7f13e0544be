"""The login form is in a frame of the same origin; the frame sends the whole page on when it is done."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from playground.kit.builders import LOGIN, login_step
from playground.kit.site import JourneySite, journey


def extra(site: JourneySite) -> Sequence[BaseRoute]:
    """The page around the frame, and what the frame shows when it is done."""

    async def outer(request: Request) -> Response:
        return site.page("journeys/framed.html")

    async def dashboard_or_done(request: Request) -> Response:
        walk = site.walk_of(request)
        done = walk is not None and walk.signed_in and request.headers.get("sec-fetch-dest") == "iframe"
        return site.page("journeys/framed_done.html", walk) if done else await site.dashboard(request)

    home = site.shape.home
    return [Route(f"{home}/login", outer), Route(f"{home}/dashboard", dashboard_or_done)]


SHAPE = journey(
    name="framed",
    brand="Casement",
    summary="The login form is in a frame of the same origin.",
    steps=(login_step(path="frame"),),
    extra=extra,
    labels={"login": LOGIN},
)
