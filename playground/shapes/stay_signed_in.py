"""After the password the site asks whether to stay signed in; only the answer signs in."""

from playground.kit.builders import login_step
from playground.kit.site import Step, journey
from playground.kit.takes import takes_choice
from playground.shape import PageLabel

SHAPE = journey(
    name="stay-signed-in",
    brand="Larkmoor",
    summary="Asks whether to stay signed in after the password.",
    steps=(
        login_step(),
        Step(
            "stay",
            takes_choice("no", "yes"),
            "journeys/question.html",
            PageLabel(kind="other", trust="#yes", skip="#no"),
            where="stay",
            values={
                "heading": "Stay signed in?",
                "lead": "Do this to reduce the number of times you are asked to sign in.",
                "choices": (("no", "No"), ("yes", "Yes")),
            },
        ),
    ),
)
