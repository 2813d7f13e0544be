"""The login is a tab of a dialog that a button of the header opens; the tab in front is the registration."""

from playground.kit.builders import login_step
from playground.kit.site import journey
from playground.shape import PageLabel

SHAPE = journey(
    name="dialog",
    brand="Leafgate",
    summary="The login is a tab of a dialog.",
    steps=(login_step("journeys/dialog.html", label=PageLabel(kind="other", opener="#open")),),
)
