"""An authenticator code is good once only, as RFC 6238 section 5.2 asks."""

from collections.abc import Mapping

from playground.kit.builders import login_step, totp_step
from playground.kit.site import JourneySite, Reply, journey
from playground.kit.takes import USED_CODE, takes_code, typed_code
from playground.kit.walks import Walk

_check = takes_code()


async def take(site: JourneySite, walk: Walk, form: Mapping[str, str]) -> Reply | None:
    """Refuse a code that was accepted before."""
    key = f"used {typed_code(form)}"
    if key in site.memory:
        site.counters.code_submissions += 1
        return Reply(USED_CODE)
    refused = await _check(site, walk, form)
    if refused is None:
        site.memory[key] = walk.username
    return refused


SHAPE = journey(
    name="totp-once",
    brand="Singlet",
    summary="Refuses an authenticator code that was used before.",
    steps=(login_step(), totp_step(take=take)),
)
