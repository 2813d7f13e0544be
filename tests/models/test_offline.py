"""`offline/rules` through LiteLLM itself: plain and streamed, text and function calls."""

from typing import Any

import pytest

from seezar.models import litellm_import
from seezar.models.offline import OFFLINE_MODEL, register

TOOLS = [
    {
        "type": "function",
        "function": {"name": name, "description": name, "parameters": {"type": "object", "properties": {}}},
    }
    for name in ("list_accounts", "sign_in", "session_status", "sign_out")
]
TWO_SIGN_INS = [{"role": "user", "content": "sign in to demo-mail and demo-totp"}]


@pytest.fixture(scope="module")
def litellm() -> Any:
    register()
    register()
    return litellm_import.load()


async def test_plain_function_calls(litellm: Any) -> None:
    response = await litellm.acompletion(model=OFFLINE_MODEL, messages=TWO_SIGN_INS, tools=TOOLS)
    choice = response.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert [(c.function.name, c.function.arguments) for c in choice.message.tool_calls] == [
        ("sign_in", '{"account": "demo-mail"}'),
        ("sign_in", '{"account": "demo-totp"}'),
    ]
    assert len({c.id for c in choice.message.tool_calls}) == 2
    assert response.usage.total_tokens == response.usage.prompt_tokens + response.usage.completion_tokens > 0


async def test_streamed_function_calls_are_those_of_the_plain_answer(litellm: Any) -> None:
    stream = await litellm.acompletion(model=OFFLINE_MODEL, messages=TWO_SIGN_INS, tools=TOOLS, stream=True)
    chunks = [chunk async for chunk in stream]
    rebuilt = litellm.stream_chunk_builder(chunks)
    assert [(c.function.name, c.function.arguments) for c in rebuilt.choices[0].message.tool_calls] == [
        ("sign_in", '{"account": "demo-mail"}'),
        ("sign_in", '{"account": "demo-totp"}'),
    ]
    assert rebuilt.choices[0].finish_reason == "tool_calls"


async def test_streamed_text_comes_in_pieces_and_adds_up(litellm: Any) -> None:
    messages = [{"role": "user", "content": "hello"}]
    plain = await litellm.acompletion(model=OFFLINE_MODEL, messages=messages, tools=TOOLS)
    stream = await litellm.acompletion(model=OFFLINE_MODEL, messages=messages, tools=TOOLS, stream=True)
    pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
    assert len([piece for piece in pieces if piece]) > 10
    assert "".join(pieces) == plain.choices[0].message.content


def test_synchronous_calls_answer_the_same(litellm: Any) -> None:
    messages = [{"role": "user", "content": "hello"}]
    plain = litellm.completion(model=OFFLINE_MODEL, messages=messages, tools=TOOLS)
    stream = litellm.completion(model=OFFLINE_MODEL, messages=messages, tools=TOOLS, stream=True)
    assert "".join(c.choices[0].delta.content or "" for c in stream) == plain.choices[0].message.content
    assert plain.choices[0].finish_reason == "stop"
