"""The password is accepted, and the page behind it redirects in a circle."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from playground.kit.builders import LOGIN, login_step
from playground.kit.site import JourneySite, journey


def extra(site: JourneySite) -> Sequence[BaseRoute]:
    """The page behind the login, and the page that it leads to."""
    home = site.shape.home

    async def dashboard(request: Request) -> Response:
        walk = site.walk_of(request)
        return RedirectResponse(f"{home}/{'home' if walk and walk.signed_in else 'login'}", 302)

    async def back(request: Request) -> Response:
        return RedirectResponse(f"{home}/dashboard", 302)

    return [Route(f"{home}/dashboard", dashboard), Route(f"{home}/home", back)]


SHAPE = journey(
    name="circle-after",
    brand="Ouroboro",
    summary="The page behind the login redirects in a circle.",
    steps=(login_step(label=LOGIN),),
    extra=extra,
    dashboard=False,
)
