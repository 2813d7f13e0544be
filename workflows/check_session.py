"""Asking the site whether a stored session still works, durably."""

from typing import Any

from dbos import DBOS

from seezar.accounts import SessionInfo
from seezar.errors import NotSignedIn
from seezar.signin.outcome import Outcome
from seezar.signin.session_check import check_stored_session
from workflows.names import CHECK_SESSION
from workflows.runtime import runtime
from workflows.shell import to_its_end, workflow_id
from workflows.sign_in import note_pause
from workflows.steps import PATIENT, reporter
from workflows.taking import account_of, ended_before
from workflows.tracing import traced_workflow


@DBOS.workflow(name=CHECK_SESSION)
@traced_workflow
async def check_session(account: str, keep: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask the site; a session that no longer works is forgotten.

    Args:
        keep: when the worker asks by itself, to keep the session alive. `expiring` (bool): its end is near, so it is
            asked by a visit, and a sign-in follows where that did not move the end. A session that the site has ended
            is the concern of the worker's next look at what is lost (`Keeping.lost`).

    Returns:
        `{"status": "signed_in" | "not_signed_in" | …, "account", "reason"}`.
    """
    run_id = workflow_id()
    return await to_its_end(run_id, account, ask_site(run_id, account, keep))


@DBOS.step(**PATIENT)
async def ask_site(run_id: str, account: str, keep: dict[str, Any] | None = None) -> dict[str, Any]:
    """Check the session with a plain request, or with a visit where only a browser can tell or it is to be renewed."""
    app = runtime().application
    if (over := await ended_before(run_id)) is not None:
        return over
    record = await account_of(run_id, account)
    before = await app.sessions.info(account)
    if before is None:
        raise NotSignedIn("There is no stored session.", next_step=f"Sign in: seezar sign-in {account}.")
    expiring = keep is not None and bool(keep["expiring"])
    # Pages often renew what a plain request leaves as it is.
    checked = await check_stored_session(app, runtime().pool, record, reporter(run_id), visit=expiring)
    await note_pause(account, checked)
    if checked.status == "signed_in":
        result = {"status": "signed_in", "account": account, "reason": "The stored session works; the site was asked."}
    elif checked.status != "signed_out":
        result = {"status": checked.status, "account": account, "reason": f"{checked.reason} The session is kept."}
    else:
        reason = f"The site no longer accepts the stored session; it was forgotten. Sign in: seezar sign-in {account}."
        result = {"status": "not_signed_in", "account": account, "reason": reason}
    if expiring and await _must_renew(run_id, account, before, checked):
        await app.runs.event(run_id, "renew", "A visit does not keep the session; signing in again")
        await runtime().queueing.sign_in(account, fresh=True, scheduled=True)
    await app.runs.finish(run_id, result["status"], reason=result["reason"], result=result)
    await app.states.refresh(account)
    return result


async def _must_renew(run_id: str, account: str, before: SessionInfo, checked: Outcome) -> bool:
    """Whether only a new sign-in keeps the session: it is about to end, whatever is visited."""
    app = runtime().application
    now = await app.sessions.info(account)
    if checked.status != "signed_in" or now is None:
        return False
    moved = now.expires_at is None or before.expires_at is None or now.expires_at > before.expires_at
    return not moved and await app.keeping.may_sign_in(account, asking=run_id)
