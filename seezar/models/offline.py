"""The stand-ins of this machine as a LiteLLM provider; no network.

`offline/rules`, the rule-based planner: plain, streamed, with function calls. `offline/judge`, which grades by words
and numbers. `offline/embed`, averaged word vectors. What they say is deterministic. Only the ids of tool calls are
random, because ADK asks for ids that are unique within a session and two equal requests must not share one.
"""

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from seezar.models import litellm_import, word_vectors
from seezar.models.judge import judged
from seezar.models.rules.conversation import Conversation
from seezar.models.rules.planner import Reply, reply_to

PROVIDER = "offline"
OFFLINE_MODEL = "offline/rules"
JUDGE_MODEL = "offline/judge"
EMBED_MODEL = "offline/embed"
OFFLINE_MODELS = frozenset({OFFLINE_MODEL, JUDGE_MODEL, EMBED_MODEL})

# The usual rule of thumb; nothing is billed, but compaction and budgets go by token counts.
_CHARACTERS_PER_TOKEN = 4
_WORD = re.compile(r"\S+\s*|\s+")


def answer(model: str, messages: Sequence[Mapping[str, Any]], optional_params: Mapping[str, Any]) -> Reply:
    """The reply to an OpenAI-style request.

    Args:
        model: which stand-in, with the name of the provider or without.
        messages: the conversation.
        optional_params: LiteLLM's; `tools` in it are the tools that may be called.
    """
    if model.endswith("judge"):
        return Reply(judged(_asked(messages)))
    return reply_to(Conversation.from_messages(messages, optional_params.get("tools")))


def register() -> None:
    """Make LiteLLM know the provider `offline`. Doing it again changes nothing."""
    litellm = litellm_import.load()
    known = litellm.custom_provider_map
    if not any(entry["provider"] == PROVIDER for entry in known):
        litellm.custom_provider_map = [*known, {"provider": PROVIDER, "custom_handler": handler()}]
    litellm.utils.custom_llm_setup()


@lru_cache(maxsize=1)
def handler() -> Any:
    """The LiteLLM handler (a `litellm.CustomLLM`), made when LiteLLM is first needed."""
    litellm = litellm_import.load()

    class StandIns(litellm.CustomLLM):
        """The entry points of LiteLLM's custom-provider hook."""

        def completion(
            self, *, model: str, messages: list[Any], model_response: Any, optional_params: Any, **_: Any
        ) -> Any:
            return _fill(model_response, model, messages, answer(model, messages, optional_params))

        async def acompletion(self, **request: Any) -> Any:
            return self.completion(**request)

        def streaming(
            self, *, model: str, messages: list[Any], optional_params: Any, **_: Any
        ) -> Iterator[dict[str, Any]]:
            yield from _chunks(messages, answer(model, messages, optional_params))

        async def astreaming(
            self, *, model: str, messages: list[Any], optional_params: Any, **_: Any
        ) -> AsyncIterator[dict[str, Any]]:
            for chunk in _chunks(messages, answer(model, messages, optional_params)):
                yield chunk

        async def aembedding(self, *, model: str, input: list[str], model_response: Any, **_: Any) -> Any:  # noqa: A002 - LiteLLM's name
            vectors = await asyncio.to_thread(word_vectors.embed, input)
            model_response.model = EMBED_MODEL
            model_response.data = [
                {"object": "embedding", "index": n, "embedding": vector} for n, vector in enumerate(vectors)
            ]
            tokens = sum(map(len, input)) // _CHARACTERS_PER_TOKEN
            model_response.usage = litellm.types.utils.Usage(prompt_tokens=tokens, total_tokens=tokens)
            return model_response

    return StandIns()


def _asked(messages: Sequence[Mapping[str, Any]]) -> str:
    """The text of the last message of a user."""
    content = next((m.get("content") for m in reversed(messages) if m.get("role") == "user"), None)
    if isinstance(content, str) or content is None:
        return content or ""
    return "".join(str(part.get("text", "")) for part in content)


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
