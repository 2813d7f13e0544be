"""A mailed code of letters and digits, such as ABC-123."""

import hmac
import secrets
from collections.abc import Mapping

from playground.kit.builders import login_step
from playground.kit.mails import send_code
from playground.kit.site import JourneySite, Reply, Step, journey
from playground.kit.takes import WRONG_CODE, typed_code
from playground.kit.walks import Walk
from playground.shape import PageLabel


async def mail(site: JourneySite, walk: Walk) -> None:
    """On entering: mail a fresh code."""
    letters = "".join(secrets.choice("ABCDEFGHJKMNPQRSTUVWXYZ") for _ in range(3))
    walk.notes["code"] = f"{letters}-{secrets.randbelow(900) + 100}"
    await send_code(site, walk, code=walk.notes["code"])


async def take(site: JourneySite, walk: Walk, form: Mapping[str, str]) -> Reply | None:
    """Upper and lower case, with or without the hyphen."""
    site.counters.code_submissions += 1
    expected = walk.notes.get("code", "-").replace("-", "")
    if not hmac.compare_digest(expected.encode(), typed_code(form).upper().encode()):
        return Reply(WRONG_CODE)
    site.counters.codes_accepted += 1
    return None


SHAPE = journey(
    name="letters",
    brand="Glyphery",
    summary="A mailed code of letters and digits.",
    steps=(
        login_step(),
        Step(
            "code",
            take,
            "journeys/letters.html",
            PageLabel(kind="otp", otp=("#code",), submit="#verify"),
            where="code",
            enter=mail,
        ),
    ),
)
