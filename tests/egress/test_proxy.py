"""The proxy, byte by byte: who is let in, what is handed on, and what happens when either side misbehaves."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from seezar.egress import Limits
from tests.egress.names import Names, Raw, policy, status, way_out

type Serve = Callable[[Raw], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@asynccontextmanager
async def upstream(serve: Serve) -> AsyncIterator[int]:
    """A server of raw bytes; its port."""
    tasks: set[asyncio.Task[None] | None] = set()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        with suppress(OSError, EOFError, asyncio.CancelledError):
            await serve(Raw(reader, writer))
        writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            if task is not None:
                task.cancel()


class Site:
    """Answers every request with hello, and remembers heads."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.connections = 0

    async def __call__(self, raw: Raw) -> None:
        self.connections += 1
        while True:
            self.heads.append((await raw.head()).decode("latin-1"))
            raw.writer.write(OK)
            await raw.writer.drain()


async def test_no_credentials_and_those_of_nobody() -> None:
    site = Site()
    async with upstream(site) as port, way_out(policy(f"http://127.0.0.1:{port}")) as way:
        raw = await way.connect()
        await raw.send(f"GET http://127.0.0.1:{port}/ HTTP/1.1", "Host: x", "")
        answer = await raw.rest()
        assert status(answer) == 407
        assert b'Proxy-Authenticate: Basic realm="seezar"' in answer
        for wrong in ("Basic eDp5", "Basic ???", "Bearer x", f"Basic {'A' * 500}"):
            for line in (f"GET http://127.0.0.1:{port}/ HTTP/1.1", f"CONNECT 127.0.0.1:{port} HTTP/1.1"):
                raw = await way.connect()
                await raw.send(line, "Host: x", f"Proxy-Authorization: {wrong}", "")
                assert status(await raw.rest()) == 403
        assert site.connections == 0


async def test_unbound_and_released_identities_reach_nothing() -> None:
    site = Site()
    async with upstream(site) as port, way_out(None) as way:
        url = f"http://127.0.0.1:{port}/"
        assert status(await way.get(url)) == 403
        way.proxy.bind(way.identity, policy(url))
        assert status(await way.get(url)) == 200
        raw = await way.connect()
        await raw.send(f"CONNECT 127.0.0.1:{port} HTTP/1.1", "Host: x", way.credentials, "")
        await raw.head()
        await way.proxy.release(way.identity)
        assert await raw.rest() == b""
        assert status(await way.get(url)) == 403
        assert site.connections == 2


async def test_a_request_is_handed_on_without_what_is_between_browser_and_proxy() -> None:
    site = Site()
    async with upstream(site) as port, way_out(policy(f"http://127.0.0.1:{port}")) as way:
        answer = await way.ask(
            f"GET http://127.0.0.1:{port}/path?query HTTP/1.1",
            "Host: evil.example",
            "Proxy-Connection: keep-alive",
            "Connection: close, X-Hop",
            "X-Hop: 1",
            "X-End: 2",
            "Cookie: a=b",
        )
        assert answer.endswith(b"hello")
        (head,) = site.heads
        assert head.startswith("GET /path?query HTTP/1.1\r\n")
        assert f"host: 127.0.0.1:{port}\r\n" in head.lower()
        assert "evil" not in head
        assert "roxy" not in head
        assert "x-hop" not in head.lower()
        assert "x-end: 2" in head.lower()
        assert "cookie: a=b" in head.lower()


