"""The turn of a sign-in at its site, which is given so many a minute, and as many at once after a quiet one."""

import time
from typing import Any

from dbos import DBOS

from seezar.signin.lives import site_host
from workflows.runtime import runtime
from workflows.steps import PATIENT
from workflows.taking import account_of, deadline_of

# Less is not worth a line in the timeline, nor a sleep of its own.
_NOTICED_S = 0.05


async def site_turn(run_id: str, account: str, deadline: float) -> float:
    """Wait until the site may be given another sign-in; returns the deadline of the run from then on. Part of a
    workflow.

    The turn is booked in a table and the sleep is durable: a worker that takes up the run waits for what is left of it.
    The run does not lose its time by it.

    Args:
        deadline: of the run, epoch seconds.
    """
    booked = await book_turn(run_id, account, deadline)
    if booked["wait"]:
        await DBOS.sleep_async(booked["wait"])
    return booked["deadline"]


@DBOS.step(**PATIENT)
async def book_turn(run_id: str, account: str, deadline: float) -> dict[str, Any]:
    """Book a turn: the seconds until it comes, and the deadline that the run has then."""
    app = runtime().application
    record = await account_of(run_id, account)
    deadline = await deadline_of(run_id, deadline)
    if time.time() >= deadline:
        # There will be no sign-in.
        return {"wait": 0.0, "deadline": deadline}
    wait = await app.site_turns.book(site_host(record))
    if wait < _NOTICED_S:
        return {"wait": 0.0, "deadline": deadline}
    most = app.site_turns.per_minute
    await app.runs.event(
        run_id, "turn", f"Waiting {wait:.0f} s: the site is given {most} sign-ins a minute", wait_s=wait
    )
    await app.runs.start(run_id, deadline=deadline + wait)
    return {"wait": wait, "deadline": deadline + wait}
