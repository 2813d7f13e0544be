"""Answers 429 with Retry-After to every password."""

from playground.kit.builders import troubled
from playground.kit.site import Reply

SHAPE = troubled(
    "too-many",
    "Tollgate",
    "Answers 429 with Retry-After to every password.",
    Reply("Too many attempts. Please try again later.", status=429, headers={"Retry-After": "17"}),
)