async def test_connections_are_used_again() -> None:
    site = Site()
    async with upstream(site) as port, way_out(policy(f"http://127.0.0.1:{port}")) as way:
        raw = await way.connect()
        for number in range(5):
            await raw.send(f"GET http://127.0.0.1:{port}/{number} HTTP/1.1", "Host: x", way.credentials, "")
            await raw.head()
            assert await raw.reader.readexactly(5) == b"hello"
        assert site.connections == 1
        assert len(site.heads) == 5
        # What is allowed no longer is refused on an open connection, too.
        way.proxy.bind(way.identity, policy())
        await raw.send(f"GET http://127.0.0.1:{port}/x HTTP/1.1", "Host: x", way.credentials, "")
        assert status(await raw.rest()) == 403
        assert len(site.heads) == 5


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("CONNECT 127.0.0.1:25 HTTP/1.1", 403),
        ("CONNECT evil.example:443 HTTP/1.1", 403),
        ("CONNECT 2130706433:443 HTTP/1.1", 403),
        ("CONNECT 0x7f.1:443 HTTP/1.1", 403),
        ("CONNECT user@127.0.0.1:443 HTTP/1.1", 400),
        ("CONNECT 127.0.0.1 HTTP/1.1", 403),
        ("GET http://169.254.169.254/latest/meta-data/ HTTP/1.1", 403),
        ("GET http://[::ffff:10.0.0.1]/ HTTP/1.1", 403),
        ("GET https://app.example/ HTTP/1.1", 400),
        ("GET ftp://app.example/ HTTP/1.1", 400),
        ("GET /path HTTP/1.1", 400),
        ("GET http:///path HTTP/1.1", 403),
        ("GET http://app.example HTTP/1.1", 502),
        ("GET http://app.example?x HTTP/1.1", 502),
        ("CONNECT app.example:80 HTTP/1.1", 502),
        ("GET HTTP/1.1", 400),
        ("\x16\x03\x01\x02", 400),
    ],
)
async def test_what_is_refused(line: str, expected: int) -> None:
    async with way_out(policy("http://app.example"), Names()) as way:
        answer = await way.ask(line, "Host: x", "Connection: close")
        assert status(answer) == expected
        assert b"text/plain" in answer


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 3", "Content-Length: 5"],
        ["Content-Length: 3", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: gzip, chunked"],
        ["Transfer-Encoding: xchunked"],
        ["Content-Length: -1"],
        ["Content-Length: 3,5"],
        ["Content-Length : 3"],
        ["X-A: b\x00c"],
        ["No colon"],
    ],
)
async def test_no_request_is_smuggled(headers: list[str]) -> None:
    site = Site()
    async with upstream(site) as port, way_out(policy(f"http://127.0.0.1:{port}")) as way:
        smuggled = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
        answer = await way.ask(f"POST http://127.0.0.1:{port}/ HTTP/1.1", "Host: x", *headers, body=smuggled)
        assert status(answer) in (400, 501)
        assert site.heads == []


async def test_oversized_headers() -> None:
    site = Site()
    async with upstream(site) as port, way_out(policy(f"http://127.0.0.1:{port}")) as way:
        answer = await way.ask(f"GET http://127.0.0.1:{port}/ HTTP/1.1", "Host: x", f"Cookie: {'a' * 70_000}")
        assert status(answer) == 431
        answer = await way.ask(f"GET http://127.0.0.1:{port}/{'a' * 70_000} HTTP/1.1", "Host: x")
        assert status(answer) == 431
        assert site.heads == []

    async def endless(raw: Raw) -> None:
        await raw.head()
        raw.writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            raw.writer.write(b"X-A: b\r\n" * 1000)
            await raw.writer.drain()

    async with upstream(endless) as port, way_out(policy(f"http://127.0.0.1:{port}")) as way:
        assert status(await way.get(f"http://127.0.0.1:{port}/")) == 502


async def test_a_host_that_never_answers_and_one_that_is_not_there() -> None:
    async def silent(raw: Raw) -> None:
        await raw.reader.read()

    async with upstream(silent) as port, way_out(policy(f"http://127.0.0.1:{port}"), None, Limits(answer_s=0.2)) as way:
        answer = await way.get(f"http://127.0.0.1:{port}/")
        assert status(answer) == 504
        assert b"Proxy-Status: seezar; error=http_response_timeout" in answer
    async with way_out(policy(f"http://127.0.0.1:{port}")) as way:
        answer = await way.get(f"http://127.0.0.1:{port}/")
        assert status(answer) == 502
        assert b"error=connection_refused" in answer
        assert way.identity.policy is not None
        assert way.identity.policy.decisions.unreachable == {"127.0.0.1": "connection_refused"}


