"""A link by mail instead of a password."""

from playground.kit.links import link_routes, link_step
from playground.kit.site import Step, journey
from playground.kit.takes import takes_username
from playground.shape import PageLabel

SHAPE = journey(
    name="link",
    brand="Paperplane",
    summary="A link by mail instead of a password.",
    steps=(
        Step(
            "login",
            takes_username(),
            "journeys/username_step.html",
            PageLabel(kind="username", username="#username", submit="#submit"),
            values={"lead": "We will email you a link to sign in. No password needed.", "button": "Email me a link"},
        ),
        link_step(),
    ),
    extra=link_routes,
)
