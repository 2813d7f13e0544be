"""Asking the site whether a stored session still works, durably."""

from typing import Any

from dbos import DBOS

from seezar.errors import NotSignedIn, SeezarError
from seezar.signin.session_check import check_stored_session
from workflows.names import CHECK_SESSION
from workflows.runtime import runtime
from workflows.serializer import WorkflowFailed, unforeseen
from workflows.sign_in import reporter


@DBOS.workflow(name=CHECK_SESSION)
async def check_session(account: str) -> dict[str, Any]:
    """Ask the site; a session that no longer works is forgotten.

    Returns:
        `{"status": "signed_in" | "not_signed_in" | …, "account", "reason"}`.
    """
    run_id = DBOS.workflow_id
    assert run_id is not None
    try:
        return await ask(run_id, account)
    except (SeezarError, WorkflowFailed) as error:
        return await failed(run_id, account, error.status, str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the run must not stay open for ever
        return await failed(run_id, account, "error", unforeseen(error))


@DBOS.step()
async def ask(run_id: str, account: str) -> dict[str, Any]:
    """Check the session with a plain request, or with a visit where only a browser can tell."""
    app = runtime().application
    await app.runs.create(run_id, kind=CHECK_SESSION, account=account)
    await app.runs.start(run_id)
    record = await app.accounts.get(account)
    if await app.sessions.info(account) is None:
        raise NotSignedIn("There is no stored session.", next_step=f"Sign in: seezar sign-in {account}.")
    checked = await check_stored_session(app, runtime().pool, record, reporter(run_id))
    if checked.status == "signed_in":
        result = {"status": "signed_in", "account": account, "reason": "The stored session works; the site was asked."}
    elif checked.status != "signed_out":
        result = {"status": checked.status, "account": account, "reason": f"{checked.reason} The session is kept."}
    else:
        reason = f"The site no longer accepts the stored session; it was forgotten. Sign in: seezar sign-in {account}."
        result = {"status": "not_signed_in", "account": account, "reason": reason}
    await app.runs.finish(run_id, result["status"], reason=result["reason"], result=result)
    return result


@DBOS.step(name="check_session_failed")
async def failed(run_id: str, account: str, status: str, reason: str) -> dict[str, Any]:
    """Write down why it failed."""
    app = runtime().application
    result = {"status": status, "account": account, "reason": reason}
    await app.runs.finish(run_id, status, reason=reason, result=result)
    return result
