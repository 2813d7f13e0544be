"""What of a run can be tried once more, and where the new run may begin."""

from typing import Any

from seezar.accounts import Run
from seezar.errors import InvalidInput
from workflows.names import (
    ACT_ON_PAGE,
    CHECK_SESSION,
    DOWNLOAD,
    EXTRACT,
    EXTRACT_FROM_PAGE,
    OPEN_PAGE,
    READ_ROWS,
    REEMBED,
    REPORT,
    SIGN_IN,
    SIGN_OUT,
)

# What each kind of run ends with when it has done what was asked, and the steps that a new run may begin with, the
# usual one first. Later steps go on from a page, a mail or a checkpoint that are gone once the run has ended.
DONE = {
    SIGN_IN: "signed_in",
    SIGN_OUT: "signed_out",
    CHECK_SESSION: "signed_in",
    OPEN_PAGE: "opened",
    ACT_ON_PAGE: "done",
    EXTRACT_FROM_PAGE: "extracted",
    DOWNLOAD: "downloaded",
    READ_ROWS: "read",
    EXTRACT: "extracted",
    REPORT: "reported",
    REEMBED: "reembedded",
}
_STEPS = {
    SIGN_IN: ("open_and_submit", "begin"),
    SIGN_OUT: ("leave",),
    CHECK_SESSION: ("ask_site",),
    OPEN_PAGE: ("visit",),
    ACT_ON_PAGE: ("act",),
    EXTRACT_FROM_PAGE: ("extract",),
    DOWNLOAD: ("fetch",),
    READ_ROWS: ("read",),
    EXTRACT: ("begin",),
    REPORT: ("refresh",),
    REEMBED: ("begin",),
}


KINDS = tuple(DONE)
"""The kinds of runs."""


def succeeded(run: Run) -> bool:
    """Whether a run has done what it was asked for."""
    return run.finished and run.status == DONE.get(run.kind)


def arguments_for(run: Run, step: str | None, arguments: list[Any] | None) -> list[Any]:
    """The arguments of the workflow that tries `run` again from `step` (None: the usual one).

    Args:
        arguments: those of its own workflow; None for a run of an older version.

    Raises:
        InvalidInput: it is under way, it has succeeded, there is no such step, or what was asked for is not known.
    """
    if not run.finished:
        raise InvalidInput(
            f"The run {run.id} is under way.",
            kept="It was left as it is.",
            next_step=f"Wait for its end, or cancel it first: seezar runs cancel {run.id}.",
        )
    if succeeded(run):
        raise InvalidInput(
            f"The run {run.id} has done what was asked for ({run.status}).",
            kept="Nothing was started.",
            next_step="To do it again, ask for a new run.",
        )
    steps = _STEPS.get(run.kind, ())
    if not steps or arguments is None or (run.account is None and run.kind != REEMBED):
        raise InvalidInput(
            f"What was asked for with the run {run.id} is not known any more.",
            kept="Nothing was started.",
            next_step="Ask for a new run.",
        )
    if step is not None and step not in steps:
        raise InvalidInput(
            f"A run cannot begin with the step {step!r}: what it goes on from is gone.",
            kept="Nothing was started.",
            next_step=f"A {run.kind} can be tried again from: {', '.join(steps)}.",
        )
    if run.kind == SIGN_IN:
        # The first browser life signs in whether or not there is a session.
        return [{**arguments[0], "fresh": step != "begin"}]
    return arguments
