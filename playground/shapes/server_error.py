"""Answers 500 to every password."""

from playground.kit.builders import troubled
from playground.kit.site import Reply

SHAPE = troubled(
    "server-error",
    "Cinderfall",
    "Answers 500 to every password.",
    Reply(status=500),
)
