"""The context of a tool call as ADK gives it, for tests that call a tool without a model."""

from google.adk.agents import LlmAgent
from google.adk.agents.invocation_context import InvocationContext
from google.adk.events.event import Event
from google.adk.sessions import InMemorySessionService
from google.adk.tools.tool_confirmation import ToolConfirmation
from google.adk.tools.tool_context import ToolContext
from google.genai import types


async def call(
    call_id: str,
    *,
    invocation: str = "i1",
    session_id: str = "s1",
    user: str = "u",
    said: str = "",
    confirmed: bool | None = None,
) -> ToolContext:
    """The context of a call; made anew for the same call of a resumed turn.

    Args:
        said: the message of the person that began the turn.
        confirmed: what the person has answered to the question of the tool; None when not asked yet.
    """
    service = InMemorySessionService()
    session = await service.create_session(app_name="auth", user_id=user, session_id=session_id)
    content = types.Content(role="user", parts=[types.Part(text=said)]) if said else None
    session.events.append(Event(author="user", invocation_id=invocation, content=content))
    context = InvocationContext(
        session_service=service, invocation_id=invocation, agent=LlmAgent(name="auth"), session=session
    )
    answer = None if confirmed is None else ToolConfirmation(confirmed=confirmed)
    return ToolContext(context, function_call_id=call_id, tool_confirmation=answer)


async def yes(call_id: str = "yes") -> ToolContext:
    """The context of a call that the person has confirmed."""
    return await call(call_id, confirmed=True)
