"""`offline/rules`: the rule-based planner as a LiteLLM provider. Plain, streamed, with function calls; no network.

The content is deterministic. Only the ids of tool calls are random, because ADK asks for ids that are unique within a
session and two equal requests must not share one.
"""

import json
import re
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from seezar.models import litellm_import
from seezar.models.rules.conversation import Conversation
from seezar.models.rules.planner import Reply, reply_to

PROVIDER = "offline"
OFFLINE_MODEL = "offline/rules"

# The usual rule of thumb; nothing is billed, but compaction and budgets go by token counts.
_CHARACTERS_PER_TOKEN = 4
_WORD = re.compile(r"\S+\s*|\s+")


def answer(messages: Sequence[Mapping[str, Any]], optional_params: Mapping[str, Any]) -> Reply:
    """The reply to an OpenAI-style request.

    Args:
        messages: the conversation.
        optional_params: LiteLLM's; `tools` in it are the tools that may be called.
    """
    return reply_to(Conversation.from_messages(messages, optional_params.get("tools")))


def register() -> None:
    """Make LiteLLM know the provider `offline`. Doing it again changes nothing."""
    litellm = litellm_import.load()
    known = litellm.custom_provider_map
    if not any(entry["provider"] == PROVIDER for entry in known):
        litellm.custom_provider_map = [*known, {"provider": PROVIDER, "custom_handler": handler()}]
    # Without it the Router does not find the provider: LiteLLM itself calls it only on the first direct completion.
    litellm.utils.custom_llm_setup()


@lru_cache(maxsize=1)
def handler() -> Any:
    """The LiteLLM handler (a `litellm.CustomLLM`), made when LiteLLM is first needed."""
    litellm = litellm_import.load()

    class RulesModel(litellm.CustomLLM):
        """The four entry points of LiteLLM's custom-provider hook."""

        def completion(
            self, *, model: str, messages: list[Any], model_response: Any, optional_params: Any, **_: Any
        ) -> Any:
            return _fill(model_response, model, messages, answer(messages, optional_params))

        async def acompletion(self, **request: Any) -> Any:
            return self.completion(**request)

        def streaming(self, *, messages: list[Any], optional_params: Any, **_: Any) -> Iterator[dict[str, Any]]:
            yield from _chunks(messages, answer(messages, optional_params))

        async def astreaming(
            self, *, messages: list[Any], optional_params: Any, **_: Any
        ) -> AsyncIterator[dict[str, Any]]:
            for chunk in _chunks(messages, answer(messages, optional_params)):
                yield chunk

    return RulesModel()


def _fill(response: Any, model: str, messages: Sequence[Any], reply: Reply) -> Any:
    types = litellm_import.load().types.utils
    message = types.Message(role="assistant", content=reply.text or None, tool_calls=_tool_calls(reply) or None)
    response.model = model
    response.choices = [types.Choices(index=0, message=message, finish_reason=_finish_reason(reply))]
    response.usage = types.Usage(**_usage(messages, reply))
    return response


def _chunks(messages: Sequence[Any], reply: Reply) -> Iterator[dict[str, Any]]:
    """LiteLLM `GenericStreamingChunk`s: text word by word, each call whole, then the end with the usage."""
    for word in _WORD.findall(reply.text):
        yield _chunk(text=word)
    for index, call in enumerate(_tool_calls(reply)):
        yield _chunk(tool_use={**call, "index": index}, index=index)
    yield _chunk(is_finished=True, finish_reason=_finish_reason(reply), usage=_usage(messages, reply))


def _chunk(**changes: Any) -> dict[str, Any]:
    empty = {"text": "", "is_finished": False, "finish_reason": "", "usage": None, "index": 0, "tool_use": None}
    return empty | changes


def _tool_calls(reply: Reply) -> list[dict[str, Any]]:
    return [
        {
            "id": f"call_{uuid.uuid4().hex}",
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments), ensure_ascii=False)},
        }
        for call in reply.calls
    ]


def _finish_reason(reply: Reply) -> str:
    return "tool_calls" if reply.calls else "stop"


def _usage(messages: Sequence[Any], reply: Reply) -> dict[str, int]:
    prompt = len(json.dumps(messages, default=str)) // _CHARACTERS_PER_TOKEN
    said = reply.text + "".join(json.dumps(dict(call.arguments)) for call in reply.calls)
    completion = len(said) // _CHARACTERS_PER_TOKEN
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
