"""A small SMTP.dev on loopback: its paths, its field names, its key, and each way that its documents leave open."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from email.utils import parseaddr
from typing import Any, Literal
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

KEY = "key-of-the-tests"
HUB_TOKEN = "token-of-the-hub"
PAGE = 30


@dataclass
class SmtpDev:
    """What the service holds, and how it answers.

    Attributes:
        source: what `…/source` gives: JSON with `data`, the raw message, a web page (as an unknown path does), or 404
            with the raw message at the download address ("download"), or with nothing at all ("none").
        hub: what the event hub takes: the API key, or a token from `/mercure/token`.
        accounts: by id.
        full: no more accounts are made.
        refusal: status of the answer to a wrong key.
    """

    source: Literal["json", "raw", "page", "download", "none"] = "json"
    hub: Literal["key", "token"] = "key"
    domains: list[dict[str, Any]] = field(default_factory=lambda: [_domain("dev.test")])
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    messages: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])
    full: bool = False
    refusal: int = 401
    requests: int = 0
    listeners: list[asyncio.Queue[str]] = field(default_factory=list[asyncio.Queue[str]])

    def receive(self, owner: str, raw: bytes, *, at: str | None = None) -> str:
        """Put a message into the inbox of the account with the address `owner`; returns its id."""
        account = next(entry for entry in self.accounts.values() if entry["address"] == owner)
        mail = message_from_bytes(raw, policy=default)
        name, sender = parseaddr(str(mail["From"]))
        text, html = mail.get_body(("plain",)), mail.get_body(("html",))
        number = uuid4().hex
        row = {
            "@type": "Message",
            "id": number,
            "msgid": str(mail["Message-ID"]),
            "from": {"name": name, "address": sender},
            "to": [{"name": "", "address": parseaddr(str(mail["To"]))[1]}],
            "subject": str(mail["Subject"]),
            "isRead": False,
            "size": len(raw),
            "createdAt": at or datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds"),
            "text": text.get_content() if text else "",
            "html": html.get_content() if html else "",
            "raw": raw,
        }
        self.messages[account["mailboxes"][1]["id"]].insert(0, row)
        for listener in self.listeners:
            listener.put_nowait(json.dumps({"@type": "Mailbox", "id": account["mailboxes"][1]["id"]}))
        return number

    def add(self, address: str) -> str:
        """Make an account; returns its id."""
        number, boxes = uuid4().hex, [{"id": uuid4().hex, "path": path} for path in ("Junk", "INBOX")]
        self.accounts[number] = {"id": number, "address": address, "quota": 1000, "used": 0, "mailboxes": boxes}
        self.messages.update((box["id"], []) for box in boxes)
        return number

    def application(self) -> Starlette:
        """The web application."""
        box = "/accounts/{account}/mailboxes/{box}/messages"
        routes = [
            Route("/domains", self._domains),
            Route("/accounts", self._accounts, methods=["GET", "POST"]),
            Route("/accounts/{account}", self._account, methods=["GET", "DELETE"]),
            Route(box, self._list),
            Route(box + "/{message}", self._message, methods=["GET", "DELETE"]),
            Route(box + "/{message}/{form}", self._form),
            Route("/mercure/token", self._token),
            Route("/.well-known/mercure", self._events),
        ]
        return Starlette(
            routes=[Route(route.path, self._keyed(route.endpoint), methods=route.methods) for route in routes]
        )

    def _keyed(self, endpoint: Any) -> Any:
        async def keyed(request: Request) -> Response:
            self.requests += 1
            if request.url.path != "/.well-known/mercure" and request.headers.get("x-api-key") != KEY:
                return JSONResponse({"title": "Unauthorized"}, self.refusal)
            return await endpoint(request)

        return keyed

    async def _domains(self, request: Request) -> Response:
        return _collection(self.domains, request)

    async def _accounts(self, request: Request) -> Response:
        if request.method == "GET":
            wanted = request.query_params.get("address")
            found = [account for account in self.accounts.values() if wanted in (None, account["address"])]
            return _collection(found, request)
        body = await request.json()
        address = body["address"]
        if self.full:
            return JSONResponse({"detail": "The limit of accounts is reached."}, 403)
        if address.rpartition("@")[2] not in [domain["domain"] for domain in self.domains]:
            return JSONResponse({"violations": [{"propertyPath": "address", "message": "Bad domain."}]}, 422)
        if any(account["address"] == address for account in self.accounts.values()):
            return JSONResponse({"violations": [{"propertyPath": "address", "message": "Already used."}]}, 422)
        return JSONResponse(self.accounts[self.add(address)], 201)

    async def _account(self, request: Request) -> Response:
        number = request.path_params["account"]
        if number not in self.accounts:
            return JSONResponse({}, 404)
        if request.method == "DELETE":
            del self.accounts[number]
            return Response(status_code=204)
        return JSONResponse(self.accounts[number])

    async def _list(self, request: Request) -> Response:
        if request.path_params["account"] not in self.accounts:
            return JSONResponse({}, 404)
        hidden = ("raw", "text", "html")
        rows = self.messages[request.path_params["box"]]
        return _collection([{key: row[key] for key in row if key not in hidden} for row in rows], request)

    async def _message(self, request: Request) -> Response:
        row = self._row(request)
        if row is None:
            return JSONResponse({}, 404)
        if request.method == "DELETE":
            self.messages[request.path_params["box"]].remove(row)
            return Response(status_code=204)
        shown = {key: row[key] for key in row if key != "raw"}
        if self.source == "download":
            shown["downloadUrl"] = f"{request.url.path}/download"
        return JSONResponse(shown)

    async def _form(self, request: Request) -> Response:
        row, form = self._row(request), request.path_params["form"]
        if row is None:
            return JSONResponse({}, 404)
        if (self.source, form) == ("json", "source"):
            return JSONResponse({"id": row["id"], "data": row["raw"].decode("utf-8")})
        if (self.source, form) in (("raw", "source"), ("download", "download")):
            return Response(row["raw"], media_type="message/rfc822")
        if self.source == "page":
            return Response("<html>Not what you look for: 111111</html>", media_type="text/html")
        return JSONResponse({}, 404)

    def _row(self, request: Request) -> dict[str, Any] | None:
        rows = self.messages.get(request.path_params["box"], [])
        return next((row for row in rows if row["id"] == request.path_params["message"]), None)

    async def _token(self, request: Request) -> Response:
        return JSONResponse({"token": HUB_TOKEN}) if self.hub == "token" else JSONResponse({}, 404)

    async def _events(self, request: Request) -> Response:
        wanted = {"key": ("x-api-key", KEY), "token": ("authorization", f"Bearer {HUB_TOKEN}")}[self.hub]
        if request.headers.get(wanted[0]) != wanted[1]:
            return Response(status_code=401)
        queue: asyncio.Queue[str] = asyncio.Queue()
        self.listeners.append(queue)

        async def events() -> AsyncIterator[str]:
            yield ":\n"
            while True:
                yield f"data: {await queue.get()}\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")


def _domain(name: str) -> dict[str, Any]:
    return {"id": uuid4().hex, "domain": name, "isActive": True}


def _collection(rows: list[dict[str, Any]], request: Request) -> Response:
    number = int(request.query_params.get("page", "1"))
    body = {"@type": "Collection", "totalItems": len(rows), "member": rows[(number - 1) * PAGE : number * PAGE]}
    return JSONResponse({**body, "view": {"@id": request.url.path}}, media_type="application/ld+json")
