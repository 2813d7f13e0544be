"""Sites of one page, where nobody gets in."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from playground.kit.site import JourneySite, journey
from playground.shape import PageLabel, Shape


def single_page(name: str, brand: str, summary: str, template: str, label: PageLabel) -> Shape:
    """A site whose start page is `template` and whose dashboard nobody sees."""

    def extra(site: JourneySite) -> Sequence[BaseRoute]:
        async def start(request: Request) -> Response:
            return site.page(template)

        return [Route(f"{site.shape.home}/login", start)]

    return journey(name=name, brand=brand, summary=summary, steps=(), extra=extra, labels={"login": label})
