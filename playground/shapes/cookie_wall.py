"""A cookie dialog covers the form and has to be answered first."""

from playground.kit.builders import login_step
from playground.kit.site import journey

SHAPE = journey(
    name="cookie-wall",
    brand="Biscotto",
    summary="A cookie dialog covers the form.",
    steps=(login_step("journeys/cookie_wall.html"),),
)
