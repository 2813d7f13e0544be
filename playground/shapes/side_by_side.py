"""Registration, login, search and newsletter on one page, the registration first."""

from playground.kit.builders import login_step
from playground.kit.site import journey
from playground.shape import PageLabel

SHAPE = journey(
    name="side-by-side",
    brand="Twinoak",
    summary="Registration and login side by side.",
    steps=(
        login_step(
            "journeys/side_by_side.html",
            label=PageLabel(
                kind="login", username="#username", password="#password", submit="#submit", remember="#remember"
            ),
        ),
    ),
)
