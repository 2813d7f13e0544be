"""After the password one chooses how to verify; only the authenticator app is the account's way."""

from playground.kit.builders import login_step, totp_step
from playground.kit.site import Step, journey
from playground.kit.takes import takes_choice
from playground.shape import PageLabel

SHAPE = journey(
    name="methods",
    brand="Forkmoor",
    summary="One chooses how to verify before there is a box for the code.",
    steps=(
        login_step(),
        Step(
            "method",
            takes_choice("app", bait={"sms": "We cannot reach your phone.", "email": "We cannot send emails now."}),
            "journeys/question.html",
            PageLabel(kind="other"),
            where="method",
            values={
                "heading": "Verify your identity",
                "lead": "Choose how you want to confirm that it is you.",
                "choices": (("sms", "Text message"), ("email", "Email a code"), ("app", "Authenticator app")),
            },
        ),
        totp_step(),
    ),
)
