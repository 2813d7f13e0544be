"""The start page redirects in a circle."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from playground.kit.site import JourneySite, journey


def extra(site: JourneySite) -> Sequence[BaseRoute]:
    """Two pages that lead to each other."""
    home = site.shape.home

    async def there(request: Request) -> Response:
        return RedirectResponse(f"{home}/back", 302)

    async def back(request: Request) -> Response:
        return RedirectResponse(f"{home}/login", 302)

    return [Route(f"{home}/login", there), Route(f"{home}/back", back)]


SHAPE = journey(name="circle", brand="Roundel", summary="The start page redirects in a circle.", steps=(), extra=extra)
