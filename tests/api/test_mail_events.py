"""Events of new mail, over HTTP."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

import service.api.mail.events
from seezar.settings import Settings
from tests.api import mails
from tests.api.server import PASSWORD, MailServer, Reader, mail_server

LIMIT_S = 20


@dataclass
class Stream:
    """An open stream of events."""

    lines: AsyncIterator[str]
    beats: int = 0
    ids: list[str] = field(default_factory=list)

    async def next(self) -> Any:
        """The data of the next event; None at the end of the stream."""
        data: list[str] = []
        async with asyncio.timeout(LIMIT_S):
            async for line in self.lines:
                if line == ":":
                    self.beats += 1
                elif line.startswith("id: "):
                    self.ids.append(line[4:])
                elif line.startswith("data: "):
                    data.append(line[6:])
                elif not line and data:
                    return json.loads("\n".join(data))
        return None

    async def beat(self) -> None:
        """Wait for the next heartbeat."""
        async with asyncio.timeout(LIMIT_S):
            async for line in self.lines:
                if line == ":":
                    self.beats += 1
                    return
        raise AssertionError("the stream has ended")


@asynccontextmanager
async def listening(server: MailServer, reader: Reader, *, last: str | None = None) -> AsyncIterator[Stream]:
    """The stream of a reader's account."""
    headers = {} if last is None else {"last-event-id": last}
    topic = {"topic": f"/accounts/{reader.id}"}
    url = f"{server.url}/.well-known/mercure"
    async with reader.client.stream("GET", url, params=topic, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(answer.aiter_lines())


async def subjects(stream: Stream, count: int) -> list[str]:
    """The subjects of the next messages; the events of the account are between."""
    found: list[str] = []
    while len(found) < count:
        event = await stream.next()
        if event["@type"] == "Message":
            found.append(event["subject"])
    return found


async def until(condition: Any) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.02)


@pytest.fixture
async def ann(server: MailServer) -> Reader:
    return await server.account("ann")


async def test_a_mail_is_told_by_its_account_and_itself(server: MailServer, ann: Reader) -> None:
    await server.deliver(ann.address, mails.plain(1))
    async with listening(server, ann) as stream:
        raw = mails.plain(2)
        await server.deliver(ann.address, raw)
        account, message = await stream.next(), await stream.next()
    me = (await ann.client.get("/me")).json()
    assert account == me
    assert account["used"] == len(mails.plain(1)) + len(raw)
    listed = (await ann.client.get("/messages")).json()["hydra:member"][0]
    assert message == {"@context": "/contexts/Message", **listed}
    assert message["subject"] == "Code 2", "what lay there before is no news"
    assert stream.ids == [f"urn:uuid:{message['id']}#account", f"urn:uuid:{message['id']}#message"]


async def test_a_cut_off_client_goes_on_where_it_was(server: MailServer, ann: Reader) -> None:
    async with listening(server, ann) as stream:
        await server.deliver(ann.address, mails.plain(1))
        assert await subjects(stream, 1) == ["Code 1"]
    account_id, message_id = stream.ids
    for number in (2, 3):
        await server.deliver(ann.address, mails.plain(number))
    async with listening(server, ann, last=message_id) as stream:
        assert await subjects(stream, 2) == ["Code 2", "Code 3"]
    # It had been told of the account, but not of the message yet.
    async with listening(server, ann, last=account_id) as stream:
        assert await subjects(stream, 3) == ["Code 1", "Code 2", "Code 3"]
    await ann.client.delete(f"/messages/{message_id.removeprefix('urn:uuid:').removesuffix('#message')}")
    for unknown in (message_id, "nonsense", "urn:uuid:"):
        async with listening(server, ann, last=unknown) as stream:
            assert await subjects(stream, 2) == ["Code 2", "Code 3"]


async def test_many_mails_are_told_each_once_in_order(server: MailServer, ann: Reader) -> None:
    async with listening(server, ann) as stream:
        for number in range(120):
            await server.application.mail.local.receive([ann.address], mails.plain(number))
        assert await subjects(stream, 120) == [f"Code {number}" for number in range(120)]
    assert len(stream.ids) == len(set(stream.ids)) == 240


async def test_each_stream_tells_of_its_own_account(server: MailServer, ann: Reader) -> None:
    bob = await server.account("bob")
    async with (
        listening(server, ann) as first,
        listening(server, ann) as second,
        listening(server, bob) as other,
    ):
        await asyncio.gather(
            server.deliver(ann.address, mails.plain(1, subject="for ann")),
            server.deliver(bob.address, mails.plain(1, subject="for bob")),
        )
        assert await subjects(first, 1) == await subjects(second, 1) == ["for ann 1"]
        assert await subjects(other, 1) == ["for bob 1"]
        await server.deliver(bob.address, mails.plain(2, subject="for bob"))
        assert await subjects(other, 1) == ["for bob 2"]
        await server.deliver(ann.address, mails.plain(2, subject="for ann"))
        assert await subjects(first, 1) == ["for ann 2"]


