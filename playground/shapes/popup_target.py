"""The form is sent to a new window: the login goes on there, and the page behind it still shows the form."""

from playground.kit.builders import login_step
from playground.kit.site import journey

SHAPE = journey(
    name="popup-target",
    brand="Sidedoor",
    summary="The form is sent to a new window.",
    steps=(login_step("journeys/popup_target.html"),),
)
