"""A small web site on loopback whose answers a test writes itself, for what no well-behaved framework does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """What the site was asked. `form` holds the fields of an URL-encoded body."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str

    @property
    def form(self) -> dict[str, str]:
        """The fields of an URL-encoded body."""
        return dict(parse_qsl(self.body, keep_blank_values=True))

    @property
    def cookies(self) -> dict[str, str]:
        """What the browser sent back."""
        pairs = (pair.strip().partition("=") for pair in self.headers.get("cookie", "").split(";") if "=" in pair)
        return {name: value for name, _, value in pairs}


@dataclass(frozen=True)
class Response:
    """An answer; `close` cuts the connection instead."""

    body: str | bytes = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "text/html; charset=utf-8"
    close: bool = False


type Handler = Callable[[Request], Response | str | Awaitable[Response | str]]


def redirect(location: str, *, cookie: str | None = None, status: int = 303) -> Response:
    """Go there."""
    headers = {"location": location} | ({"set-cookie": cookie} if cookie else {})
    return Response(status=status, headers=headers)


def page(body: str, *, title: str = "Acme") -> str:
    """A whole HTML page."""
    return f'<!doctype html><html lang="en"><head><title>{title}</title></head><body>{body}</body></html>'


class Site:
    """A listening site. `routes` maps a path to a handler or to a page; whatever else is asked for is not found."""

    def __init__(self, routes: Mapping[str, Handler | Response | str], host: str) -> None:
        self.routes = dict(routes)
        self.requests: list[Request] = []
        self.host = host
        self.port = 0

    @property
    def url(self) -> str:
        """The origin."""
        return f"http://{self.host}:{self.port}"

    def posts(self) -> list[Request]:
        """The requests that sent something."""
        return [request for request in self.requests if request.method == "POST"]

    def sent(self) -> str:
        """Everything that was ever sent here: addresses, headers and bodies."""
        return "\n".join(f"{r.method} {r.path} {r.query} {r.headers} {r.body}" for r in self.requests)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            request = await _read(reader)
            # Browsers ask for it on their own, at any time.
            if request.path != "/favicon.ico":
                self.requests.append(request)
            response = await self._answer(request)
            if not response.close:
                writer.write(_bytes(response))
                await writer.drain()
        writer.close()

    async def _answer(self, request: Request) -> Response:
        handler = self.routes.get(request.path, Response("not here", 404))
        if isinstance(handler, str | Response):
            given: Response | str = handler
        else:
            made = handler(request)
            given = made if isinstance(made, Response | str) else await made
        return Response(given) if isinstance(given, str) else given


@asynccontextmanager
async def serve(routes: Mapping[str, Handler | Response | str], *, host: str = "127.0.0.1") -> AsyncIterator[Site]:
    """A site on a free port, in the loop of the test; `host` is the name that its address carries."""
    site = Site(routes, host)
    open_connections: set[asyncio.Task[None]] = set()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(site.serve(reader, writer))
        open_connections.add(task)
        task.add_done_callback(open_connections.discard)

    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        # Answers that a test never gives would keep the browser, and this loop, waiting.
        for task in list(open_connections):
            task.cancel()


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    return Request(method, parts.path, dict(parse_qsl(parts.query)), headers, body.decode("utf-8", "replace"))


def _bytes(response: Response) -> bytes:
    body = response.body.encode() if isinstance(response.body, str) else response.body
    headers = {
        "content-type": response.content_type,
        "content-length": str(len(body)),
        "connection": "close",
        "cache-control": "no-store",
        **response.headers,
    }
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body
