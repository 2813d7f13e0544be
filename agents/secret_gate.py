"""The net below what the tools do themselves: no known secret in a conversation that is stored, sent or shown."""

from collections.abc import Callable, Mapping
from typing import Any, cast, override

from google.adk.agents.callback_context import CallbackContext
from google.adk.agents.invocation_context import InvocationContext
from google.adk.events.event import Event
from google.adk.models.llm_request import LlmRequest
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.tool_context import ToolContext
from google.genai import types
from pydantic import BaseModel

from seezar.telemetry.logs import without_secrets
from seezar.telemetry.revealed import revealed

# Names and ids that ADK finds its way by. They are no text, and a short code may stand in one by chance.
_LEFT_ALONE = frozenset(
    {"id", "invocation_id", "author", "name", "branch", "role", "node_info", "long_running_tool_ids", "model_version"}
)


class SecretGate(BasePlugin):
    """Replaces every secret that this process knows: in what a user says, in what tools answer, in what a model is
    sent, and in events with their change of the state.
    """

    def __init__(self) -> None:
        super().__init__(name="secret_gate")

    @override
    async def on_user_message_callback(
        self, *, invocation_context: InvocationContext, user_message: types.Content
    ) -> types.Content | None:
        # People write passwords here that nobody has told us: what looks like one is masked as well.
        return _changed(user_message, without_secrets)

    @override
    async def after_tool_callback(
        self, *, tool: BaseTool, tool_args: dict[str, Any], tool_context: ToolContext, result: dict[str, Any]
    ) -> dict[str, Any] | None:
        return _changed(result, revealed.redactor())

    @override
    async def before_model_callback(self, *, callback_context: CallbackContext, llm_request: LlmRequest) -> None:
        # A conversation may be older than what is known now.
        llm_request.contents = _masked(llm_request.contents, revealed.redactor())

    @override
    async def on_event_callback(self, *, invocation_context: InvocationContext, event: Event) -> Event | None:
        return _changed(event, revealed.redactor())


def _changed[T](value: T, mask: Callable[[str], str]) -> T | None:
    """`value` masked; None where there is nothing to mask, so that what ADK was given stays as it is."""
    masked = _masked(value, mask)
    return None if masked is value else masked


def _masked(value: Any, mask: Callable[[str], str]) -> Any:
    """`value` with every text in it masked; the same object where nothing changes."""
    if isinstance(value, str):
        return value if (text := mask(value)) == value else text
    if isinstance(value, BaseModel):
        fields = {name: getattr(value, name) for name in type(value).model_fields if name not in _LEFT_ALONE}
        update = _differing(fields, mask)
        return value.model_copy(update=update) if update else value
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value)
        update = _differing(items, mask)
        return {**items, **update} if update else items
    if isinstance(value, list | tuple):
        parts = cast("list[Any] | tuple[Any, ...]", value)
        masked = [_masked(part, mask) for part in parts]
        if all(new is old for new, old in zip(masked, parts, strict=True)):
            return parts
        return masked if isinstance(parts, list) else tuple(masked)
    return value


def _differing(items: Mapping[Any, Any], mask: Callable[[str], str]) -> dict[Any, Any]:
    masked = {name: _masked(item, mask) for name, item in items.items()}
    return {name: item for name, item in masked.items() if item is not items[name]}
