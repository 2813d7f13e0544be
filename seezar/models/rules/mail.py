"""The plan of the mail agent: mailboxes, and what arrived in them. Never a code."""

from collections.abc import Generator

from seezar.models.rules import grammar, talk
from seezar.models.rules.conversation import Conversation, ToolResult
from seezar.models.rules.intents import AGENT_OF, MAIL, Action, Intent
from seezar.models.rules.plan import Notes, Plan, ToolCall
from seezar.models.rules.rendering import failure, table

type _Steps = Generator[list[ToolCall], list[ToolResult]]


def plan(conversation: Conversation) -> Plan:
    """Do what the request asks of mailboxes."""
    intents = grammar.parse(conversation.request)
    notes = Notes()
    for intent in intents:
        if AGENT_OF.get(intent.action) == MAIL:
            yield from _do(intent, notes)
    foreign = [intent for intent in intents if AGENT_OF.get(intent.action, MAIL) != MAIL]
    for line in (*talk.small_talk(intents), *talk.not_mine(MAIL, foreign)):
        notes.bad(line)
    return notes.report()


def _do(intent: Intent, notes: Notes) -> _Steps:
    match intent.action:
        case Action.CREATE_MAILBOX:
            yield from _create(intent, notes)
        case Action.LIST_MAILBOXES:
            [result] = yield [ToolCall("list_mailboxes", {})]
            _tell_mailboxes(result, notes)
        case Action.LIST_PROVIDERS:
            [result] = yield [ToolCall("list_providers", {})]
            _tell_providers(result, notes)
        case Action.ANSWER_WITH_MAIL:
            for name in intent.names or ("",):
                [result] = yield [ToolCall("answer_with_mail", {"run": name})]
                _tell_answer(name, result, notes)
        case _ if not intent.names:
            notes.bad(talk.which_account(intent))
        case Action.READ_MESSAGE | Action.DELETE_MESSAGE:
            tool = "read_message" if intent.action is Action.READ_MESSAGE else "delete_message"
            for name in intent.names:
                yield from _with_latest(tool, name, notes)
        case _:
            tool, tell = {
                Action.LIST_MESSAGES: ("list_messages", _tell_messages),
                Action.LATEST_MESSAGE: ("latest_message", _tell_message),
                Action.WAIT_FOR_MAIL: ("wait_for_message", _tell_arrival),
                Action.DELETE_MAILBOX: ("delete_mailbox", _tell_deletion),
            }.get(intent.action, ("code_arrived", _tell_code))
            results = yield [ToolCall(tool, {"mailbox": name}) for name in intent.names]
            for name, result in zip(intent.names, results, strict=True):
                tell(name, result, notes)


def _create(intent: Intent, notes: Notes) -> _Steps:
    at = {"provider": intent.topic} if intent.topic else {}
    calls = [ToolCall("create_mailbox", ({"address": name} if name else {}) | at) for name in intent.names or ("",)]
    for result in (yield calls):
        if result.status == "created":
            notes.good(f"The mailbox **{result.response.get('address')}** is ready.")
        else:
            notes.bad(failure("a new mailbox", result))


def _with_latest(tool: str, name: str, notes: Notes) -> _Steps:
    """What is done with a message is done with its handle, which the newest one is asked for."""
    [latest] = yield [ToolCall("latest_message", {"mailbox": name})]
    if latest.status != "ok":
        _tell_message(name, latest, notes)
        return
    [result] = yield [ToolCall(tool, {"handle": str(latest.response.get("handle"))})]
    (_tell_prose if tool == "read_message" else _tell_deletion)(name, result, notes)


def _tell_mailboxes(result: ToolResult, notes: Notes) -> None:
    if result.status != "ok":
        notes.bad(failure("the list of mailboxes", result))
        return
    rows = result.rows("mailboxes")
    if not rows:
        notes.good("There are no mailboxes yet. Say “create a mailbox”.")
        return
    keys = ("address", "provider", "account", "created_at")
    cells = [[str(row.get(key) or "") for key in keys] for row in rows]
    notes.good(table(["address", "provider", "account", "created"], cells))


