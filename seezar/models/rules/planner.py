"""The driver: which role is played, and what the plan of that role says next.

A plan is a generator that yields the tool calls it wants and is sent their results. The conversation holds the results
so far, so a plan is started anew for each request and fed with them: no state is kept between requests, and the same
conversation always gives the same reply.
"""

from collections.abc import Callable
from typing import Any

from seezar.models.rules import auth, browser, coordinator, mail, research
from seezar.models.rules.conversation import Conversation, ToolResult
from seezar.models.rules.plan import Plan, Reply, Report, ToolCall
from seezar.models.rules.talk import NO_TOOLS, OFF_PLAN

FINISH_TASK = "finish_task"

# A role is known by the tools that are offered, never by prompt text.
_ROLES: tuple[tuple[frozenset[str], Callable[[Conversation], Plan]], ...] = (
    (frozenset({"auth", "browser"}), coordinator.plan),
    (frozenset({"sign_in"}), auth.plan),
    (frozenset({"open_page"}), browser.plan),
    (frozenset({"latest_message"}), mail.plan),
    (frozenset({"save_page"}), research.plan),
)


def reply_to(conversation: Conversation) -> Reply:
    """The next tool calls, or the answer: as text, or through `finish_task` where that tool is offered."""
    role = next((plan for tools, plan in _ROLES if tools <= conversation.tools), None)
    if role is None:
        return Reply(text=NO_TOOLS)
    if any(result.name == FINISH_TASK for result in conversation.results):
        return Reply(text="The task is finished.")
    plan = role(conversation)
    remaining = list(conversation.results)
    try:
        calls = next(plan)
        while remaining:
            answers = _take(calls, remaining)
            if answers is None:
                return _finish(Report(status="failed", answer=OFF_PLAN), conversation)
            calls = plan.send(answers)
    except StopIteration as stop:
        return _finish(stop.value, conversation)
    return Reply(calls=tuple(calls))


def _take(calls: list[ToolCall], remaining: list[ToolResult]) -> list[ToolResult] | None:
    """Remove the results of `calls` from `remaining`, in the order of the calls; None if one is not there."""
    answers: list[ToolResult] = []
    for call in calls:
        found = next((r for r in remaining if r.name == call.name and dict(r.arguments) == dict(call.arguments)), None)
        if found is None:
            return None
        remaining.remove(found)
        answers.append(found)
    return answers


def _finish(report: Report, conversation: Conversation) -> Reply:
    if FINISH_TASK not in conversation.tools:
        return Reply(text=report.answer)
    arguments: dict[str, Any] = {
        "status": report.status,
        "answer": report.answer,
        "accounts": list(report.accounts),
        "pages": list(report.pages),
    }
    return Reply(calls=(ToolCall(FINISH_TASK, arguments),))
