"""Tools of the auth agent. They take account names, never secrets."""

from seezar.accounts import Account
from tools.answers import Answer, answers, iso
from workflows.client import Client


@answers
async def list_accounts() -> Answer:
    """List the accounts there are.

    Returns:
        status "ok" and `accounts`: each with name, site, second_factor and session ("stored" or "none"). Whether a
        stored session still works is told by session_status.
    """
    async with await Client.connect() as client:
        accounts = await client.application.accounts.list()
        stored = {session.account for session in await client.application.sessions.list()}
    return {"status": "ok", "accounts": [_row(account, account.name in stored) for account in accounts]}


def _row(account: Account, stored: bool) -> Answer:
    return {
        "name": account.name,
        "site": account.start_url,
        "second_factor": account.second_factor,
        "session": "stored" if stored else "none",
    }


@answers
async def sign_in(account: str, fresh: bool = False) -> Answer:
    """Sign an account in and wait until it is done, usually seconds. Attaches to a sign-in that is already under way.

    A stored session that still works is used and no form is touched. Password and second factor are handled inside.

    Args:
        account: name of the account.
        fresh: true only when the user asked for a fresh session although the stored one may still work.

    Returns:
        status "signed_in" with attempts, model_calls, duration_s, second_factor and reason; any other status (such as
        "bad_credentials", "no_code", "needs_person", "timeout") is final for this request, `message` says why.
    """
    async with await Client.connect() as client:
        run_id = await client.sign_in(account, fresh=fresh)
        result = await client.result(run_id, timeout=client.application.settings.sign_in_timeout)
    return {**result, "run_id": run_id, "message": result.get("reason", "")}


@answers
async def session_status(account: str) -> Answer:
    """Tell whether an account has a session, without opening the site.

    Args:
        account: name of the account.

    Returns:
        status "signed_in" with obtained_at and verified_at (when the site last accepted it), or "not_signed_in".
    """
    async with await Client.connect() as client:
        await client.application.accounts.get(account)
        session = await client.application.sessions.info(account)
    if session is None:
        return {"status": "not_signed_in", "account": account, "message": f"{account} has no stored session."}
    return {
        "status": "signed_in",
        "account": account,
        "obtained_at": iso(session.obtained_at),
        "verified_at": iso(session.verified_at),
    }


@answers
async def sign_out(account: str) -> Answer:
    """Forget the stored session of an account.

    Args:
        account: name of the account.

    Returns:
        status "signed_out"; `message` says whether there was a session.
    """
    async with await Client.connect() as client:
        result = await client.result(await client.sign_out(account), timeout=client.application.settings.page_timeout)
    return {**result, "message": result.get("reason", "")}
