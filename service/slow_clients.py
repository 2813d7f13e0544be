"""Connections whose client sends its request more slowly than anybody honest does: they are answered 408 and closed.

uvicorn waits for a request for ever: whoever opens enough connections, and sends a byte now and then, keeps everybody
else out (Slowloris; CWE-400).
"""

import asyncio
import json
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# A request's head is a few kilobytes. A body may be a large upload to ADK Web: so long for each part of it.
HEAD_S = 15.0
BODY_S = 60.0
_PART = 64 * 1024

_PROBLEM = {
    "type": "/problems/request_timeout",
    "title": "Request timeout",
    "status": 408,
    "code": "request_timeout",
    "detail": "The request did not arrive in time.",
    "kept": "Nothing was done.",
    "next_step": "Send it again, all at once.",
}


class ImpatientProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 with limits on how long a request takes to arrive.

    Attributes:
        head_s, body_s: seconds for the head, and then for each 64 KiB of the body of a request.
    """

    head_s = HEAD_S
    body_s = BODY_S
    _deadline: asyncio.TimerHandle | None = None
    _awaited: str | None = None
    # Bytes since the limit was set.
    _arrived = 0

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._await("head")

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._arrived += len(data)
        if self._awaited == "body" and self._arrived >= _PART:
            self._await(None)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # The next request of this connection; until its first byte comes uvicorn's own limit holds.
        self._await(None)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._await(None)
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        self._await(None)
        super().connection_lost(exc)

    def _look(self) -> None:
        state: Any = self.conn.their_state
        if state is h11.IDLE:
            self._await("head")
        elif state is h11.SEND_BODY:
            self._await("body")
        else:
            self._await(None)

    def _await(self, part: str | None) -> None:
        """Set the limit for what is awaited now; the same part as before keeps the one that it has."""
        if part == self._awaited:
            return
        if self._deadline is not None:
            self._deadline.cancel()
        seconds = self.head_s if part == "head" else self.body_s
        self._deadline = None if part is None else self.loop.call_later(seconds, self._too_slow)
        self._awaited = part
        self._arrived = 0

    def _too_slow(self) -> None:
        if self.transport.is_closing():
            return
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps(_PROBLEM).encode()
            length = str(len(body)).encode()
            headers = [(b"content-type", b"application/problem+json"), (b"content-length", length)]
            response = h11.Response(status_code=408, headers=[*headers, (b"connection", b"close")], reason=b"")
            for event in (response, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
