"""The first form mails a link; a button leads to the password."""

from playground.kit.builders import login_step
from playground.kit.site import journey
from playground.shape import PageLabel

SHAPE = journey(
    name="way-password",
    brand="Twinpath",
    summary="A link by mail first, the password behind a button.",
    steps=(
        login_step(
            "journeys/way_password.html", label=PageLabel(kind="username", username="#mail", submit="#mail-link")
        ),
    ),
)
