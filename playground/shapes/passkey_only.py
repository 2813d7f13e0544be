"""The only way in is a passkey."""

from playground.kit.single import single_page
from playground.shape import PageLabel

SHAPE = single_page(
    "passkey-only", "Thumbprint", "The only way in is a passkey.", "journeys/passkey_only.html", PageLabel(kind="other")
)
