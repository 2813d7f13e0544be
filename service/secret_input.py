"""Secrets come from a named environment variable or a hidden prompt, never from an argument: those are in `ps`."""

import os

import typer

from seezar.errors import InvalidInput
from seezar.telemetry.revealed import revealed

# What this process was given, so that its log can leave it out.
_entered: dict[str, str] = {}


def entered() -> dict[str, str]:
    """Name → secret of everything that was read so far."""
    return dict(_entered)


def from_environment(what: str, variable: str) -> str:
    """The secret in the environment variable `variable`.

    Args:
        what: what the secret is, for the error and the log.

    Raises:
        InvalidInput: it is not set or empty.
    """
    value = os.environ.get(variable, "")
    if not value:
        raise InvalidInput(
            f"The environment variable {variable} for the {what} is not set.",
            kept="Nothing was stored.",
            next_step=f"Export it first: read -rs {variable} && export {variable}.",
        )
    return remember(what, value)


def from_prompt(what: str) -> str:
    """The secret typed at a hidden prompt; may be empty."""
    value = typer.prompt(what, default="", hide_input=True, show_default=False, err=True)
    return remember(what, value)


def remember(what: str, value: str) -> str:
    """Note a secret that was read another way, so that this process's log leaves it out; returns it."""
    if value:
        name = what.lower().replace(" ", "-")
        _entered[name] = value
        revealed.note(name, value)
    return value