async def test_an_answer_that_is_cut_off_does_not_look_whole() -> None:
    async def cut(raw: Raw) -> None:
        await raw.head()
        raw.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
        await raw.writer.drain()

    async with upstream(cut) as port, way_out(policy(f"http://127.0.0.1:{port}")) as way:
        raw = await way.connect()
        await raw.send(f"GET http://127.0.0.1:{port}/ HTTP/1.1", "Host: x", way.credentials, "")
        assert b"100" in await raw.head()
        assert len(await raw.rest()) < 100


async def test_a_host_that_closes_instead_of_answering() -> None:
    async def closes(raw: Raw) -> None:
        await raw.head()

    async with upstream(closes) as port, way_out(policy(f"http://127.0.0.1:{port}")) as way:
        assert await way.get(f"http://127.0.0.1:{port}/") == b""


async def test_a_site_is_no_proxy() -> None:
    """An answer 407 would make the browser forget its credentials, and Proxy-Status is ours."""

    async def asks(raw: Raw) -> None:
        head = await raw.head()
        code = b"407 X" if b"/407" in head else b"200 OK"
        raw.writer.write(
            b"HTTP/1.1 " + code + b"\r\nProxy-Authenticate: Basic realm=x\r\nProxy-Status: seezar; error=x\r\n"
            b"Content-Length: 0\r\n\r\n"
        )
        await raw.writer.drain()

    async with upstream(asks) as port, way_out(policy(f"http://127.0.0.1:{port}")) as way:
        answer = await way.get(f"http://127.0.0.1:{port}/407")
        assert status(answer) == 502
        assert b"Proxy-Authenticate" not in answer
        answer = await way.get(f"http://127.0.0.1:{port}/200")
        assert status(answer) == 200
        assert b"roxy-" not in answer


async def test_a_tunnel_copies_both_ways_and_ends_one_side_at_a_time() -> None:
    async def echo(raw: Raw) -> None:
        got = await raw.reader.read()
        raw.writer.write(b"got " + got)
        raw.writer.write_eof()

    async with upstream(echo) as port, way_out(policy(f"http://127.0.0.1:{port}")) as way:
        raw = await way.connect()
        await raw.send(f"CONNECT 127.0.0.1:{port} HTTP/1.1", "Host: x", way.credentials, "", body=b"early ")
        assert status(await raw.head()) == 200
        raw.writer.write(b"late")
        raw.writer.write_eof()
        assert await raw.rest() == b"got early late"


async def test_a_large_body_waits_for_a_slow_reader() -> None:
    size, sent = 64 * 1024 * 1024, 0

    async def pours(raw: Raw) -> None:
        nonlocal sent
        await raw.head()
        raw.writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        while sent < size:
            raw.writer.write(b"x" * 1_048_576)
            await raw.writer.drain()
            sent += 1_048_576

    async with upstream(pours) as port, way_out(policy(f"http://127.0.0.1:{port}")) as way:
        raw = await way.connect()
        await raw.send(f"GET http://127.0.0.1:{port}/ HTTP/1.1", "Host: x", way.credentials, "Connection: close", "")
        await raw.head()
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.2)
        assert sent < size / 2, "everything was read although nobody took it"
        assert len(await raw.rest()) == size


