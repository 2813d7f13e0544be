"""The first page after the sign-in asks for a profile and an organization; the session is there already."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from playground.kit.builders import LOGIN, login_step
from playground.kit.site import JourneySite, journey


def extra(site: JourneySite) -> Sequence[BaseRoute]:
    """The page behind the login, which is the profile on the first visit."""

    async def dashboard(request: Request) -> Response:
        walk = site.walk_of(request)
        if walk is not None and walk.signed_in and "welcomed" not in walk.notes:
            walk.notes["welcomed"] = "yes"
            return site.page("journeys/onboarding.html", walk)
        return await site.dashboard(request)

    return [Route(f"{site.shape.home}/dashboard", dashboard)]


SHAPE = journey(
    name="onboarding",
    brand="Saplingo",
    summary="Asks for a profile after the first sign-in.",
    steps=(login_step(label=LOGIN),),
    extra=extra,
    dashboard=False,
)
