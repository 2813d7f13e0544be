"""What stands before every request: the size of its body, and the answer when something unforeseen happens."""

import json
import logging

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.request_id import request_id

# No request of the API carries more than a few addresses and words.
MAX_BODY = 64 * 1024

log = logging.getLogger(__name__)


class BodyLimit:
    """Refuses bodies of more than `MAX_BODY` bytes with 413, announced or not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > MAX_BODY:
            await _answer(send, 413, "The body is too large.")
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MAX_BODY:
                raise HTTPException(413, "The body is too large.")
            return message

        await self._app(scope, counted, send)


class PlainAddress:
    """Refuses addresses with NUL in them: no text of ours has one, and PostgreSQL stores none."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The mail API answers as its original does.
        ours = scope["type"] == "http" and not scope["path"].startswith("/mail/")
        if ours and ("\0" in scope["path"] or b"%00" in scope["query_string"]):
            await _answer(send, 400, "The address holds NUL.")
            return
        await self._app(scope, receive, send)


class NoTraceback:
    """Answers 500 to what nobody foresaw and logs its type: a traceback may quote a password or a mail."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            # Nobody is there to be answered, and nothing was done with half a request.
            return
        except Exception as error:  # noqa: BLE001 - the edge of the process
            log.error("a request failed: unexpected %s", type(error).__name__)
            if scope["type"] == "http" and not started:
                await _answer(send, 500, "Something unforeseen happened.")


async def _answer(send: Send, status: int, detail: str) -> None:
    title = {400: "Bad request", 408: "Request timeout", 413: "Content too large"}.get(status, "Internal server error")
    code = "error" if status == 500 else title.lower().replace(" ", "_")
    problem = {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        "kept": "",
        "next_step": "",
        "request_id": request_id(),
    }
    body = json.dumps(problem).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
