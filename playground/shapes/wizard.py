"""Three pages, each with a button "Back" that submits too and stands before "Next"."""

from playground.kit.builders import AUTHENTICATOR
from playground.kit.site import Step, journey
from playground.kit.takes import takes_back, takes_code, takes_password, takes_username
from playground.shape import PageLabel

SHAPE = journey(
    name="wizard",
    brand="Steppenlink",
    summary="Three pages, each with Back before Next.",
    steps=(
        Step(
            "login",
            takes_back(takes_username(), "login"),
            "journeys/wizard_username.html",
            PageLabel(kind="username", username="#username", submit="#submit"),
        ),
        Step(
            "password",
            takes_back(takes_password(), "login"),
            "journeys/wizard_password.html",
            PageLabel(kind="password", password="#password", submit="#submit"),
        ),
        Step(
            "code",
            takes_back(takes_code(), "login"),
            "journeys/wizard_code.html",
            PageLabel(kind="otp", otp=("#code",), submit="#submit"),
            where="code",
            values={"lead": AUTHENTICATOR},
        ),
    ),
)
