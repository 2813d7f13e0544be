"""The username is known already and shown in a field that cannot be changed."""

from playground.kit.builders import login_step
from playground.kit.site import journey
from playground.shape import PageLabel

SHAPE = journey(
    name="remembered",
    brand="Hearthbox",
    summary="The username is given; only the password is asked for.",
    steps=(
        login_step(
            "journeys/remembered.html",
            label=PageLabel(kind="password", username="#username", password="#password", submit="#submit"),
            values={"remembered": "ops.hearthbox"},
        ),
    ),
)
