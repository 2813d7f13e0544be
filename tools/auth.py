"""Tools of the auth agent. They take account names, never secrets."""

from google.adk.tools.tool_context import ToolContext

from seezar.accounts import Account, Run
from seezar.models.rules.intents import Action
from tools.answers import Answer, answers, call_key, iso
from tools.confirming import said, unconfirmed
from tools.progress import result_of
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
async def sign_in(account: str, fresh: bool = False, tool_context: ToolContext | None = None) -> Answer:
    """Sign an account in and wait until it is done, usually seconds. Attaches to a sign-in that is already under way.

    A stored session that still works is used and no form is touched. Password and second factor are handled inside.

    Args:
        account: name of the account.
        fresh: true only when the user asked for a fresh session although the stored one may still work.

    Returns:
        status "signed_in" with attempts, model_calls, duration_s, second_factor and reason; any other status (such as
        "bad_credentials", "no_code", "needs_person", "timeout") is final for this request, `message` says why. With
        `question` the run run_id waits for a person: "code", "approval", "terms", "captcha" or "passkey".
    """
    async with await Client.connect() as client:
        run_id = await client.sign_in(account, fresh=fresh, key=call_key(tool_context))
        result = await result_of(client, run_id, timeout=client.application.settings.sign_in_timeout)
    return {**result, "run_id": run_id, "message": _message(run_id, result)}


@answers
async def answer_run(run_id: str, confirmed: bool, tool_context: ToolContext | None = None) -> Answer:
    """Go on with a sign-in that waits for a person, after the user has said that it is done, and wait for its end.

    Only for an approval that the user has given, terms that the user accepts, a captcha or a passkey that the user has
    dealt with; the user may be asked to confirm it. Never for a code: the user answers that with `seezar runs answer`.

    Args:
        run_id: id of the run, or the name of its account; empty when there is only one run that waits.
        confirmed: true only when the user has said so in this conversation; false to learn what is asked.

    Returns:
        as sign_in; "needs_input" when it is not clear which run is meant, or the user must do something first.
    """
    async with await Client.connect() as client:
        key = call_key(tool_context)
        waiting = await client.application.questions.waiting()
        # What this very call has answered before does not wait any more, or waits with its next question. Asked second:
        # what the same call has answered meanwhile is found in one of the two.
        given = None if key is None else await client.application.idempotency_keys.given(key)
        known = waiting if given is None else [await client.application.runs.get(given)]
        named = [run for run in known if run_id.strip() in ("", run.id, run.account)]
        if len(named) != 1:
            if run_id.strip() and not named:
                # For the error of an id that nobody knows.
                await client.application.runs.get(run_id)
            return _which(waiting)
        run = named[0]
        if given is None and (run.question == "code" or not confirmed):
            asked = {"run_id": run.id, "account": run.account, "question": run.question}
            return {"status": "needs_input", **asked, "message": _message(run.id, asked)}
        if given is None and (refusal := _unanswered(run, tool_context, only=len(waiting) == 1)):
            return refusal
        await client.answer(run.id, key=key)
        result = await result_of(client, run.id, timeout=client.application.settings.sign_in_timeout)
    return {**result, "run_id": run.id, "message": _message(run.id, result)}


def _unanswered(run: Run, tool_context: ToolContext | None, *, only: bool) -> Answer | None:
    """None when it is the person who answers: in words of their own, or by confirming it; else what to return."""
    topic = "terms" if run.question == "terms" else ""
    if said(Action.ANSWER_RUN, (run.id, run.account or ""), tool_context, only=only, topic=topic):
        return None
    return unconfirmed(_CONFIRM[run.question or ""].format(run.account), tool_context)


def _which(waiting: list[Run]) -> Answer:
    if not waiting:
        return {"status": "not_waiting", "message": "No run waits for an answer."}
    runs = ", ".join(f"{run.id} ({run.account}: {run.question})" for run in waiting)
    return {"status": "needs_input", "message": f"Which run is meant? These wait: {runs}."}


_CODE = (
    "A code is not for the chat: no model may see it. Type it at a terminal, where it is hidden: seezar runs answer {}"
)
# What the user is asked where the chat says that it is done, and not the user.
_CONFIRM = {
    "approval": "Have you approved the sign-in of {} on your other device?",
    "terms": "Do you accept the new terms of the site for the account {}? This is a declaration in your name.",
    "captcha": "Have you dealt with the captcha of the sign-in of {}?",
    "passkey": "Have you dealt with the passkey of the sign-in of {}?",
}
# What the user is told of a run that waits; what the chat may do for it stands there too.
_ASKED = {
    "code": "The site asks for a code that only the user can see. "
    + _CODE
    + ". If it was mailed to the account's own mailbox, say “use the mailed code” instead.",
    "approval": "The site asks the user to approve the sign-in on another device. Say “I approved it” when it is done.",
    "terms": "The site asks to accept its new terms. Say “accept the terms” to do so.",
    "captcha": "The site shows a captcha, which is left to a person. Say “continue run {}” when it is out of the way.",
    "passkey": "The site wants a passkey, which is left to a person. Say “continue run {}” when it is out of the way.",
}


def _message(run_id: str, result: Answer) -> str:
    question = result.get("question")
    return _ASKED[question].format(run_id) if question in _ASKED else str(result.get("reason", ""))


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
async def sign_out(account: str, tool_context: ToolContext | None = None) -> Answer:
    """Sign an account out at its site and forget the stored session; the user may be asked to confirm it.

    Args:
        account: name of the account.

    Returns:
        status "signed_out"; `message` says whether there was a session and whether the site has ended it. "rejected"
        when the user did not confirm it.
    """
    async with await Client.connect() as client:
        await client.application.accounts.get(account)
        asked = f"Sign {account} out at its site and forget its session?"
        if not said(Action.SIGN_OUT, (account,), tool_context) and (refusal := unconfirmed(asked, tool_context)):
            return refusal
        timeout = 6 * client.application.settings.page_timeout
        run_id = await client.sign_out(account, key=call_key(tool_context))
        result = await result_of(client, run_id, timeout=timeout)
    return {**result, "message": result.get("reason", "")}
