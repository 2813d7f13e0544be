"""The plan of the mail agent: mailboxes, and whether something arrived. Never what a message says."""

from collections.abc import Generator

from seezar.models.rules import grammar, talk
from seezar.models.rules.conversation import Conversation, ToolResult
from seezar.models.rules.intents import AGENT_OF, MAIL, Action, Intent
from seezar.models.rules.plan import Notes, Plan, ToolCall
from seezar.models.rules.rendering import failure, table


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


def _do(intent: Intent, notes: Notes) -> Generator[list[ToolCall], list[ToolResult]]:
    match intent.action:
        case Action.CREATE_MAILBOX:
            wanted = intent.names or ("",)
            results = yield [ToolCall("create_mailbox", {"address": name} if name else {}) for name in wanted]
            for result in results:
                if result.status == "created":
                    notes.good(f"The mailbox **{result.response.get('address')}** is ready.")
                else:
                    notes.bad(failure("a new mailbox", result))
        case Action.LIST_MAILBOXES:
            [result] = yield [ToolCall("list_mailboxes", {})]
            _tell_mailboxes(result, notes)
        case _ if not intent.names:
            notes.bad(talk.which_account(intent))
        case Action.LATEST_MESSAGE:
            results = yield [ToolCall("latest_message", {"mailbox": name}) for name in intent.names]
            for name, result in zip(intent.names, results, strict=True):
                _tell_message(name, result, notes)
        case _:
            results = yield [ToolCall("code_arrived", {"mailbox": name}) for name in intent.names]
            for name, result in zip(intent.names, results, strict=True):
                _tell_code(name, result, notes)


def _tell_mailboxes(result: ToolResult, notes: Notes) -> None:
    if result.status != "ok":
        notes.bad(failure("the list of mailboxes", result))
        return
    rows = result.rows("mailboxes")
    if not rows:
        notes.good("There are no mailboxes yet. Say “create a mailbox”.")
        return
    cells = [[str(row["address"]), str(row.get("account") or ""), str(row.get("created_at", ""))] for row in rows]
    notes.good(table(["address", "account", "created"], cells))


def _tell_message(name: str, result: ToolResult, notes: Notes) -> None:
    response = result.response
    match result.status:
        case "ok":
            when = f", received {response['received_at']}" if response.get("received_at") else ""
            sender, subject = response.get("sender"), response.get("subject")
            notes.good(f"Latest message of **{name}**: from {sender}, subject “{subject}”{when}.")
        case "no_message":
            notes.good(f"No message has arrived for **{name}** yet.")
        case _:
            notes.bad(failure(f"the mailbox {name}", result))


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
