"""Answers 423 to every password."""

from playground.kit.builders import troubled
from playground.kit.site import Reply

SHAPE = troubled(
    "locked",
    "Ironlatch",
    "Answers 423 to every password.",
    Reply("This account is locked. Please contact your administrator.", status=423),
)
