"""The plan of the auth agent: accounts and their sessions."""

from collections.abc import Generator

from seezar.models.rules import grammar, talk
from seezar.models.rules.conversation import Conversation, ToolResult
from seezar.models.rules.intents import AGENT_OF, AUTH, EVERY_ACCOUNT, Action, Intent
from seezar.models.rules.plan import Notes, Plan, ToolCall
from seezar.models.rules.rendering import failure, table

_SECOND_FACTORS = {"email": "e-mail code", "link": "magic link", "totp": "TOTP", "none": "password only"}


def plan(conversation: Conversation) -> Plan:
    """Do what the request asks of accounts and sessions."""
    intents = grammar.parse(conversation.request)
    notes = Notes()
    for intent in intents:
        if AGENT_OF.get(intent.action) == AUTH:
            yield from _do(intent, notes)
    foreign = [intent for intent in intents if AGENT_OF.get(intent.action, AUTH) != AUTH]
    for line in (*talk.small_talk(intents), *talk.not_mine(AUTH, foreign)):
        notes.bad(line)
    return notes.report()


def _do(intent: Intent, notes: Notes) -> Generator[list[ToolCall], list[ToolResult]]:
    if intent.action is Action.LIST_ACCOUNTS:
        [result] = yield [ToolCall("list_accounts", {})]
        _tell_accounts(result, notes)
        return
    names = intent.names
    if intent.action is Action.ANSWER_RUN:
        for name in names or ("",):
            yield from _answer(name, intent, notes)
        return
    if EVERY_ACCOUNT in names:
        [result] = yield [ToolCall("list_accounts", {})]
        names = tuple(str(row["name"]) for row in result.rows("accounts"))
        if not names:
            _tell_accounts(result, notes)
            return
    if not names:
        notes.bad(talk.which_account(intent))
        return
    tool, tell = {
        Action.SIGN_IN: ("sign_in", _tell_sign_in),
        Action.SESSION_STATUS: ("session_status", _tell_session),
        Action.SIGN_OUT: ("sign_out", _tell_sign_out),
    }[intent.action]
    extra = {"fresh": True} if intent.fresh and intent.action is Action.SIGN_IN else {}
    results = yield [ToolCall(tool, {"account": name, **extra}) for name in names]
    for name, result in zip(names, results, strict=True):
        tell(name, result, notes)


def _answer(name: str, intent: Intent, notes: Notes) -> Generator[list[ToolCall], list[ToolResult]]:
    """Ask what the run waits for, and go on with it if that is what the user has done."""
    [asked] = yield [ToolCall("answer_run", {"run_id": name, "confirmed": False})]
    question = asked.response.get("question")
    said_so = question not in (None, "code") and (question == "terms") == (intent.topic == "terms")
    result = asked
    if said_so:
        [result] = yield [ToolCall("answer_run", {"run_id": asked.response.get("run_id"), "confirmed": True})]
    _tell_sign_in(str(result.response.get("account") or name or "the account"), result, notes)


def _tell_accounts(result: ToolResult, notes: Notes) -> None:
    rows = result.rows("accounts")
    if result.status != "ok":
        notes.bad(failure("the list of accounts", result))
    elif not rows:
        notes.good("There are no accounts yet. Add one with: seezar account add NAME --url URL --username USER")
    else:
        cells = [
            [str(row["name"]), str(row["site"]), _factor(row.get("second_factor")), str(row.get("session", ""))]
            for row in rows
        ]
        notes.good(table(["account", "site", "second factor", "session"], cells))
        notes.accounts += [str(row["name"]) for row in rows]


def _factor(value: object) -> str:
    return _SECOND_FACTORS.get(str(value), str(value or ""))


def _tell_sign_in(name: str, result: ToolResult, notes: Notes) -> None:
    if result.response.get("question"):
        notes.bad(f"The sign-in to **{name}** waits for you. {result.response.get('message', '')}".rstrip())
        return
    if result.status != "signed_in":
        notes.bad(failure(f"the sign-in to {name}", result))
        return
    response = result.response
    if not response.get("attempts"):
        notes.good(f"**{name}** is signed in: the stored session is still valid, no form was touched.", account=name)
        return
    facts = [_factor(response.get("second_factor"))] if response.get("second_factor") not in (None, "", "none") else []
    if isinstance(seconds := response.get("duration_s"), int | float):
        facts.append(f"{seconds:.1f} s")
    calls = response.get("model_calls")
    facts.append("no model call" if not calls else f"{calls} model calls")
    notes.good(f"Signed in to **{name}** ({', '.join(facts)}).", account=name)


def _tell_session(name: str, result: ToolResult, notes: Notes) -> None:
    match result.status:
        case "signed_in":
            since = result.response.get("verified_at")
            notes.good(f"Yes, **{name}** is signed in" + (f" (last verified {since})." if since else "."), account=name)
        case "not_signed_in":
            notes.good(f"No, **{name}** is not signed in. Say “sign in to {name}” to change that.")
        case _:
            notes.bad(failure(f"the session of {name}", result))


def _tell_sign_out(name: str, result: ToolResult, notes: Notes) -> None:
    match result.status:
        case "signed_out":
            notes.good(f"Signed out of **{name}**. {result.response.get('reason', '')}".rstrip(), account=name)
        case _:
            notes.bad(failure(f"the sign-out of {name}", result))
