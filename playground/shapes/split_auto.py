"""Six boxes for a mailed code that move the focus on and send themselves when the last one is full."""

from playground.kit.builders import login_step
from playground.kit.site import Step, journey
from playground.kit.takes import mails_code, takes_code
from playground.shape import PageLabel

SHAPE = journey(
    name="split-auto",
    brand="Sixfold",
    summary="Mailed code in six boxes that send themselves.",
    steps=(
        login_step(),
        Step(
            "code",
            takes_code(),
            "journeys/split_auto.html",
            PageLabel(kind="otp", otp=tuple(f"#code-{n}" for n in range(6))),
            where="code",
            enter=mails_code,
        ),
    ),
)
