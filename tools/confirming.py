"""Asking the person, not the model, before something dangerous is done; and what counts as the person's own word.

A page or a mail can make a model say and call anything. Two things it cannot write: the answer of a client to ADK's
question, and the message with which the person began the turn.
"""

from collections.abc import Collection

from google.adk.tools.tool_context import ToolContext

from seezar.models.rules import grammar
from seezar.models.rules.intents import EVERY_ACCOUNT, Action, Intent
from tools.answers import Answer

# Longer than any request for one thing; a text that was pasted is no word of the person.
_ONE_REQUEST = 200


def unconfirmed(question: str, tool_context: ToolContext | None) -> Answer | None:
    """None when the person has confirmed this very call; else what the tool has to return now.

    The first time ADK pauses the turn and shows `question` with the arguments of the call. The answer comes as a
    function response that only a client can send: no text of a model, a page or a mail is one. Then ADK calls the tool
    again with the arguments that were shown.

    Args:
        question: what will be done, and that it cannot be undone.
        tool_context: of the call; without one nobody can be asked, and nothing is done.
    """
    answer = tool_context.tool_confirmation if tool_context is not None else None
    if answer is not None:
        if answer.confirmed:
            return None
        return {"status": "rejected", "message": "The user did not confirm it. Nothing was done."}
    if tool_context is not None:
        tool_context.request_confirmation(hint=question)
        # The model is not asked before the person has answered.
        tool_context.actions.skip_summarization = True
    return {"status": "needs_confirmation", "message": f"{question} It waits for the user's confirmation."}


def said(
    action: Action, names: Collection[str], tool_context: ToolContext | None, *, only: bool = False, topic: str = ""
) -> bool:
    """Whether the person has asked for this very thing in so many words, so that asking again would be needless.

    The words are the message that began this turn, read by the fixed rules of `seezar.models.rules.grammar`, and they
    must be nothing else than this request: a longer one may hold a text that somebody else wrote.

    Args:
        names: of the account or the run; the person must have named one of them.
        only: there is just one that can be meant, so that none need be named.
        topic: "terms" when it is terms that the person accepts.
    """
    intents = _own_words(tool_context)
    return bool(intents) and all(_is(intent, action, {*names, EVERY_ACCOUNT}, only, topic) for intent in intents)


def _is(intent: Intent, action: Action, names: Collection[str], only: bool, topic: str) -> bool:
    named = any(name in names for name in intent.names) if intent.names else only
    return intent.action is action and named and intent.topic == topic


def _own_words(context: ToolContext | None) -> list[Intent]:
    """The intents in the message of the person that began this turn; none when it is more than one request.

    Not `context.user_content`: in a task child of the coordinator that is what the coordinator's model wrote. The first
    event of an invocation is the message that the client sent; nothing of the turn has happened before it.
    """
    if context is None:
        return []
    first = next((e for e in context.session.events if e.invocation_id == context.invocation_id), None)
    # What ADK writes in a user's name, for an agent below another one, belongs to a branch.
    if first is None or first.author != "user" or first.branch or first.content is None:
        return []
    parts = first.content.parts or []
    text = "".join(part.text or "" for part in parts).strip()
    if not text or "\n" in text or len(text) > _ONE_REQUEST or any(part.text is None for part in parts):
        return []
    return grammar.parse(text)
