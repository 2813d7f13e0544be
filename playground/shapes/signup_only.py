"""A registration and no login at all."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from playground.kit.site import JourneySite, journey
from playground.shape import PageLabel


def extra(site: JourneySite) -> Sequence[BaseRoute]:
    """The only page."""

    async def start(request: Request) -> Response:
        return site.page("journeys/signup.html", login="")

    return [Route(f"{site.shape.home}/login", start)]


SHAPE = journey(
    name="signup-only",
    brand="Mossbank",
    summary="A registration and no login.",
    steps=(),
    extra=extra,
    labels={"login": PageLabel(kind="signup")},
)
