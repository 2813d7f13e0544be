"""The box for a mailed code appears in the login form itself, after the password was sent once."""

from collections.abc import Mapping

from playground.kit.builders import login_step
from playground.kit.mails import send_code
from playground.kit.site import JourneySite, Reply, journey
from playground.kit.takes import takes_code, takes_password
from playground.kit.walks import Walk

_password = takes_password(status=401)
_code = takes_code(status=401)


async def take(site: JourneySite, walk: Walk, form: Mapping[str, str]) -> Reply | None:
    """The password, and the code once one was mailed."""
    if (refused := await _password(site, walk, form)) is not None:
        return refused
    if "sent" not in walk.notes:
        await send_code(site, walk)
        walk.notes["sent"] = "yes"
        return Reply(notice="We sent a 6-digit code to your email address.")
    return await _code(site, walk, form)


SHAPE = journey(
    name="same-form",
    brand="Onefold",
    summary="The box for a mailed code appears in the login form.",
    steps=(login_step("journeys/same_form.html", take=take),),
)