async def test_a_websocket_over_plain_http() -> None:
    async def accepts(raw: Raw) -> None:
        head = (await raw.head()).lower()
        assert b"upgrade: websocket" in head
        assert b"connection: upgrade" in head
        raw.writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nfirst ")
        raw.writer.write(b"got " + await raw.reader.readexactly(4))
        await raw.writer.drain()

    async with upstream(accepts) as port, way_out(policy(f"http://127.0.0.1:{port}")) as way:
        raw = await way.connect()
        upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
        await raw.send(f"GET http://127.0.0.1:{port}/ws HTTP/1.1", "Host: x", *upgrade, way.credentials, "")
        assert status(await raw.head()) == 101
        raw.writer.write(b"ping")
        assert await raw.rest() == b"first got ping"


async def test_two_hundred_connections_at_once_and_no_more_than_the_limit() -> None:
    site = Site()
    async with (
        upstream(site) as port,
        way_out(policy(f"http://127.0.0.1:{port}"), None, Limits(connections=200)) as way,
    ):
        raws = [await way.connect() for _ in range(200)]
        for raw in raws:
            await raw.send(f"CONNECT 127.0.0.1:{port} HTTP/1.1", "Host: x", way.credentials, "")
        heads = await asyncio.gather(*(raw.head() for raw in raws))
        assert {status(head) for head in heads} == {200}
        assert status(await way.get(f"http://127.0.0.1:{port}/")) == 503
        for raw in raws:
            await raw.send("GET / HTTP/1.1", "Host: x", "")
        answers = await asyncio.gather(*(raw.head() for raw in raws))
        assert {status(answer) for answer in answers} == {200}
        # A place is free as soon as one has ended.
        raws[0].writer.write_eof()
        await raws[0].rest()
        assert status(await way.get(f"http://127.0.0.1:{port}/")) == 200
        for raw in raws:
            raw.writer.close()


async def test_a_request_that_comes_slowly_is_not_waited_for() -> None:
    async with way_out(policy(), None, Limits(header_s=0.3)) as way:
        raw = await way.connect()
        raw.writer.write(b"GET http://x/ HTTP/1.1\r\n")
        assert status(await raw.rest()) == 408


async def test_what_idles_is_closed() -> None:
    async def silent(raw: Raw) -> None:
        await raw.reader.read()

    limits = Limits(idle_s=0.2)
    async with upstream(silent) as port, way_out(policy(f"http://127.0.0.1:{port}"), None, limits) as way:
        raw = await way.connect()
        assert await raw.rest() == b""
        raw = await way.connect()
        await raw.send(f"CONNECT 127.0.0.1:{port} HTTP/1.1", "Host: x", way.credentials, "")
        await raw.head()
        assert await raw.rest() == b""


async def test_whoever_goes_away_is_not_waited_for() -> None:
    gone = asyncio.Event()

    async def waits(raw: Raw) -> None:
        await raw.head()
        await raw.reader.read()
        gone.set()

    async with upstream(waits) as port, way_out(policy(f"http://127.0.0.1:{port}")) as way:
        raw = await way.connect()
        await raw.send(f"GET http://127.0.0.1:{port}/poll HTTP/1.1", "Host: x", way.credentials, "")
        await asyncio.sleep(0.05)
        raw.writer.close()
        async with asyncio.timeout(5):
            await gone.wait()


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """A name that is asked for a second time could lead elsewhere: it is asked for once."""
    site = Site()
    async with upstream(site) as port:
        names = Names({"app.example": [["127.0.0.1"], ["10.0.0.1"]]})
        async with way_out(policy(f"http://app.example:{port}"), names) as way:
            assert (await way.get(f"http://app.example:{port}/")).endswith(b"hello")
            assert names.asked == ["app.example"]


async def test_neither_path_nor_query_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    site = Site()
    with caplog.at_level(logging.DEBUG):
        async with upstream(site) as port, way_out(policy(f"http://127.0.0.1:{port}")) as way:
            await way.get(f"http://127.0.0.1:{port}/geheim?token=4711")
            await way.get("http://evil.example/geheim?token=4711")
    assert "geheim" not in caplog.text
    assert "4711" not in caplog.text
