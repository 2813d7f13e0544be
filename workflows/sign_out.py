"""Forgetting a session, durably."""

from typing import Any

from dbos import DBOS

from seezar.errors import SeezarError
from workflows.names import SIGN_OUT
from workflows.runtime import runtime
from workflows.serializer import WorkflowFailed, unforeseen


@DBOS.workflow(name=SIGN_OUT)
async def sign_out(account: str) -> dict[str, Any]:
    """Forget the stored session of `account`; returns `{"status": "signed_out" | …, "account", "reason"}`."""
    run_id = DBOS.workflow_id
    assert run_id is not None
    try:
        return await forget(run_id, account)
    except (SeezarError, WorkflowFailed) as error:
        return await failed(run_id, account, error.status, str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the run must not stay open for ever
        return await failed(run_id, account, "error", unforeseen(error))


@DBOS.step()
async def forget(run_id: str, account: str) -> dict[str, Any]:
    """Delete the session."""
    app = runtime().application
    await app.runs.create(run_id, kind=SIGN_OUT, account=account)
    await app.runs.start(run_id)
    await app.accounts.get(account)
    had = await app.sessions.forget(account)
    reason = "The stored session was forgotten." if had else "There was no stored session."
    result = {"status": "signed_out", "account": account, "reason": reason}
    await app.runs.event(run_id, "done", reason)
    await app.runs.finish(run_id, "signed_out", reason=reason, result=result)
    return result


@DBOS.step(name="sign_out_failed")
async def failed(run_id: str, account: str, status: str, reason: str) -> dict[str, Any]:
    """Write down why it failed."""
    app = runtime().application
    result = {"status": status, "account": account, "reason": reason}
    await app.runs.finish(run_id, status, reason=reason, result=result)
    return result
