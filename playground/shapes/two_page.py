"""Username first; the site then redirects to another path, where the password goes."""

from playground.kit.site import Step, journey
from playground.kit.takes import takes_password, takes_username
from playground.shape import PageLabel

SHAPE = journey(
    name="two-page",
    brand="Northpier",
    summary="Username first, then the password on another path.",
    steps=(
        Step(
            "login",
            takes_username(),
            "journeys/username_step.html",
            PageLabel(kind="username", username="#username", submit="#submit"),
        ),
        Step(
            "challenge/password",
            takes_password(),
            "journeys/password_step.html",
            PageLabel(kind="password", password="#password", submit="#submit"),
        ),
    ),
)
