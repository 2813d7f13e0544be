"""The form is built seconds after the page has loaded."""

from playground.kit.builders import login_step
from playground.kit.site import journey

SHAPE = journey(
    name="late-form",
    brand="Slowbloom",
    summary="The form appears seconds after the page.",
    steps=(login_step("journeys/late_form.html"),),
)
