"""The page embeds the login form of another origin. Nothing may be typed into it."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from playground.kit.foreign import foreign_form, foreign_url
from playground.kit.site import JourneySite, journey


def extra(site: JourneySite) -> Sequence[BaseRoute]:
    """The page and the frame in it."""

    async def outer(request: Request) -> Response:
        return site.page("journeys/phished.html", foreign=foreign_url(request, f"{site.shape.home}/foreign"))

    home = site.shape.home
    return [Route(f"{home}/login", outer), Route(f"{home}/foreign", foreign_form(site))]


SHAPE = journey(
    name="phished",
    brand="Copperlark",
    summary="The only login form on the page is another origin's.",
    steps=(),
    extra=extra,
)