async def test_another_topic_is_refused(server: MailServer, ann: Reader) -> None:
    bob = await server.account("bob")
    url = f"{server.url}/.well-known/mercure"
    own = f"/accounts/{ann.id}"
    for topics in ([f"/accounts/{bob.id}"], ["*"], ["/accounts/{id}"], [own, f"/accounts/{bob.id}"], [""]):
        assert (await ann.client.get(url, params={"topic": topics})).status_code == 403
    assert (await ann.client.get(url)).status_code == 400


async def test_a_beat_comes_at_once_and_then_again(
    server: MailServer, ann: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.api.mail.events, "HEARTBEAT_S", 0.05)
    async with listening(server, ann) as stream:
        for _ in range(4):
            await stream.beat()


@pytest.mark.parametrize("end", ["expired", "deleted"])
async def test_a_stream_ends_with_its_token(
    server: MailServer, ann: Reader, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(service.api.mail.events, "HEARTBEAT_S", 0.05)
    async with listening(server, ann) as stream:
        await stream.beat()
        if end == "expired":
            await server.application.database.run("UPDATE app.mail_token SET expires_at = clock_timestamp()")
        else:
            assert (await ann.client.delete(f"/accounts/{ann.id}")).status_code == 204
        assert await stream.next() is None


async def test_an_expired_token_is_told_of_no_mail(server: MailServer, ann: Reader) -> None:
    async with listening(server, ann) as stream:
        await stream.beat()
        await server.application.database.run("UPDATE app.mail_token SET expires_at = clock_timestamp()")
        await server.deliver(ann.address, mails.plain(1))
        assert await stream.next() is None


async def test_mail_is_told_after_the_listening_connection_was_lost(server: MailServer, ann: Reader) -> None:
    database = server.application.database
    async with listening(server, ann) as stream:
        await server.deliver(ann.address, mails.plain(1))
        assert await subjects(stream, 1) == ["Code 1"]
        killed = await database.all(
            "SELECT pg_terminate_backend(pid) AS done FROM pg_stat_activity"
            " WHERE application_name = 'seezar-listen' AND datname = current_database()"
        )
        # That of live events is one of them.
        assert [row["done"] for row in killed] == [True, True]
        await server.deliver(ann.address, mails.plain(2))
        assert await subjects(stream, 1) == ["Code 2"]


async def test_clients_that_left_leave_nothing(server: MailServer, ann: Reader) -> None:
    opened = [listening(server, ann) for _ in range(16)]
    streams = [await stream.__aenter__() for stream in opened]
    for stream in streams:
        await stream.beat()
    url = f"{server.url}/.well-known/mercure"
    one_more = await ann.client.get(url, params={"topic": f"/accounts/{ann.id}"})
    assert (one_more.status_code, one_more.headers["retry-after"]) == (429, "5")
    for left in opened:
        await left.__aexit__(None, None, None)
    await until(lambda: not server.streams)
    async with listening(server, ann) as stream:
        await server.deliver(ann.address, mails.plain(1))
        assert await subjects(stream, 1) == ["Code 1"]


async def test_open_streams_do_not_hold_up_the_end(settings: Settings, database_url: str) -> None:
    async with mail_server(settings, database_url) as server:
        reader = await server.account("ann")
        opened = listening(server, reader)
        stream = await opened.__aenter__()
        await stream.beat()
        began = time.monotonic()
    # Uvicorn would cancel it after five seconds.
    assert time.monotonic() - began < 4
    assert await stream.next() is None
    await opened.__aexit__(None, None, None)


async def test_nothing_of_a_mail_or_a_password_is_logged(
    server: MailServer, ann: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    for name in ("httpx", "httpcore"):
        # The client of the test.
        caplog.set_level("WARNING", name)
    async with listening(server, ann) as stream:
        await server.deliver(ann.address, mails.plain(1, subject="Logged-subject"))
        await subjects(stream, 1)
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as web:
        await web.post("/token", json={"address": ann.address, "password": PASSWORD + "wrong"})
    await server.application.database.run("UPDATE app.message SET raw = %s", b"damaged")
    assert (await ann.client.get("/messages")).status_code == 500
    for secret in (PASSWORD, ann.token, "482913", "Logged-subject"):
        assert secret not in caplog.text
