"""Model providers on loopback that fail in the ways of real ones. They speak the OpenAI protocol, streamed or not."""

import asyncio
import json
from collections.abc import Iterator
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


class Provider:
    """Listens on a port of 127.0.0.1 while it is entered.

    Args:
        behaviour: what it does; may be changed while it runs.
        text: what it answers.
        retry_after: seconds it asks to wait where it refuses; None says nothing.
    """

    def __init__(
        self, behaviour: Behaviour = Behaviour.ANSWERS, *, text: str = "All is well.", retry_after: int | None = None
    ) -> None:
        self.behaviour = behaviour
        self.text = text
        self.retry_after = retry_after
        self.hits = 0
        self.url = ""
        self._closing = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._handle)
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
        if self.behaviour is Behaviour.HANGS:
            await self._closing.wait()
        if self.behaviour in _REFUSALS:
            status, error = _REFUSALS[self.behaviour]
            headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
            return web.json_response({"error": error}, status=status, headers=headers)
        return await self._stream(request) if body.get("stream") else await self._whole(request)

    async def _whole(self, request: web.Request) -> web.StreamResponse:
        message = {"role": "assistant", "content": self.text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        answer = {**_HEAD, "object": "chat.completion", "choices": [choice], "usage": _USAGE}
        if self.behaviour is Behaviour.BREAKS_OFF:
            response = web.StreamResponse(headers={"Content-Length": "100000", "Content-Type": "application/json"})
            await response.prepare(request)
            await response.write(json.dumps(answer).encode()[:40])
            return _cut(request, response)
        return web.json_response(answer)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        events = list(self._events())
        for number, event in enumerate(events):
            if self.behaviour is Behaviour.BREAKS_OFF and number == len(events) // 2:
                return _cut(request, response)
            await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        return response

    def _events(self) -> Iterator[dict[str, Any]]:
        for word in self.text.split(" "):
            yield _piece({"role": "assistant", "content": f"{word} "})
        yield _piece({}, finish_reason="stop")
        yield {**_HEAD, "object": "chat.completion.chunk", "choices": [], "usage": _USAGE}


_HEAD = {"id": "1", "created": 1, "model": "m"}
_USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


def _piece(delta: dict[str, str], *, finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {**_HEAD, "object": "chat.completion.chunk", "choices": [choice]}


def _cut(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return response
