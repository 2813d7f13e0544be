"""Requests that need the agents wait until they are loaded; the page, and what it asks for first, do not."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

type Message = dict[str, Any]
type Asgi = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

# ADK's page with its parts, ours, and the list of the apps, which is one of folders.
_WITHOUT_AGENTS = (
    "/dev-ui",
    "/seezar-static",
    "/seezar/sign-in",
    "/config/telemetry",
    "/list-apps",
    "/health",
    "/version",
)


class WhenLoaded:
    """ASGI middleware.

    Args:
        app: whose requests these are.
        loaded: is set once the agents are there.
    """

    def __init__(self, app: Asgi, loaded: threading.Event) -> None:
        self._app = app
        self._loaded = loaded

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Hand the request on, at once or when the agents are there."""
        if not self._loaded.is_set() and _needs_agents(scope):
            await asyncio.to_thread(self._loaded.wait)
        await self._app(scope, receive, send)


def _needs_agents(scope: Message) -> bool:
    if scope["type"] not in ("http", "websocket"):
        return False
    path: str = scope["path"]
    # Told in detail, the list is made of the agents themselves.
    detailed = path == "/list-apps" and b"detailed" in scope["query_string"]
    return detailed or not (path == "/" or path.startswith(_WITHOUT_AGENTS))
