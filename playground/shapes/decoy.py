"""A login form of another origin stands above the site's own."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from playground.kit.builders import LOGIN, login_step
from playground.kit.foreign import foreign_form, foreign_url
from playground.kit.site import JourneySite, journey


def extra(site: JourneySite) -> Sequence[BaseRoute]:
    """The start page knows where the frame comes from; the frame itself."""

    async def start(request: Request) -> Response:
        walk = site.walk_of(request) or site.begin(request)
        foreign = foreign_url(request, f"{site.shape.home}/foreign")
        return site.page("journeys/decoy.html", walk, foreign=foreign, action=f"{site.shape.home}/login", where="login")

    home = site.shape.home
    return [Route(f"{home}/login", start, methods=["GET"]), Route(f"{home}/foreign", foreign_form(site))]


SHAPE = journey(
    name="decoy",
    brand="Brasswren",
    summary="Another origin's login form above the site's own.",
    steps=(login_step(label=LOGIN),),
    extra=extra,
)
