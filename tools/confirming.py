"""Asking the person, not the model, before something is done that cannot be undone."""

from google.adk.tools.tool_context import ToolContext

from tools.answers import Answer


def unconfirmed(question: str, tool_context: ToolContext) -> Answer | None:
    """None when the person has confirmed this very call; else what the tool has to return now.

    The first time ADK pauses the turn and shows `question` with the arguments of the call. The answer comes as a
    function response that only a client can send: no text of a model, a page or a mail is one. Then ADK calls the tool
    again with the arguments that were shown.

    Args:
        question: what will be done, and that it cannot be undone.
    """
    answer = tool_context.tool_confirmation
    if answer is None:
        tool_context.request_confirmation(hint=question)
        # The model is not asked before the person has answered.
        tool_context.actions.skip_summarization = True
        return {"status": "needs_confirmation", "message": f"{question} It waits for the user's confirmation."}
    if not answer.confirmed:
        return {"status": "rejected", "message": "The user did not confirm it. Nothing was deleted."}
    return None
