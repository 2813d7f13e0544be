"""Model providers on loopback that fail in the ways of real ones. They speak the OpenAI protocol, streamed or not."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from aiohttp import web


class Behaviour(StrEnum):
    """What a provider does with every request."""

    ANSWERS = "answers"
    RATE_LIMITED = "rate_limited"
    FAILS = "fails"
    HANGS = "hangs"
    BREAKS_OFF = "breaks_off"
    REFUSES_KEY = "refuses_key"
    KNOWS_NO_MODEL = "knows_no_model"
    TOO_LONG = "too_long"
    REFUSES_CONTENT = "refuses_content"


# Status, and the error as OpenAI's API words it, by which LiteLLM tells them apart.
_REFUSALS: dict[Behaviour, tuple[int, dict[str, str]]] = {
    Behaviour.RATE_LIMITED: (429, {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}),
    Behaviour.FAILS: (500, {"message": "The server had an error", "type": "server_error"}),
    Behaviour.REFUSES_KEY: (401, {"message": "Incorrect API key provided", "code": "invalid_api_key"}),
    Behaviour.KNOWS_NO_MODEL: (404, {"message": "The model does not exist", "code": "model_not_found"}),
    Behaviour.TOO_LONG: (
        400,
        {"message": "This model's maximum context length is 8 tokens", "code": "context_length_exceeded"},
    ),
    Behaviour.REFUSES_CONTENT: (
        400,
        {"message": "Your request was rejected", "type": "invalid_request_error", "code": "content_policy_violation"},
    ),
}


@dataclass(frozen=True, slots=True)
class Call:
    """A function that the model wants called."""

    name: str
    arguments: dict[str, Any]


# What is answered to a request body: a text, or calls of functions.
type Script = Callable[[dict[str, Any]], str | Sequence[Call]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came in."""

    path: str
    authorization: str
    body: dict[str, Any]


class Provider:
    """Listens on a port of 127.0.0.1 while it is entered.

    Args:
        behaviour: what it does; may be changed while it runs.
        text: what it answers.
        retry_after: seconds it asks to wait where it refuses; None says nothing.
        script: gives the answer to a request, instead of `text`.
    """

    def __init__(
        self,
        behaviour: Behaviour = Behaviour.ANSWERS,
        *,
        text: str = "All is well.",
        retry_after: int | None = None,
        script: Script | None = None,
    ) -> None:
        self.behaviour = behaviour
        self.text = text
        self.retry_after = retry_after
        self.script = script
        self.hits = 0
        self.asked: list[Asked] = []
        self.url = ""
        self._closing = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._handle)
        app.router.add_post("/v1/embeddings", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.hits += 1
        body = await request.json()
        self.asked.append(Asked(request.path, request.headers.get("Authorization", ""), body))
        if self.behaviour is Behaviour.HANGS:
            await self._closing.wait()
        if self.behaviour in _REFUSALS:
            status, error = _REFUSALS[self.behaviour]
            headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
            return web.json_response({"error": error}, status=status, headers=headers)
        if request.path.endswith("/embeddings"):
            return web.json_response(_embeddings(body))
        said = self.script(body) if self.script else self.text
        return await self._stream(request, said) if body.get("stream") else await self._whole(request, said)

    async def _whole(self, request: web.Request, said: str | Sequence[Call]) -> web.StreamResponse:
        message: dict[str, Any] = {"role": "assistant", "content": said if isinstance(said, str) else None}
        if not isinstance(said, str):
            message["tool_calls"] = self._tool_calls(said)
        choice = {"index": 0, "message": message, "finish_reason": _reason(said)}
        answer = {**_HEAD, "object": "chat.completion", "choices": [choice], "usage": _USAGE}
        if self.behaviour is Behaviour.BREAKS_OFF:
            response = web.StreamResponse(headers={"Content-Length": "100000", "Content-Type": "application/json"})
            await response.prepare(request)
            await response.write(json.dumps(answer).encode()[:40])
            return _cut(request, response)
        return web.json_response(answer)

    async def _stream(self, request: web.Request, said: str | Sequence[Call]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        events = list(self._events(said))
        for number, event in enumerate(events):
            if self.behaviour is Behaviour.BREAKS_OFF and number == len(events) // 2:
                return _cut(request, response)
            await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        return response

    def _events(self, said: str | Sequence[Call]) -> Iterator[dict[str, Any]]:
        if isinstance(said, str):
            for word in said.split(" "):
                yield _piece({"role": "assistant", "content": f"{word} "})
        else:
            for index, call in enumerate(self._tool_calls(said)):
                yield _piece({"role": "assistant", "tool_calls": [{**call, "index": index}]})
        yield _piece({}, finish_reason=_reason(said))
        yield {**_HEAD, "object": "chat.completion.chunk", "choices": [], "usage": _USAGE}

    def _tool_calls(self, calls: Sequence[Call]) -> list[dict[str, Any]]:
        # As with real providers, no two calls of a conversation have the same id.
        return [
            {
                "id": f"call_{self.hits}_{index}",
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for index, call in enumerate(calls)
        ]


_HEAD = {"id": "1", "created": 1, "model": "m"}
_USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


def _reason(said: str | Sequence[Call]) -> str:
    return "stop" if isinstance(said, str) else "tool_calls"


def _embeddings(body: dict[str, Any]) -> dict[str, Any]:
    texts: list[str] = body["input"]
    data = [{"object": "embedding", "index": n, "embedding": [float(len(text)), 1.0]} for n, text in enumerate(texts)]
    return {"object": "list", "model": body["model"], "data": data, "usage": {"prompt_tokens": 7, "total_tokens": 7}}


def _piece(delta: dict[str, Any], *, finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {**_HEAD, "object": "chat.completion.chunk", "choices": [choice]}


def _cut(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return response
