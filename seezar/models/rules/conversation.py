"""A chat request in OpenAI's message format, reduced to what a rule needs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

type Message = Mapping[str, Any]

# ADK adds this as a user message when a turn goes on without one; nobody said it.
_FRAMEWORK_NUDGES = (
    "Continue processing previous requests as instructed.",
    "Handle the requests as specified in the System Instruction.",
)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool call of this conversation and what came back.

    Attributes:
        name: the tool.
        arguments: what it was called with.
        response: its answer; text that is not a JSON object is found under `"result"`.
    """

    name: str
    arguments: Mapping[str, Any]
    response: Mapping[str, Any]

    @property
    def status(self) -> str:
        """The `status` of the answer, "" when it has none."""
        return str(self.response.get("status", ""))

    def rows(self, key: str) -> list[Mapping[str, Any]]:
        """The objects in the list under `key`; none when it is not a list."""
        return [cast("Message", item) for item in self._list(key) if isinstance(item, Mapping)]

    def texts(self, key: str) -> tuple[str, ...]:
        """The list under `key` as text; empty when it is not a list."""
        return tuple(str(item) for item in self._list(key))

    def _list(self, key: str) -> list[Any]:
        value = self.response.get(key)
        return cast("list[Any]", value) if isinstance(value, list) else []


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the model is asked to continue.

    Attributes:
        request: the latest thing a user (or the delegating agent) said.
        results: tool results since `request`, in the order of the calls.
        earlier: what was said before `request`, oldest first.
        history: tool results before `request`, oldest first.
        tools: names of the tools that may be called now.
    """

    request: str
    results: tuple[ToolResult, ...] = ()
    earlier: tuple[str, ...] = ()
    history: tuple[ToolResult, ...] = ()
    tools: frozenset[str] = frozenset()

    @classmethod
    def from_messages(cls, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]] | None) -> "Conversation":
        """Read `messages` (roles system, user, assistant, tool) and the `tools` parameter of a completion request."""
        said: list[str] = []
        results: list[ToolResult] = []
        history: list[ToolResult] = []
        calls: dict[str, tuple[str, Mapping[str, Any]]] = {}
        for message in messages:
            role = message.get("role")
            if role == "user" and (text := _request_of(_text_of(message.get("content")))):
                said.append(text)
                history += results
                results = []
            elif role == "assistant":
                calls |= _calls_of(message)
            elif role == "tool":
                name, arguments = calls.get(str(message.get("tool_call_id")), ("", {}))
                results.append(ToolResult(name, arguments, _object_of(_text_of(message.get("content")))))
        return cls(
            request=said[-1] if said else "",
            results=tuple(results),
            earlier=tuple(said[:-1]),
            history=tuple(history),
            tools=frozenset(str(tool["function"]["name"]) for tool in tools or () if "function" in tool),
        )


def _text_of(content: Any) -> str:
    """The text of a message's content, which is a string or a list of typed parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [cast("Message", part) for part in cast("list[Any]", content) if isinstance(part, Mapping)]
        return "\n".join(str(part.get("text", "")) for part in parts).strip()
    return ""


def _request_of(text: str) -> str:
    """ADK hands a task to a sub-agent as the JSON object `{"request": …}`."""
    if text.startswith(_FRAMEWORK_NUDGES):
        return ""
    decoded = _json(text)
    if isinstance(decoded, dict):
        request = cast("dict[str, Any]", decoded).get("request")
        if isinstance(request, str):
            return request.strip()
    return text.strip()


def _calls_of(message: Message) -> dict[str, tuple[str, Mapping[str, Any]]]:
    found: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for call in cast("Sequence[Any]", message.get("tool_calls") or ()):
        function = call["function"]
        found[str(call["id"])] = (str(function["name"]), _object_of(str(function.get("arguments") or "{}")))
    return found


def _object_of(text: str) -> Mapping[str, Any]:
    decoded = _json(text)
    return cast("dict[str, Any]", decoded) if isinstance(decoded, dict) else {"result": text}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
