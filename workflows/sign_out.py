"""Signing out, durably: at the site, and here."""

from typing import Any

from dbos import DBOS

from seezar.egress import EgressUnreachable
from seezar.errors import BrowserMissing, KeyUnusable
from seezar.signin.secrets import account_redactor
from seezar.signin.sign_out import sign_out_at_site
from workflows.names import SIGN_OUT
from workflows.runtime import runtime
from workflows.shell import to_its_end, workflow_id
from workflows.steps import PATIENT, reporter
from workflows.taking import account_of, ended_before
from workflows.tracing import traced_workflow


@DBOS.workflow(name=SIGN_OUT)
@traced_workflow
async def sign_out(account: str, options: dict[str, Any] | None = None) -> dict[str, Any]:
    """End the session of `account` at the site, and forget it here whatever the site says.

    Args:
        options: `local` (bool): only forget it here.

    Returns:
        `{"status": "signed_out" | …, "account", "reason"}`.
    """
    run_id = workflow_id()
    return await to_its_end(run_id, account, _sign_out(run_id, account, bool((options or {}).get("local"))))


async def _sign_out(run_id: str, account: str, local: bool) -> dict[str, Any]:
    told = await leave(run_id, account, local)
    if "ended" in told:
        return told["ended"]
    return await forget(run_id, account, told)


@DBOS.step(**PATIENT)
async def leave(run_id: str, account: str, local: bool) -> dict[str, Any]:
    """Sign out at the site; returns the id of the session that was left, and what the site is known to think of it."""
    app, pool = runtime().application, runtime().pool
    if (over := await ended_before(run_id)) is not None:
        return {"ended": over}
    record = await account_of(run_id, account)
    info = await app.sessions.info(account)
    if info is None or local:
        return {"session_id": info.id if info else None, "reason": "The site was not told." if local else ""}
    try:
        state = await app.sessions.load(account)
        redact = await account_redactor(app.vault, record, user_name=True, hosts=True)
        done = await sign_out_at_site(pool, record, state, reporter(run_id), redact, timeout=app.settings.page_timeout)
    except (BrowserMissing, EgressUnreachable, KeyUnusable) as error:
        return {"session_id": info.id, "reason": f"The site was not told: {error.what}"}
    reason = done.reason
    if done.status != "ended":
        reason = f"{reason} There it may go on until it expires."
    return {"session_id": info.id, "reason": reason}


@DBOS.step(**PATIENT)
async def forget(run_id: str, account: str, told: dict[str, Any]) -> dict[str, Any]:
    """Delete the session that was left; one that was obtained meanwhile stays."""
    app = runtime().application
    if told["session_id"] is None:
        reason = "There was no stored session."
    else:
        await app.sessions.forget(account, session_id=told["session_id"])
        reason = f"{told['reason']} The stored session was forgotten.".strip()
    result = {"status": "signed_out", "account": account, "reason": reason}
    await app.runs.event(run_id, "done", reason)
    await app.runs.finish(run_id, "signed_out", reason=reason, result=result)
    await app.states.refresh(account)
    return result
