"""Tells when a one-time code stands in a page, by the page itself: not by what the program that types it says."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SCRIPT_PATH, _REPORT_PATH = "/_watch.js", "/_typed"
# A beacon is sent beside the page's own requests, as those of analytics are. Its time is the browser's clock, which is
# that of this machine.
_SCRIPT = """addEventListener('input', ({target}) => {
  if (target.autocomplete === 'one-time-code' && target.value.length >= %d)
    navigator.sendBeacon('%s', String(performance.timeOrigin + performance.now()));
}, true);"""
_TAG = f'<script src="{_SCRIPT_PATH}"></script>'.encode()


class TypingWatch:
    """Goes around a web application. Pages with a code field get a script that reports when the field is full.

    Args:
        app: the application.
        typed: gets the time of each code, epoch seconds.
        length: characters of a code.
    """

    def __init__(self, app: ASGIApp, typed: asyncio.Queue[float], *, length: int = 6) -> None:
        self._app = app
        self._typed = typed
        self._script = _SCRIPT % (length, _REPORT_PATH)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry point."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == _SCRIPT_PATH:
            await Response(self._script, media_type="text/javascript")(scope, receive, send)
        elif scope["path"] == _REPORT_PATH:
            self._typed.put_nowait(float(await Request(scope, receive).body()) / 1000)
            await Response(status_code=204)(scope, receive, send)
        else:
            await self._app(scope, receive, _with_script(send))


def _with_script(send: Send) -> Send:
    head: Message = {}

    async def passed_on(message: Message) -> None:
        nonlocal head
        if message["type"] == "http.response.start":
            # Its length is known once the body is.
            head = message
            return
        if head:
            if b"one-time-code" in message.get("body", b"") and not message.get("more_body"):
                message["body"] += _TAG
                size = str(len(message["body"])).encode()
                head["headers"] = [(n, size if n == b"content-length" else v) for n, v in head["headers"]]
            await send(head)
            head = {}
        await send(message)

    return passed_on
