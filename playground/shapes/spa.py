"""A single-page application: no form element, views that forget what was typed before they woke up, JSON answers."""

from playground.kit.builders import LOGIN
from playground.kit.site import Step, journey
from playground.kit.takes import takes_code, takes_password
from playground.shape import PageLabel

SHAPE = journey(
    name="spa",
    brand="Quillbase",
    summary="Single-page application with delayed hydration and TOTP.",
    steps=(
        Step("login", takes_password(status=401), "journeys/spa.html", LOGIN),
        Step(
            "code",
            takes_code(status=401),
            "journeys/spa.html",
            PageLabel(kind="otp", otp=("#code",), submit="#verify"),
            where="code",
        ),
    ),
)
