"""A code by SMS, which nobody but the owner of the telephone can read."""

from playground.kit.builders import login_step
from playground.kit.site import Step, journey
from playground.kit.takes import takes_code
from playground.shape import PageLabel

SHAPE = journey(
    name="sms",
    brand="Belltower",
    summary="A code by SMS.",
    steps=(
        login_step(),
        Step(
            "code",
            takes_code(),
            "journeys/code.html",
            PageLabel(kind="otp", otp=("#code",), submit="#verify"),
            where="code",
            values={"lead": "We sent a 6-digit code by text message to the number ending in 07."},
        ),
    ),
)
