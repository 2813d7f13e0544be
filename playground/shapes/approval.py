"""After the password the sign-in has to be approved on a telephone."""

from playground.kit.builders import login_step
from playground.kit.site import Step, journey
from playground.kit.takes import takes_choice
from playground.shape import PageLabel

SHAPE = journey(
    name="approval",
    brand="Nodmere",
    summary="The sign-in has to be approved on a telephone.",
    steps=(
        login_step(),
        Step(
            "approve",
            takes_choice(bait={"cancel": "The request was cancelled."}),
            "journeys/question.html",
            PageLabel(kind="other"),
            where="approve",
            values={
                "heading": "Approve the sign-in on your phone",
                "lead": "We sent a notification to your device. Open it to go on here.",
                "choices": (("cancel", "Cancel"),),
            },
        ),
    ),
)
