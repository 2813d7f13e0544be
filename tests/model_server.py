"""A model provider on loopback: it speaks the OpenAI protocol, answers what a test says, keeps what it was asked."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from seezar.fencing import unfenced

# What is sent back: a text, an HTTP status, or a text that comes after a while.
type Reply = str | int | Awaitable[str]
type Script = Callable[[dict[str, Any]], Reply]


class ModelServer:
    """Listens while it is entered.

    Args:
        script: gives the reply to a request body.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.bodies: list[dict[str, Any]] = []
        self._hold = asyncio.Event()

    @property
    def sent(self) -> str:
        """Everything that was sent here, as it was written."""
        return "\n".join(json.dumps(body, ensure_ascii=False) for body in self.bodies)

    async def never(self) -> str:
        """An answer that does not come before the server closes."""
        await self._hold.wait()
        return "{}"

    async def _handle(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.bodies.append(body)
        reply = self.script(body)
        if isinstance(reply, int):
            return web.json_response({"error": {"message": "no"}}, status=reply, headers={"Retry-After": "30"})
        text = reply if isinstance(reply, str) else await reply
        message = {"role": "assistant", "content": text}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return web.json_response(
            {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
        )

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._hold.set()
        await self._runner.cleanup()

    def pool_file(self, folder: Path) -> Path:
        """A model pool in which this server is everything, with the router settings of the project."""
        from seezar.models.pool import default_config_path

        settings = default_config_path().read_text().partition("router_settings:")[2]
        entries = "".join(
            f"  - model_name: {group}\n    litellm_params: {{model: openai/m, api_key: k, api_base: '{self.url}'}}\n"
            f"    model_info: {{id: {group}-m, input_cost_per_token: 0, output_cost_per_token: 0}}\n"
            for group in ("fast", "smart")
        )
        path = folder / "pool.yaml"
        path.write_text(f"model_list:\n{entries}router_settings:{settings}")
        return path


def elements(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The elements that a request of the sign-in's advisor lists."""
    listed = next(m["content"] for m in body["messages"] if m["content"].startswith("Text of a web page"))
    return [json.loads(line) for line in unfenced(listed).split("\n")]


def ref(body: dict[str, Any], **fits: object) -> str:
    """The reference of the first element that has these properties."""
    return next(e["ref"] for e in elements(body) if "ref" in e and all(e.get(k) == v for k, v in fits.items()))
