"""Every request has an id, in its answer and in what is told of it: the caller's own, or a new one."""

import re
import secrets
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "x-request-id"
_PLAIN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_id: ContextVar[str] = ContextVar("seezar_request_id", default="")


def request_id() -> str:
    """That of the request at work; "" outside of one."""
    return _id.get()


class RequestId:
    """ASGI middleware: takes `X-Request-Id` where it is a plain word, and answers with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = dict(scope["headers"]).get(HEADER.encode(), b"")
        chosen = sent.decode() if _PLAIN.fullmatch(sent) else secrets.token_hex(8)
        token = _id.set(chosen)

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (HEADER.encode(), chosen.encode())]
            await send(message)

        try:
            await self._app(scope, receive, named)
        finally:
            _id.reset(token)
