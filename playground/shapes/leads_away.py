"""A login form of the site's own that sends what is typed to another origin."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from playground.kit.foreign import foreign_url
from playground.kit.site import JourneySite, Reply, journey

_SENDS_ANYWHERE = Reply(headers={"Content-Security-Policy": "default-src 'self' 'unsafe-inline'"})


def extra(site: JourneySite) -> Sequence[BaseRoute]:
    """The page."""

    async def start(request: Request) -> Response:
        away = foreign_url(request, f"{site.shape.home}/bait/away")
        return site.page("journeys/login.html", site.begin(request), _SENDS_ANYWHERE, action=away, where="bait:away")

    return [Route(f"{site.shape.home}/login", start)]


SHAPE = journey(
    name="leads-away",
    brand="Driftgate",
    summary="A login form that is sent to another origin.",
    steps=(),
    extra=extra,
)
