"""After the password there are new terms to accept, which only the account's owner may do."""

from playground.kit.builders import login_step
from playground.kit.site import Step, journey
from playground.kit.takes import takes_choice
from playground.shape import PageLabel

SHAPE = journey(
    name="new-terms",
    brand="Parchmont",
    summary="Asks to accept new terms after the password.",
    steps=(
        login_step(),
        Step(
            "terms",
            takes_choice(bait={"accept": "Please wait…", "decline": "You cannot go on without accepting."}),
            "journeys/question.html",
            PageLabel(kind="other"),
            where="terms",
            values={
                "heading": "We have updated our terms of service",
                "lead": "Please read and accept the new terms of service and privacy policy to continue.",
                "choices": (("accept", "I accept"), ("decline", "Decline")),
            },
        ),
    ),
)
