"""Traces of agents: OpenInference's instrumentation of ADK, over the provider of this process."""

import os
from typing import override

from google.adk.agents.callback_context import CallbackContext
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin

from seezar.telemetry.prompts import linked_prompt
from seezar.telemetry.setup import telemetry
from seezar.telemetry.spans import spans

# With the second version ADK makes no span of its own for a model call, and the instrumentation, which suppresses the
# one that there is, would write what it knows of it to the agent's span.
_SCHEMA = "ADK_TELEMETRY_SCHEMA_VERSION_OPT_IN"
_FIRST = "1"


# https://langfuse.com/integrations/native/opentelemetry
_PROMPT_NAME = "langfuse.observation.prompt.name"
_PROMPT_VERSION = "langfuse.observation.prompt.version"


class PromptLink(BasePlugin):
    """Says on the span of a model call which prompt of Langfuse its instruction is from."""

    def __init__(self) -> None:
        super().__init__(name="prompt_link")

    @override
    async def before_model_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest
    ) -> LlmResponse | None:
        if spans.on and (prompt := linked_prompt(callback_context.agent_name)) is not None:
            name, version = prompt
            spans.note({_PROMPT_NAME: name, _PROMPT_VERSION: version})
        return None


def start() -> None:
    """Trace what the agents of this process do, if the environment names a target; the second call changes nothing.

    Raises:
        SettingsInvalid: the address of a target cannot be one.
    """
    if not telemetry.start("agents"):
        return
    os.environ[_SCHEMA] = _FIRST
    from openinference.instrumentation.google_adk import GoogleADKInstrumentor
    from opentelemetry import trace

    instrumentor = GoogleADKInstrumentor()
    if not instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.instrument(tracer_provider=trace.get_tracer_provider())
