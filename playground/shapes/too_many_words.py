"""Says that there were too many attempts, with status 200."""

from playground.kit.builders import troubled
from playground.kit.site import Reply

SHAPE = troubled(
    "too-many-words",
    "Turnpike",
    "Says that there were too many attempts, with status 200.",
    Reply("Too many failed sign-in attempts. Please try again in 15 minutes."),
)
