"""A passkey first; the password is behind "Other sign-in options"."""

from playground.kit.builders import login_step
from playground.kit.site import journey
from playground.shape import PageLabel

SHAPE = journey(
    name="passkey-first",
    brand="Ringstone",
    summary="A passkey first, the password behind other options.",
    steps=(login_step("journeys/passkey_first.html", label=PageLabel(kind="other")),),
)
