"""What the workflows of one browser life have in common: however it goes, their run comes to an end."""

from collections.abc import Awaitable
from typing import Any

from dbos import DBOS

from seezar.errors import SeezarError
from workflows.runtime import runtime
from workflows.serializer import WorkflowFailed, unforeseen
from workflows.steps import PATIENT


async def to_its_end(run_id: str, account: str | None, work: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """Do the steps in `work`; where they fail, the run ends with the status of the error. Part of a workflow.

    Returns:
        Their result, or `{"status", "account", "reason"}`.
    """
    try:
        return await work
    except (SeezarError, WorkflowFailed) as error:
        return await failed(run_id, account, error.status, str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the run must not stay open for ever
        return await failed(run_id, account, "error", unforeseen(error))


@DBOS.step(**PATIENT)
async def failed(run_id: str, account: str | None, status: str, reason: str) -> dict[str, Any]:
    """Write down why it failed."""
    app = runtime().application
    result = {"status": status, "account": account, "reason": reason}
    await app.runs.event(run_id, "done", f"{status}: {reason}")
    await app.runs.finish(run_id, status, reason=reason, result=result)
    if account is not None:
        await app.states.refresh(account)
    return result


def workflow_id() -> str:
    """The id of the workflow that calls."""
    running = DBOS.workflow_id
    assert running is not None
    return running
