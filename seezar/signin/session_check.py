"""Does a stored session still work? The site is asked; only its own word ends a session, never its silence."""

from dataclasses import replace

from seezar.accounts.records import Account, SessionState
from seezar.application import Application
from seezar.browser.pool import BrowserPool
from seezar.browser.state import capture
from seezar.signin.credentials import Report
from seezar.signin.egress import outcome_told
from seezar.signin.life import browser_life
from seezar.signin.outcome import Outcome
from seezar.signin.plain_check import learn_plain_check, still_signed_in
from seezar.signin.proof import prove
from seezar.vault import Vault


async def check_stored_session(
    app: Application, pool: BrowserPool, account: Account, report: Report, *, visit: bool = False
) -> Outcome:
    """Ask by one plain request where that tells, else by a visit. A session that the site ended is forgotten.

    Args:
        visit: ask by a visit in any case, as whoever wants the site to renew the session does.

    Returns:
        `signed_in`, `signed_out` (also when nothing was stored), or why it could not be told; the session is then kept.

    Raises:
        BrowserMissing: only a browser could tell, and there is none.
        KeyUnusable: the stored session does not open.
    """
    info = await app.sessions.info(account.name)
    if info is None:
        return Outcome("signed_out", "There is no stored session.")
    state = await app.sessions.load(account.name)
    timeout = app.settings.page_timeout
    outcome, renewed, how = Outcome("signed_out", ""), state, "a plain request"
    if state.plain_check is not None and not visit:
        outcome, renewed = await still_signed_in(account, state, timeout=timeout, policy=pool.policy_of(account))
    if outcome.status == "signed_out":
        # A plain request that is answered otherwise than once may have met a moved page or a notice; a visit tells.
        how = "a visit"
        outcome, renewed = await _visit(pool, account, state, report, app.vault, timeout=timeout)
    if outcome.status == "signed_in":
        await app.sessions.verified(account.name, renewed, session_id=info.id)
        await report("session", f"The stored session still works ({how} told)", evidence=list(outcome.evidence))
    elif outcome.status == "signed_out":
        # A sign-in may have stored a new one meanwhile.
        await app.sessions.forget(account.name, session_id=info.id)
        await report("session", f"The stored session no longer works ({how} told)", evidence=list(outcome.evidence))
    else:
        await report("session", f"The stored session is kept: {outcome.reason}", evidence=list(outcome.evidence))
    return outcome


async def _visit(
    pool: BrowserPool, account: Account, state: SessionState, report: Report, vault: Vault, *, timeout: float
) -> tuple[Outcome, SessionState]:
    """Visit the verify URL, once more where the browser went away; returns what it told, and the session after it."""
    for _ in range(2):
        async with browser_life(pool, account, None, state=state) as life:
            page = await pool.new_page(life.context)
            life.outcome = await prove(page, account, timeout=timeout)
            if life.outcome.status == "signed_in":
                renewed = await capture(life.context, page)
                policy = pool.policy_of(account)
                plain_check = await learn_plain_check(account, renewed, timeout=timeout, policy=policy)
                state = replace(renewed, plain_check=plain_check, kept_by=state.kept_by)
        if life.outcome.status != "browser_lost":
            return await outcome_told(life.outcome, life.policy, account, report, vault), state
    return Outcome("unknown", "The browser went away, twice, while the site was asked."), state
