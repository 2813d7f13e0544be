"""The plan of the browser agent: open pages of signed-in accounts, read them, take pictures.

All pages are opened side by side, then read side by side: two rounds whatever the number of accounts.
"""

import re

from seezar.fencing import unfenced
from seezar.models.rules import grammar, sections, talk
from seezar.models.rules.conversation import Conversation, ToolResult
from seezar.models.rules.intents import AGENT_OF, BROWSER, Action, Intent
from seezar.models.rules.plan import Notes, Plan, ToolCall
from seezar.models.rules.rendering import failure

_TOPIC_JOINT = re.compile(r"\s*,\s*|\s+and\s+(?:the\s+)?", re.IGNORECASE)

_DEEDS = frozenset({Action.ACT, Action.DOWNLOAD})

type _Page = tuple[str, str]  # account, page


def plan(conversation: Conversation) -> Plan:
    """Do what the request asks of pages."""
    intents = grammar.parse(conversation.request)
    work = [intent for intent in intents if AGENT_OF.get(intent.action) == BROWSER]
    notes = Notes()
    for intent in work:
        if not intent.names:
            notes.bad(talk.which_account(intent))
    looks = [intent for intent in work if intent.action not in _DEEDS]
    wanted = list(dict.fromkeys((name, intent.page) for intent in looks for name in intent.names))
    if wanted:
        opened = yield [ToolCall("open_page", _open_arguments(page)) for page in wanted]
        pages = dict(zip(wanted, opened, strict=True))
        for (name, _), result in pages.items():
            if result.status == "opened":
                notes.pages.append(str(result.response["page_id"]))
            else:
                notes.bad(failure(f"the page of {name}", result))
        steps = [(intent, page) for intent in looks for page in _pages_of(intent) if pages[page].status == "opened"]
        calls = {step: _call(step[0], pages[step[1]]) for step in steps}
        unique = list({(call.name, str(call.arguments)): call for call in calls.values() if call}.values())
        results = (yield unique) if unique else []
        for (intent, page), call in calls.items():
            answer = results[unique.index(call)] if call else None
            _tell(intent, page[0], pages[page], answer, notes)
    for intent in work:
        for name in intent.names if intent.action in _DEEDS else ():
            # One after the other: what one does may be what the next one needs.
            [result] = yield [_deed(intent, name)]
            _tell_deed(intent, name, result, notes)
    foreign = [intent for intent in intents if AGENT_OF.get(intent.action, BROWSER) != BROWSER]
    for line in (*talk.small_talk(intents), *talk.not_mine(BROWSER, foreign)):
        notes.bad(line)
    return notes.report()


def _deed(intent: Intent, account: str) -> ToolCall:
    name, what = ("act_on_page", "instruction") if intent.action is Action.ACT else ("download", "what")
    arguments = {"account": account, what: intent.topic}
    return ToolCall(name, {**arguments, "page": intent.page} if intent.page else arguments)


def _tell_deed(intent: Intent, account: str, result: ToolResult, notes: Notes) -> None:
    if result.status not in ("done", "downloaded"):
        notes.bad(failure(f"“{intent.topic}” of {account}", result))
        return
    notes.pages.append(str(result.response["page_id"]))
    if intent.action is Action.DOWNLOAD:
        file, size = result.response.get("artifact") or result.response.get("file"), result.response.get("size")
        notes.good(f"Downloaded `{file}` of **{account}**, {size} bytes.", account=account)
    else:
        title = result.response.get("title") or result.response.get("url")
        notes.good(f"Done for **{account}**: {intent.topic}. The page is now “{title}”.", account=account)


def _open_arguments(page: _Page) -> dict[str, str]:
    return {"account": page[0], "page": page[1]} if page[1] else {"account": page[0]}


def _pages_of(intent: Intent) -> list[_Page]:
    return [(name, intent.page) for name in intent.names]


def _call(intent: Intent, opened: ToolResult) -> ToolCall | None:
    page_id = str(opened.response["page_id"])
    match intent.action:
        case Action.READ_PAGE:
            return ToolCall("read_page", {"page_id": page_id})
        case Action.SCREENSHOT:
            return ToolCall("screenshot", {"page_id": page_id})
        case _:
            return None


def _tell(intent: Intent, account: str, opened: ToolResult, answer: ToolResult | None, notes: Notes) -> None:
    title = str(opened.response.get("title") or opened.response.get("url"))
    if answer is None:
        notes.good(f"Opened “{title}” of **{account}** ({opened.response.get('url')}).", account=account)
    elif answer.status not in ("read", "saved"):
        notes.bad(failure(f"the page of {account}", answer))
    elif intent.action is Action.SCREENSHOT:
        artifact = answer.response.get("artifact")
        notes.good(f"Screenshot of “{title}” of **{account}**: artifact `{artifact}`.", account=account)
    else:
        for topic in _TOPIC_JOINT.split(intent.topic):
            found, text = sections.tell(account, title, unfenced(str(answer.response.get("text", ""))), topic)
            if found:
                notes.good(text, account=account)
            else:
                notes.bad(text)
