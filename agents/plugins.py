"""ADK plugins that every app of seezar has."""

import asyncio
import logging
from collections import OrderedDict
from typing import Any, override

from google.adk.agents.callback_context import CallbackContext
from google.adk.agents.invocation_context import InvocationContext
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.tool_context import ToolContext
from google.genai import types

from seezar.errors import SeezarError
from seezar.models.budget import Run, count_to

_log = logging.getLogger(__name__)

# That are counted at the same time.
_MOST_TURNS = 1000


class ErrorNet(BasePlugin):
    """Turns what would end a turn without a word into something the user is told.

    The tools of this project answer with a status by themselves; this is for what none of them foresaw. Nothing is
    tried again: a second sign-in must be somebody's decision.
    """

    def __init__(self) -> None:
        super().__init__(name="error_net")

    @override
    async def on_tool_error_callback(
        self, *, tool: BaseTool, tool_args: dict[str, Any], tool_context: ToolContext, error: Exception
    ) -> dict[str, Any] | None:
        if isinstance(error, asyncio.CancelledError):
            return None
        if isinstance(error, SeezarError):
            return dict(error.as_dict())
        # The text of an unforeseen exception may quote anything, so it is logged by type only and shown by type only.
        _log.error("The tool %s failed with %s", tool.name, type(error).__name__)
        return {
            "status": "error",
            "message": (
                f"The tool {tool.name} failed unexpectedly ({type(error).__name__}). Runs that were started go on in "
                "the worker. seezar runs list shows them; seezar doctor checks this installation."
            ),
        }

    @override
    async def on_model_error_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest, error: Exception
    ) -> LlmResponse | None:
        if not isinstance(error, SeezarError):
            return None
        return LlmResponse(
            content=types.Content(role="model", parts=[types.Part(text=str(error))]),
            error_code=error.status,
            error_message=str(error),
        )


class RunBudget(BasePlugin):
    """Counts what the models of one turn are asked, whichever agents take part in it (`seezar.models.budget`)."""

    def __init__(self) -> None:
        super().__init__(name="run_budget")
        self._runs: OrderedDict[str, Run] = OrderedDict()

    @override
    async def before_model_callback(self, *, callback_context: CallbackContext, llm_request: LlmRequest) -> None:
        # The call is made in the context of this callback; agents and tools have contexts of their own.
        run = self._runs.setdefault(callback_context.invocation_id, Run())
        self._runs.move_to_end(callback_context.invocation_id)
        # A turn that was broken off has no end.
        if len(self._runs) > _MOST_TURNS:
            self._runs.popitem(last=False)
        count_to(run)

    @override
    async def after_run_callback(self, *, invocation_context: InvocationContext) -> None:
        self._runs.pop(invocation_context.invocation_id, None)
