"""An ADK plugin: after each turn, what the user said and what was answered goes into the memory service."""

import logging
from typing import override

import psycopg
from google.adk.agents.base_agent import BaseAgent
from google.adk.agents.invocation_context import InvocationContext
from google.adk.plugins.base_plugin import BasePlugin

from agents.memory import USER, text_of
from seezar.errors import SeezarError
from tools.memory import RECALL

_log = logging.getLogger(__name__)


class Remembering(BasePlugin):
    """Remembers the request and the last answer of a turn, by the root agent: what its sub-agents said is in there.

    A turn that recalled something is left out: it would be found in the place of what it found.
    """

    def __init__(self) -> None:
        super().__init__(name="remembering")

    @override
    async def after_run_callback(self, *, invocation_context: InvocationContext) -> None:
        memory, session = invocation_context.memory_service, invocation_context.session
        if memory is None:
            return
        events = [e for e in session.events if e.invocation_id == invocation_context.invocation_id and not e.partial]
        if any(call.name == RECALL for event in events for call in event.get_function_calls()):
            return
        root = _root(invocation_context)
        asked = [event for event in events if event.author == USER and text_of(event)]
        answered = [event for event in events if event.author == root and text_of(event)]
        if not (asked and answered):
            return
        try:
            await memory.add_events_to_memory(
                app_name=session.app_name,
                user_id=session.user_id,
                session_id=session.id,
                events=[*asked[:1], answered[-1]],
            )
        except NotImplementedError:
            # A service that was named on the command line may only know whole conversations.
            await memory.add_session_to_memory(session)
        except (SeezarError, psycopg.Error) as error:
            # The answer is there already, and is not taken back because nobody will remember it.
            _log.warning("The turn is not remembered: %s", error if isinstance(error, SeezarError) else type(error))


def _root(context: InvocationContext) -> str:
    """Name of the agent that the user talks with."""
    agent = context.agent
    return agent.root_agent.name if isinstance(agent, BaseAgent) else ""
