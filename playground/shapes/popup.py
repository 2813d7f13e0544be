"""Submitting the form opens an advertisement in a window of its own, with a form in it."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from playground.kit.builders import login_step
from playground.kit.site import JourneySite, journey


def extra(site: JourneySite) -> Sequence[BaseRoute]:
    """The advertisement."""

    async def offer(request: Request) -> Response:
        return site.page("journeys/signup.html", login="")

    return [Route(f"{site.shape.home}/offer", offer)]


SHAPE = journey(
    name="popup",
    brand="Windowsill",
    summary="Submitting opens an advertisement in a window.",
    steps=(login_step("journeys/popup.html"),),
    extra=extra,
)
