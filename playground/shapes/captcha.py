"""The start page asks whether the visitor is human."""

from playground.kit.single import single_page
from playground.shape import PageLabel

SHAPE = single_page(
    "captcha", "Turnbolt", "Asks whether the visitor is human.", "journeys/captcha.html", PageLabel(kind="captcha")
)