def _tell_providers(result: ToolResult, notes: Notes) -> None:
    if result.status != "ok":
        notes.bad(failure("the list of mail providers", result))
        return
    cells = [
        [str(row.get("name")), str(row.get("kind")), str(row.get("where") or ""), ", ".join(row.get("domains") or ())]
        for row in result.rows("providers")
    ]
    notes.good(table(["provider", "kind", "where", "domains"], cells))


def _tell_messages(name: str, result: ToolResult, notes: Notes) -> None:
    if result.status != "ok":
        _tell_message(name, result, notes)
        return
    keys = ("sender", "subject", "received_at")
    cells = [[str(row.get(key) or "") for key in keys] for row in result.rows("messages")]
    notes.good(f"Messages of **{name}**, newest first:\n\n{table(['from', 'subject', 'received'], cells)}")


def _tell_message(name: str, result: ToolResult, notes: Notes) -> None:
    match result.status:
        case "ok":
            notes.good(f"Latest message of **{name}**: {_envelope(result)}.")
        case "no_message":
            notes.good(f"No message has arrived for **{name}** yet.")
        case _:
            notes.bad(failure(f"the mailbox {name}", result))


def _envelope(result: ToolResult) -> str:
    response = result.response
    when = f", received {response['received_at']}" if response.get("received_at") else ""
    return f"from {response.get('sender')}, subject “{response.get('subject')}”{when}"


def _tell_arrival(name: str, result: ToolResult, notes: Notes) -> None:
    match result.status:
        case "arrived":
            kept = (
                f" A code or link is in it (handle `{code}`)." if (code := result.response.get("code_handle")) else ""
            )
            notes.good(f"A mail arrived for **{name}**: {_envelope(result)}.{kept}")
        case "not_arrived":
            notes.good(f"No mail arrived for **{name}** in time. Say “wait for a mail to {name}” to wait on.")
        case _:
            notes.bad(failure(f"the mailbox {name}", result))


_ASKS = {
    "code": "It asks to type a code.",
    "link": "It asks to open a link.",
    "reply": "It asks for a reply.",
    "payment": "It asks for a payment.",
    "document": "It asks for a document.",
    "other": "It asks for something else.",
}


def _tell_prose(name: str, result: ToolResult, notes: Notes) -> None:
    if result.status != "read":
        notes.bad(failure(f"the last mail of {name}", result))
        return
    response = result.response
    line = f"The last mail of **{name}** is {_envelope(result)}. It is about: “{response.get('about')}”."
    asks = _ASKS.get(str(response.get("asks_for")), "It asks for nothing.")
    until = f" Deadline: {response['deadline']}." if response.get("deadline") else ""
    notes.good(f"{line} {asks}{until}")


def _tell_deletion(name: str, result: ToolResult, notes: Notes) -> None:
    match result.status:
        case "deleted":
            notes.good(str(result.response.get("message") or f"Deleted: {name}."))
        case _:
            notes.bad(failure(f"deleting for {name}", result))


def _tell_code(name: str, result: ToolResult, notes: Notes) -> None:
    response = result.response
    match result.status:
        case "arrived":
            sender, handle = response.get("sender"), response.get("handle")
            notes.good(f"Yes, a code arrived for **{name}** from {sender} (handle `{handle}`).")
        case "not_arrived":
            notes.good(f"No, no code has arrived for **{name}**.")
        case _:
            notes.bad(failure(f"the mailbox {name}", result))


def _tell_answer(name: str, result: ToolResult, notes: Notes) -> None:
    account = str(result.response.get("account") or name or "the account")
    if result.status == "signed_in":
        notes.good(f"Signed in to **{account}** with the code that was mailed.", account=account)
    else:
        notes.bad(failure(f"the sign-in to {account}", result))
