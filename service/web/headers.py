"""Headers that keep ADK Web's page from loading, or telling, anything elsewhere, whatever an agent has written.

An answer is shown as Markdown. A picture in it whose address is somebody else's would be fetched when it is shown, and
the address can carry what the agent has read: a page or a mail that gives orders needs no tool for it, only an answer.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# ADK's page has inline styles and scripts, and draws graphs with WebAssembly; what it fetches is its own server's.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    # An address of a chat names its session and user. Within this server it is told: a form without it has no origin.
    (b"referrer-policy", b"same-origin"),
)


class SafeHeaders:
    """ASGI middleware that adds them to every answer."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Hand the request on."""

        async def added(message: "Message") -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        await self._app(scope, receive, added if scope["type"] == "http" else send)
