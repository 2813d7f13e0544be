"""Mailpit's API on loopback, as far as it is used here: written from its documentation (the OpenAPI description and the
page on search filters), not compared with a running Mailpit."""

import asyncio
import base64
import json
from datetime import UTC, datetime
from email import message_from_bytes
from email.utils import getaddresses
from typing import Any, Self
from uuid import uuid4

from aiohttp import WSMsgType, web


class MailpitServer:
    """Listens while it is entered.

    Args:
        key: `user:password` that every call must show; "" = none.
    """

    def __init__(self, key: str = "") -> None:
        self.key = key
        self.messages: list[dict[str, Any]] = []  # newest first
        self.requests: list[str] = []
        self.refuse_events = False
        self._raw: dict[str, bytes] = {}
        self._sockets: set[web.WebSocketResponse] = set()
        self._runner: web.AppRunner | None = None
        self._port = 0
        self.listening = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/api/v1/search", self._search)
        app.router.add_get("/api/v1/message/{id}/raw", self._source)
        app.router.add_delete("/api/v1/messages", self._delete)
        app.router.add_get("/api/events", self._events)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        await self.cut()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def cut(self) -> None:
        """Break the streams of events."""
        self.listening.clear()
        for ws in list(self._sockets):
            await ws.close()

    async def receive(self, raw: bytes, *, announce: bool = True, at: datetime | None = None) -> str:
        """Take a message, as by SMTP."""
        parsed = message_from_bytes(raw)
        number = uuid4().hex[:22]

        def people(name: str) -> list[dict[str, str]]:
            found = getaddresses([str(value) for value in parsed.get_all(name, [])])
            return [{"Name": display, "Address": address} for display, address in found]

        summary = {
            "ID": number,
            "MessageID": str(parsed.get("Message-ID", "")).strip("<>"),
            "Read": False,
            "From": next(iter(people("From")), None),
            "To": people("To"),
            "Cc": people("Cc"),
            "Bcc": [],
            "ReplyTo": [],
            "Subject": str(parsed.get("Subject", "")),
            "Created": (at or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "Tags": [],
            "Size": len(raw),
            "Attachments": 0,
            "Snippet": "…",
        }
        self.messages.insert(0, summary)
        self._raw[number] = raw
        if announce:
            await self.announce("new", summary)
        return number

    async def announce(self, kind: str, data: Any) -> None:
        for ws in list(self._sockets):
            await ws.send_str(json.dumps({"Type": kind, "Data": data}))

    def _authorise(self, request: web.Request) -> None:
        self.requests.append(f"{request.method} {request.path}")
        expected = f"Basic {base64.b64encode(self.key.encode()).decode()}"
        if self.key and request.headers.get("Authorization") != expected:
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": 'Basic realm="Login"'}, text="Unauthorised.\n")

    async def _search(self, request: web.Request) -> web.Response:
        self._authorise(request)
        query = request.query.get("query", "")
        if not query.startswith('to:"'):
            return web.Response(status=400, text="Error: no search query")
        word = query.removeprefix('to:"').removesuffix('"').lower()
        found = [row for row in self.messages if any(word in entry["Address"].lower() for entry in row["To"])]
        start, limit = int(request.query.get("start", 0)), int(request.query.get("limit", 50))
        page = found[start : start + limit]
        return web.json_response(
            {
                "total": len(self.messages),
                "unread": len(self.messages),
                "count": len(page),
                "messages_count": len(found),
                "messages_unread": len(found),
                "start": start,
                "tags": [],
                "messages": page,
            }
        )

    async def _source(self, request: web.Request) -> web.Response:
        self._authorise(request)
        raw = self._raw.get(request.match_info["id"])
        if raw is None:
            return web.Response(status=404, text="Message not found")
        return web.Response(body=raw, content_type="text/plain")

    async def _delete(self, request: web.Request) -> web.Response:
        self._authorise(request)
        ids = (await request.json()).get("IDs") or list(self._raw)
        self.messages = [row for row in self.messages if row["ID"] not in ids]
        for number in ids:
            self._raw.pop(number, None)
        return web.Response(text="ok")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        self._authorise(request)
        if self.refuse_events:
            raise web.HTTPNotFound
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        self._sockets.add(ws)
        self.listening.set()
        await ws.send_str(json.dumps({"Type": "stats", "Data": {"Total": len(self.messages), "Unread": 0}}))
        try:
            async for message in ws:
                if message.type == WSMsgType.ERROR:
                    break
        finally:
            self._sockets.discard(ws)
        return ws
