"""After the password the site offers to set up a passkey, which is declined."""

from playground.kit.builders import login_step
from playground.kit.site import Step, journey
from playground.kit.takes import takes_choice
from playground.shape import PageLabel

SHAPE = journey(
    name="passkey-offer",
    brand="Keywillow",
    summary="Offers to set up a passkey after the password.",
    steps=(
        login_step(),
        Step(
            "passkey",
            takes_choice("not-now", bait={"create": "Your device did not answer. Please try again."}),
            "journeys/question.html",
            PageLabel(kind="other", skip="#not-now"),
            where="passkey",
            values={
                "heading": "Sign in faster with a passkey",
                "lead": "Set up a passkey and use your fingerprint or face next time.",
                "choices": (("create", "Set up a passkey"), ("not-now", "Not now")),
            },
        ),
    ),
)
