"""The code is mailed only when a button asks for it; until then its box is disabled."""

from collections.abc import Mapping

from playground.kit.builders import login_step
from playground.kit.mails import send_code
from playground.kit.site import JourneySite, Reply, Step, journey
from playground.kit.takes import takes_code
from playground.kit.walks import Walk
from playground.shape import PageLabel

_check = takes_code()


async def take(site: JourneySite, walk: Walk, form: Mapping[str, str]) -> Reply | None:
    """Mail a code when asked to, else judge the one that was typed."""
    if form.get("choice") == "send":
        await send_code(site, walk)
        walk.notes["sent"] = "yes"
        return Reply(notice="We sent a 6-digit code to your email address.")
    return await _check(site, walk, form)


SHAPE = journey(
    name="send-code",
    brand="Pigeonpost",
    summary="A mailed code that has to be asked for first.",
    steps=(
        login_step(),
        Step(
            "verify",
            take,
            "journeys/send_code.html",
            PageLabel(kind="other", send_code="#send"),
            where="code",
        ),
    ),
)
