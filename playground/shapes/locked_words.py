"""Says that the account is locked, with status 200."""

from playground.kit.builders import troubled
from playground.kit.site import Reply

SHAPE = troubled(
    "locked-words",
    "Steelhasp",
    "Says that the account is locked, with status 200.",
    Reply("Your account has been locked for security reasons. Please contact support."),
)
