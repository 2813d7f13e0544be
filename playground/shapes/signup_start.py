"""The start page is a registration; a small link leads to the login."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from playground.kit.builders import login_step
from playground.kit.site import JourneySite, journey
from playground.shape import PageLabel


def extra(site: JourneySite) -> Sequence[BaseRoute]:
    """The start page."""

    async def start(request: Request) -> Response:
        return site.page("journeys/signup.html", login=f"{site.shape.home}/login")

    return [Route(f"{site.shape.home}/start", start)]


SHAPE = journey(
    name="signup-start",
    brand="Fernhollow",
    summary="The start page is a registration with a small link to the login.",
    steps=(login_step(),),
    extra=extra,
    labels={"start": PageLabel(kind="signup", opener="#sign-in-link")},
)
