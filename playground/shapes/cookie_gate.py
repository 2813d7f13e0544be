"""The form is built only when the cookie dialog has been answered; going past the dialog does not help."""

from playground.kit.builders import login_step
from playground.kit.site import journey
from playground.shape import PageLabel

SHAPE = journey(
    name="cookie-gate",
    brand="Macaroon",
    summary="The form appears when the cookie dialog has been answered.",
    steps=(login_step("journeys/cookie_gate.html", label=PageLabel(kind="other")),),
)
