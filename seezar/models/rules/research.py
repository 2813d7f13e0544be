"""The plan of the research agent: keep pages, find them again, and have reports made of what was read."""

from collections.abc import Generator

from seezar.fencing import unfenced
from seezar.models.rules import grammar, sections, talk
from seezar.models.rules.conversation import Conversation, ToolResult
from seezar.models.rules.intents import AGENT_OF, RESEARCH, Action, Intent
from seezar.models.rules.plan import Notes, Plan, ToolCall
from seezar.models.rules.rendering import failure

NO_PAGE = "I do not know which page to save. Read one first (“open the dashboard of demo-mail”), or say which."

_KINDS = {
    Action.ATTENTION: "attention",
    Action.TOP: "top",
    Action.TREND: "trend",
    Action.COMPARE: "compare",
}


def plan(conversation: Conversation) -> Plan:
    """Save pages by id, search what was saved, report."""
    intents = grammar.parse(conversation.request)
    notes = Notes()
    for intent in intents:
        if AGENT_OF.get(intent.action) == RESEARCH:
            yield from _do(intent, notes)
    foreign = [intent for intent in intents if AGENT_OF.get(intent.action, RESEARCH) != RESEARCH]
    for line in (*talk.small_talk(intents), *talk.not_mine(RESEARCH, foreign)):
        notes.bad(line)
    return notes.report()


def _do(intent: Intent, notes: Notes) -> Generator[list[ToolCall], list[ToolResult]]:
    if intent.action is Action.SEARCH:
        [result] = yield [ToolCall("search", {"query": intent.topic})]
        _tell_search(intent.topic, result, notes)
        return
    if intent.action in _KINDS:
        [result] = yield [ToolCall("make_report", _asked(intent))]
        pages: list[ToolResult] = []
        if result.status == "reported" and (names := result.texts("evidence")):
            report_id = str(result.response["report_id"])
            pages = yield [ToolCall("show_evidence", {"report_id": report_id, "name": names[0]})]
        _tell_report(result, pages, notes)
        return
    if not intent.page_ids:
        notes.bad(NO_PAGE)
        return
    results = yield [ToolCall("save_page", {"page_id": page_id}) for page_id in intent.page_ids]
    for result in results:
        if result.status == "saved":
            notes.good(f"Saved the page “{result.response.get('title')}” of {result.response.get('account')}.")
        else:
            notes.bad(failure("the page", result))


def _asked(intent: Intent) -> dict[str, str]:
    asked = {"kind": _KINDS[intent.action], "item": intent.item, "picture": intent.picture}
    return {name: value for name, value in asked.items() if value}


def _tell_report(result: ToolResult, pages: list[ToolResult], notes: Notes) -> None:
    if result.status != "reported":
        notes.bad(failure("the report", result))
        return
    seen = [str(page.response.get("artifact")) for page in pages if page.status == "saved"]
    shown = ", ".join(f"`{name}`" for name in (*result.texts("artifacts"), *seen))
    pictures = f"\n\nPictures: artifacts {shown}." if shown else ""
    title, text = result.response.get("title"), unfenced(str(result.response.get("text", "")))
    notes.good(f"**{title}**\n\n{text}{pictures}")


def _tell_search(topic: str, result: ToolResult, notes: Notes) -> None:
    if result.status != "ok":
        notes.bad(failure("the search", result))
        return
    rows = result.rows("results")
    if not rows:
        notes.good(f"I have saved nothing about “{topic}”.")
        return
    found = [f"**{row.get('title')}** ({row.get('account')}, {row.get('url')}, {row.get('taken_at')})" for row in rows]
    shown = [sections.passage(unfenced(str(row.get("text", "")))) for row in rows]
    passages = "\n\n".join(f"{source}\n\n{text}" for source, text in zip(found, shown, strict=True))
    notes.good(f"What I saved about “{topic}”:\n\n{passages}")
