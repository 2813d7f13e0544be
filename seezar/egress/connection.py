"""One connection of a browser: whose it is, where each request may go, and the answers of the proxy itself."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Final

import h11

from seezar.egress.errors import EgressRefused, HostUnreachable
from seezar.egress.hosts import Destination, destination
from seezar.egress.identities import Identities, Identity
from seezar.egress.limits import CHUNK, Limits
from seezar.egress.relay import forward_headers, join, relay_request
from seezar.egress.resolving import Resolve
from seezar.egress.upstream import Upstream, open_upstream

# Only this path, and only for who has shown credentials: how a browser context learns to show them.
READY_URL: Final = "http://egress.invalid/"
_READY: Final = b"http://egress.invalid/"
_LINGER_S: Final = 1.0
_REALM: Final = b'Basic realm="seezar"'


class _Answered(Exception):
    """The proxy answers by itself, and closes."""

    def __init__(
        self, status: int, text: str, *, error: str = "", headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        self.status = status
        self.text = text
        self.headers = headers
        if error:
            # RFC 9209: it was not the site that answered.
            self.headers = (*headers, (b"Proxy-Status", f"seezar; error={error}".encode()))


class ClientConnection:
    """Serves one connection to its end."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        identities: Identities,
        resolve: Resolve,
        limits: Limits,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._identities = identities
        self._resolve = resolve
        self._limits = limits
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.header_bytes)
        self._identity: Identity | None = None
        self._upstream: Upstream | None = None

    async def run(self, task: "asyncio.Task[None]") -> None:
        """Serve until it ends; `task` is what does it."""
        try:
            while await self._serve_one(task):
                self._http.start_next_cycle()
        except _Answered as answer:
            with suppress(OSError, TimeoutError):
                await self._answer(answer)
        except EOFError:
            # The host has closed instead of answering, and that is what the browser is shown: one that used an old
            # connection tries again by itself.
            pass
        except (OSError, TimeoutError, h11.ProtocolError):
            # Either side went away, or broke the protocol in the middle: nothing can be said any more.
            self._writer.transport.abort()
        except asyncio.CancelledError:
            self._writer.transport.abort()
            raise
        finally:
            if self._identity is not None:
                self._identity.connections.discard(task)
            if self._upstream is not None:
                self._upstream.close()
            self._writer.close()

    async def _serve_one(self, task: "asyncio.Task[None]") -> bool:
        """Serve one request; whether there may be another."""
        request = await self._next_request()
        if request is None:
            return False
        identity = self._identify(request, task)
        if request.method == b"CONNECT":
            await self._tunnel(request, identity)
            return False
        if request.target == _READY:
            return await self._ready()
        return await self._forward(request, identity)

    async def _next_request(self) -> h11.Request | None:
        loop = asyncio.get_running_loop()
        until, begun = loop.time() + self._limits.idle_s, False
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise _Answered(error.error_status_hint, "This is not a request that can be understood.") from None
            if isinstance(event, h11.Request):
                # h11 counts only what is not whole yet.
                size = len(event.target) + sum(len(name) + len(value) for name, value in event.headers)
                if size > self._limits.header_bytes:
                    raise _Answered(431, "The request has too much in its head.")
                return event
            if event is not h11.NEED_DATA:
                return None
            if not begun and self._http.trailing_data[0]:
                # All of it is to come in time, however slowly its bytes do.
                until, begun = loop.time() + self._limits.header_s, True
            try:
                async with asyncio.timeout_at(until):
                    data = await self._reader.read(CHUNK)
            except TimeoutError:
                if not begun:
                    return None
                raise _Answered(408, "The request did not come in time.") from None
            self._http.receive_data(data)

    def _identify(self, request: h11.Request, task: "asyncio.Task[None]") -> Identity:
        shown = [value for name, value in request.headers if name == b"proxy-authorization"]
        if not shown:
            raise _Answered(407, "Credentials are needed.", headers=((b"Proxy-Authenticate", _REALM),))
        identity = self._identities.shown(shown[0]) if len(shown) == 1 else None
        if identity is None or (self._identity is not None and identity is not self._identity):
            raise _Answered(403, "Nobody has these credentials.", error="proxy_internal_response")
        if self._identity is None:
            if len(identity.connections) >= self._limits.connections:
                raise _Answered(503, "Too many connections at the same time.", error="connection_limit_reached")
            self._identity = identity
            identity.connections.add(task)
        return identity

    async def _ready(self) -> bool:
        if not isinstance(self._http.next_event(), h11.EndOfMessage):
            raise _Answered(400, "Nothing is sent there.")
        head = h11.Response(status_code=204, headers=[(b"Cache-Control", b"no-store")])
        self._writer.write(join(self._http.send(head), self._http.send(h11.EndOfMessage())))
        await self._writer.drain()
        return self._http.our_state is h11.DONE

    async def _route(self, where: Destination, identity: Identity) -> tuple[str, ...]:
        if identity.policy is None:
            raise _Answered(403, "Nothing is allowed here.", error="http_request_denied")
        try:
            return await identity.policy.route(where, self._resolve)
        except EgressRefused as error:
            kind = "destination_ip_prohibited" if error.why == "private_address" else "http_request_denied"
            raise _Answered(403, error.what, error=kind) from None
        except HostUnreachable as error:
            raise _unreachable(error) from None

    async def _open(self, where: Destination, identity: Identity) -> Upstream:
        addresses = await self._route(where, identity)
        try:
            return await open_upstream(where, addresses, self._limits)
        except HostUnreachable as error:
            assert identity.policy is not None
            identity.policy.decisions.fail(error.host, error.error)
            raise _unreachable(error) from None

    async def _tunnel(self, request: h11.Request, identity: Identity) -> None:
        where = _checked(request.target.decode("latin-1"), None)
        self._upstream = await self._open(where, identity)
        self._writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        early = self._http.trailing_data[0]
        await self._upstream.tunnel(self._reader, self._writer, early, _sent(identity, where))

    async def _forward(self, request: h11.Request, identity: Identity) -> bool:
        where, path = _absolute(request.target)
        names = [name for name, _ in request.headers]
        if b"transfer-encoding" in names and b"content-length" in names:
            raise _Answered(400, "A request has one length.")
        reused = self._upstream is not None and self._upstream.serves(where)
        if reused:
            # Who is allowed may have changed since.
            await self._route(where, identity)
        else:
            if self._upstream is not None:
                self._upstream.close()
            self._upstream = await self._open(where, identity)
        assert self._upstream is not None
        sent = h11.Request(method=request.method, target=path, headers=forward_headers(request, where))
        try:
            outcome = await relay_request(self._http, self._reader, self._writer, self._upstream, sent)
        except TimeoutError:
            if self._http.our_state is not h11.SEND_RESPONSE:
                raise
            raise _Answered(504, "The site does not answer.", error="http_response_timeout") from None
        except h11.RemoteProtocolError:
            if self._http.our_state is not h11.SEND_RESPONSE:
                raise
            raise _Answered(502, "The site's answer cannot be understood.", error="http_protocol_error") from None
        if outcome == "switch":
            await self._upstream.tunnel(self._reader, self._writer, self._http.trailing_data[0], _sent(identity, where))
        return outcome == "next"

    async def _answer(self, answer: _Answered) -> None:
        """Answer by ourselves and end: what else comes of this request is of no interest."""
        body = f"{answer.text}\n".encode()
        head = [
            (b"Content-Type", b"text/plain; charset=utf-8"),
            (b"Content-Length", str(len(body)).encode()),
            (b"Cache-Control", b"no-store"),
            (b"Connection", b"close"),
            *answer.headers,
        ]
        lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}".encode()]
        lines += [name + b": " + value for name, value in head]
        self._writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        await self._writer.drain()
        # A connection that is closed with something unread in it is reset, and the answer with it.
        self._writer.write_eof()
        async with asyncio.timeout(_LINGER_S):
            while await self._reader.read(CHUNK):
                pass


