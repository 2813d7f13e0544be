"""What a provider's server must not be able to do: take our key elsewhere, fill the memory, or stall a wait."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from seezar.mail.errors import MailProviderUnavailable
from seezar.mail.providers.http import AnswerTooLarge, HttpApi
from seezar.mail.providers.sse import PushStream
from seezar.mail.table import ProviderEntry
from tests.mail.providers.serving import serving


class Hostile:
    """A server; `seen` are the requests that came, with their key."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str | None]] = []
        self.elsewhere = ""
        self.chunks = 0
        self.last_ids: list[str | None] = []

    def application(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.answer, methods=["GET", "POST"])])

    async def answer(self, request: Request) -> Response:
        path = request.url.path
        self.seen.append((path, request.headers.get("x-api-key")))
        if path == "/elsewhere":
            return RedirectResponse(f"{self.elsewhere}/taken")
        if path == "/here":
            return RedirectResponse("/end")
        if path == "/circle":
            return RedirectResponse("/circle")
        if path in ("/endless", "/event"):
            return StreamingResponse(self.endless(), media_type="text/event-stream")
        if path == "/silent":
            return StreamingResponse(self.silent(), media_type="text/event-stream")
        if path == "/dropped":
            self.last_ids.append(request.headers.get("last-event-id"))
            return Response(b"id: urn:7\ndata: 2\n\n", media_type="text/event-stream")
        if path == "/drip":
            return StreamingResponse(self.silent(), media_type="application/json")
        return Response(b"end")

    async def endless(self) -> AsyncIterator[bytes]:
        while True:
            self.chunks += 1
            yield b"data: " + b"x" * 65536
            # A client that went away is noticed only when others get a turn.
            await asyncio.sleep(0)

    async def silent(self) -> AsyncIterator[bytes]:
        while True:
            yield b":\n"
            await asyncio.sleep(0.05)


@pytest.fixture
async def servers() -> AsyncIterator[tuple[Hostile, Hostile, str]]:
    """The server that is asked, another one, and the URL of the first."""
    first, other = Hostile(), Hostile()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(first.application()))
        first.elsewhere = await stack.enter_async_context(serving(other.application()))
        yield first, other, url


@pytest.fixture
async def api(servers: tuple[Hostile, Hostile, str]) -> AsyncIterator[HttpApi]:
    """A client of the first server."""
    entry = ProviderEntry("hostile", "mailtm", servers[2], key=SecretStr("k"))
    opened = HttpApi(entry, interval=0)
    yield opened
    await opened.close()


async def test_a_key_does_not_go_to_another_host(servers: tuple[Hostile, Hostile, str], api: HttpApi) -> None:
    first, other, _ = servers
    for path in ("/elsewhere", f"{first.elsewhere}/taken"):
        with pytest.raises(MailProviderUnavailable, match="another host"):
            await api.ask("GET", path, headers={"x-api-key": "k"})
    assert other.seen == []
    assert not api.reaches(f"//{first.elsewhere.partition('//')[2]}/taken")
    assert (await api.ask("GET", "/here", headers={"x-api-key": "k"})).body == b"end"
    assert first.seen[-1] == ("/end", "k")
    with pytest.raises(MailProviderUnavailable, match="circle"):
        await api.ask("GET", "/circle")


async def test_an_endless_answer_is_not_read_to_its_end(servers: tuple[Hostile, Hostile, str], api: HttpApi) -> None:
    with pytest.raises(AnswerTooLarge):
        await api.ask("GET", "/endless", limit=1_000_000)
    assert servers[0].chunks < 200


async def test_an_answer_that_drips_ends_with_the_patience(api: HttpApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seezar.mail.providers.http.PATIENCE", 1.0)
    began = time.monotonic()
    with pytest.raises(MailProviderUnavailable, match="does not answer"):
        await api.ask("GET", "/drip")
    assert time.monotonic() - began < 5


async def no_credentials(refused: bool) -> dict[str, str]:
    return {}


@pytest.mark.parametrize("path", ["/event", "/silent"])
async def test_a_stream_without_an_event_stalls_nothing(servers: tuple[Hostile, Hostile, str], path: str) -> None:
    first, _, url = servers
    stream = PushStream(url + path, "/accounts/1", no_credentials)
    assert await stream.wait(10)
    began = time.monotonic()
    # What has no end is dropped; the stream that takes its place is a wake-up, and comes after a pause.
    wakes = sum([await stream.wait(0.2) for _ in range(10)])
    assert time.monotonic() - began < 10
    assert wakes <= 4
    await stream.close()
    assert first.chunks < 400


async def test_a_closed_stream_ends(servers: tuple[Hostile, Hostile, str]) -> None:
    before = asyncio.all_tasks()
    stream = PushStream(servers[2] + "/silent", "/accounts/1", no_credentials)
    assert await stream.wait(10)
    await stream.close()
    assert not [task for task in asyncio.all_tasks() - before if task.get_name() == "mail-push"]
    # And can be used again.
    assert await stream.wait(10)
    await stream.close()


async def test_a_dropped_stream_is_taken_up_where_it_was(servers: tuple[Hostile, Hostile, str]) -> None:
    first, _, url = servers
    stream = PushStream(url + "/dropped", "/accounts/1", no_credentials)
    until = time.monotonic() + 10
    while len(first.last_ids) < 2:
        assert time.monotonic() < until
        await stream.wait(1)
    assert first.last_ids[:2] == [None, "urn:7"]
    await stream.close()
