"""Taking up a run, which may have ended before its workflow came to it."""

from typing import Any

from seezar.accounts.records import result_without_end
from seezar.errors import RunUnknown
from workflows.runtime import runtime


async def ended_before(run_id: str) -> dict[str, Any] | None:
    """Take the run; or its result, if it has ended (cancelled, closed) or was withdrawn: then nothing of it is done."""
    runs = runtime().application.runs
    if await runs.start(run_id):
        return None
    try:
        run = await runs.get(run_id)
    except RunUnknown as error:
        return {"status": error.status, "run_id": run_id, "reason": "The run was withdrawn before it began."}
    return run.result or result_without_end(run, run.status, run.reason)