def _sent(identity: Identity, where: Destination) -> Callable[[], None]:
    """What is told when something is sent through a tunnel: of a registered origin it may ask for a document."""
    policy = identity.policy
    return policy.origin_used if policy is not None and policy.way(where) == "origin" else lambda: None


def _unreachable(error: HostUnreachable) -> _Answered:
    return _Answered(504 if error.late else 502, error.what, error=error.error)


def _checked(authority: str, default_port: int | None) -> Destination:
    if "@" in authority or not authority.isascii():
        raise _Answered(400, "The host cannot be understood.", error="http_request_error")
    try:
        return destination(authority, default_port=default_port)
    except EgressRefused as error:
        raise _Answered(403, error.what, error="http_request_denied") from None


def _absolute(target: bytes) -> tuple[Destination, bytes]:
    """Destination and origin-form of an absolute-form target (RFC 9112, section 3.2.2)."""
    scheme, separator, rest = target.partition(b"://")
    if not separator or scheme.lower() not in (b"http", b"ws"):
        raise _Answered(400, "Only http:// addresses are asked for here; for others, CONNECT.")
    ends = [end for sign in (b"/", b"?") if (end := rest.find(sign)) >= 0]
    authority = rest[: min(ends)] if ends else rest
    path = rest[len(authority) :] or b"/"
    return _checked(authority.decode("latin-1"), 80), path if path.startswith(b"/") else b"/" + path
