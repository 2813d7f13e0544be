"""Taking up a run, which may have ended before its workflow came to it, and whose account may have been removed."""

import time
from typing import Any

from seezar.accounts.records import Account, result_without_end
from seezar.browser.turns import urgency
from seezar.errors import AccountRemoved, AccountUnknown, RunUnknown
from workflows.runtime import runtime

# What a run without a deadline of its own may take, in times of what a page may: a visit has several such waits.
_PAGES = 15


async def ended_before(run_id: str, *, deadline: float | None = None) -> dict[str, Any] | None:
    """Take the run; or its result, if it has ended (cancelled, closed) or was withdrawn: then nothing of it is done.

    Args:
        deadline: when the run ends at the latest, epoch seconds.
    """
    app = runtime().application
    runs = app.runs
    took = await runs.start(run_id, deadline=deadline or time.time() + _PAGES * app.settings.page_timeout)
    try:
        run = await runs.get(run_id)
    except RunUnknown as error:
        return {"status": error.status, "run_id": run_id, "reason": "The run was withdrawn before it began."}
    if took:
        urgency.set(run.priority)
        return None
    return run.result or result_without_end(run, run.status, run.reason)


async def account_of(run_id: str, account: str) -> Account:
    """The account that the run was asked for.

    Raises:
        AccountRemoved: it was removed since, whether or not another one has its name now.
    """
    app = runtime().application
    try:
        record = await app.accounts.get(account)
    except AccountUnknown:
        raise AccountRemoved(account) from None
    run = await app.runs.get(run_id)
    if run.account_removed:
        raise AccountRemoved(account)
    # Every browser life begins here; its turn comes in the order of the queue.
    urgency.set(run.priority)
    return record


async def deadline_of(run_id: str, told: float) -> float:
    """The deadline of the run, epoch seconds. The row knows it, which moves when the run is resumed.

    Args:
        told: what the workflow was told when it began.
    """
    run = await runtime().application.runs.get(run_id)
    return run.deadline.timestamp() if run.deadline else told
