"""How much a chat may have made, whatever a text talks its model into."""

from datetime import timedelta

from google.adk.tools.tool_context import ToolContext

from seezar.application import Application
from tools.answers import Answer

_CREATE = "create_mailbox"


async def too_many_mailboxes(application: Application, context: ToolContext | None) -> Answer | None:
    """None when one more mailbox may be made; else what the tool has to return.

    Args:
        context: of the call; without one no model calls, and there is no limit.
    """
    if context is None:
        return None
    settings = application.settings
    if settings.chat_mailboxes and _place(context) >= settings.chat_mailboxes:
        return _reached(f"This conversation has asked for {settings.chat_mailboxes} mailboxes, which is its limit.")
    day = await application.audit.count("mailbox.create", by="agent", within=timedelta(days=1))
    if settings.chat_mailboxes_per_day and day >= settings.chat_mailboxes_per_day:
        return _reached(f"The agents have made {day} mailboxes within a day, which is their limit.")
    return None


def _place(context: ToolContext) -> int:
    """How many calls in this conversation came before this one. Calls of one turn have one after the other, too."""
    calls = [c.id for e in context.session.events for c in e.get_function_calls() if c.name == _CREATE]
    known = list(dict.fromkeys(calls))
    return known.index(context.function_call_id) if context.function_call_id in known else len(known)


def _reached(what: str) -> Answer:
    return {"status": "limit_reached", "message": f"{what} No mailbox was made. More: seezar mail new."}
