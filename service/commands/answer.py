"""Asking a person what a waiting run asks, here on the terminal; `seezar runs answer ID`."""

import sys
from typing import TYPE_CHECKING, Any

import typer

from seezar.errors import InvalidInput

if TYPE_CHECKING:
    from seezar.accounts import Run
    from workflows.client import Client

QUESTIONS = {
    "code": "The site asks for a code that only you can see: from a text message, a call, or an app on your phone.",
    "approval": "The site asks you to approve the sign-in, on your phone or another device.",
    "terms": "The site asks to accept its new terms.",
    "captcha": "The site shows a captcha.",
    "passkey": "The site asks for a passkey or a security key.",
}
_ENTER = {
    "approval": "Approve it there, then press Enter",
    "captcha": "Sign in once by hand, or solve it in the window (SEEZAR_HEADLESS=false), then press Enter",
    "passkey": "Allow another way to sign in, or use it in the window (SEEZAR_HEADLESS=false), then press Enter",
}


def value_for(question: str, *, variable: str | None = None) -> str | None:
    """What is to be answered: from `variable`, from a person at the terminal, or from standard input.

    Args:
        question: what is asked (`seezar.signin.outcome.QuestionKind`).
        variable: name of an environment variable that holds the code.

    Returns:
        The code, or None for a question that is answered without one.

    Raises:
        InvalidInput: there is no code, or the terms were not accepted.
    """
    from service.terminal import interactive, note

    person = interactive() and variable is None
    if person:
        note(QUESTIONS[question], style="yellow")
    if question == "code":
        return _code(variable, person=person)
    if question == "terms":
        said = _yes_at_terminal() if person else _yes(variable)
        if not said:
            raise InvalidInput(
                "The terms were not accepted.",
                kept="The run still waits.",
                next_step="Answer it again with yes, or cancel the run.",
            )
    elif person:
        typer.prompt(_ENTER[question], default="", show_default=False, err=True, prompt_suffix=" … ")
    return None


def _code(variable: str | None, *, person: bool) -> str:
    from service.secret_input import from_environment, from_prompt, remember

    if variable is not None:
        return from_environment("code", variable)
    if person or sys.stdin.isatty():
        # With messages going elsewhere too: what is typed at a terminal is not shown there.
        return from_prompt("Code")
    return remember("code", sys.stdin.readline().strip())


def _yes_at_terminal() -> bool:
    return typer.confirm("Accept them?", err=True)


def _yes(variable: str | None) -> bool:
    from service.secret_input import from_environment

    said = from_environment("answer", variable) if variable is not None else sys.stdin.readline()
    return said.strip().lower() in ("y", "yes")


async def give(client: "Client", run_id: str, value: str | None, *, timeout: float) -> dict[str, Any]:
    """Answer, and print the timeline from there on until the run has ended or asks again; returns its result.

    Raises:
        SeezarError: as `Client.answer`.
    """
    from service.timeline import waiting
    from service.watching import watched

    events = await client.application.runs.events(run_id)
    run = await client.answer(run_id, value)
    with waiting(f"Signing in {run.account} …"):
        return await watched(client, run, after=events[-1].id if events else 0, timeout=timeout)


async def waiting_run(client: "Client", run_id: str) -> "Run":
    """The run, if it waits for a person.

    Raises:
        RunUnknown: no such run.
        NotWaiting: it asks nothing.
    """
    from seezar.errors import NotWaiting

    run = await client.application.runs.get(run_id)
    if not run.waiting:
        raise NotWaiting(f"The run {run_id} asks nothing ({run.status}).", next_step=f"See: seezar runs show {run_id}.")
    return run
