"""Name, password and authenticator code in one form."""

from collections.abc import Mapping

from playground.kit.builders import login_step
from playground.kit.site import JourneySite, Reply, journey
from playground.kit.takes import takes_code, takes_password
from playground.kit.walks import Walk
from playground.shape import PageLabel

_password = takes_password()
_code = takes_code()


async def take(site: JourneySite, walk: Walk, form: Mapping[str, str]) -> Reply | None:
    """Both must be right."""
    return await _password(site, walk, form) or await _code(site, walk, form)


SHAPE = journey(
    name="code-beside",
    brand="Tripleton",
    summary="Name, password and authenticator code in one form.",
    steps=(
        login_step(
            "journeys/code_beside.html",
            take=take,
            label=PageLabel(kind="login", username="#username", password="#password", submit="#submit", otp=("#code",)),
        ),
    ),
)
