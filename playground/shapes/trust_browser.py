"""After the authenticator code the site asks whether to trust this browser; only the answer signs in."""

from playground.kit.builders import login_step, totp_step
from playground.kit.site import Step, journey
from playground.kit.takes import takes_choice
from playground.shape import PageLabel

SHAPE = journey(
    name="trust-browser",
    brand="Oakenshield",
    summary="Asks whether to trust this browser after the authenticator code.",
    steps=(
        login_step(),
        totp_step(),
        Step(
            "trust",
            takes_choice("trust", "not-now"),
            "journeys/question.html",
            PageLabel(kind="other", trust="#trust", skip="#not-now"),
            where="trust",
            values={
                "heading": "Trust this browser?",
                "lead": "You will not be asked for a code here again for 30 days.",
                "choices": (("trust", "Yes, trust this browser"), ("not-now", "Don't trust")),
            },
        ),
    ),
)
