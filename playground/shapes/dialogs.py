"""alert(), confirm() and beforeunload in the way of the login."""

from playground.kit.builders import login_step
from playground.kit.site import journey

SHAPE = journey(
    name="dialogs",
    brand="Knockwell",
    summary="JavaScript dialogs in the way of the login.",
    steps=(login_step("journeys/dialogs.html"),),
)
