import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from seezar.errors import SettingsInvalid
from seezar.mail.errors import MailDomainNotServed, MailProviderRefused, MailProviderUnavailable, MessageGone
from seezar.mail.provider import Address, MailProvider, MailRef
from seezar.mail.providers import http, mailpit, websocket
from seezar.mail.table import ProviderEntry
from tests.mail.providers.conftest import MemorySecrets
from tests.mail.providers.mailpit_server import MailpitServer

KEY = "operator:pass:wörd"
BOX = Address("ada@app.test", "ada@app.test", "pit", None, datetime.now(UTC))
# Seconds: far less than the time between two looks of a wait, and enough for a busy machine.
SOON = 20

type Connect = Callable[..., MailProvider]


@pytest.fixture
async def server() -> AsyncIterator[MailpitServer]:
    async with MailpitServer() as started:
        yield started


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """`connect(server, key=…, **options)` gives a provider, closed in the end."""
    opened: list[MailProvider] = []

    def connect(server: MailpitServer, key: str = "", **options: Any) -> MailProvider:
        entry = ProviderEntry(
            "pit",
            "mailpit",
            server.url,
            domains=("app.test",),
            key=SecretStr(key) if key else None,
            options=options,
        )
        opened.append(mailpit.connect(entry, MemorySecrets()))
        return opened[-1]

    yield connect
    for provider in opened:
        await provider.close()


def mail(subject: str = "Sign in", to: str = "ada@app.test") -> bytes:
    return (
        f"From: Site <No-Reply@site.test>\r\nTo: {to}\r\nSubject: {subject}\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\nKöd 482913\r\n"
    ).encode()


def subjects(refs: list[MailRef]) -> list[str]:
    return [ref.subject for ref in refs]


async def test_lists_reads_and_deletes(server: MailpitServer, connect: Connect) -> None:
    provider = connect(server)
    await server.receive(mail("before"))
    cursor = await provider.cursor(BOX)
    assert await provider.list_since(BOX, cursor) == ([], cursor)
    await server.receive(mail("one", to="Ada <ADA@app.test>, b@c.test"))
    await server.receive(mail("other", to="xada@app.test"))
    await server.receive(mail("two"))

    refs, behind = await provider.list_since(BOX, cursor)

    assert subjects(refs) == ["one", "two"]
    assert [ref.sender for ref in refs] == ["no-reply@site.test"] * 2
    assert refs[1].size == len(mail("two"))
    assert await provider.source(BOX, refs[1]) == mail("two")
    assert await provider.list_since(BOX, behind) == ([], behind)
    assert subjects((await provider.list_since(BOX, refs[0].cursor))[0]) == ["two"]
    assert subjects((await provider.list_since(BOX, ""))[0]) == ["before", "one", "two"]

    await provider.delete_message(BOX, refs[0])
    await provider.delete_message(BOX, refs[0])
    with pytest.raises(MessageGone):
        await provider.source(BOX, refs[0])
    await provider.delete_address(BOX)
    await provider.delete_address(BOX)
    assert [row["Subject"] for row in server.messages] == ["other"]


async def test_more_messages_than_a_page(
    server: MailpitServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailpit, "_PAGE", 3)
    provider = connect(server)
    cursor = await provider.cursor(BOX)
    same_time = datetime.now(UTC)
    for number in range(8):
        await server.receive(mail(f"{number}"), at=same_time)
    refs, behind = await provider.list_since(BOX, cursor)
    assert subjects(refs) == [f"{number}" for number in range(8)]
    assert await provider.list_since(BOX, behind) == ([], behind)


async def test_an_event_wakes_the_waits(server: MailpitServer, connect: Connect) -> None:
    provider = connect(server)
    cursor = await provider.cursor(BOX)
    waits = [asyncio.create_task(provider.wait(BOX, cursor, 60)) for _ in range(2)]
    async with asyncio.timeout(SOON):
        await server.listening.wait()
    await server.receive(mail("other", to="eve@app.test"))
    await server.announce("prune", None)
    await asyncio.sleep(0.2)
    assert not any(wait.done() for wait in waits)
    began = time.monotonic()
    await server.receive(mail())
    assert await asyncio.gather(*waits) == [True, True]
    assert time.monotonic() - began < SOON
    assert server.requests.count("GET /api/events") == 1


async def test_mail_before_the_wait_and_a_wait_in_vain(server: MailpitServer, connect: Connect) -> None:
    provider = connect(server)
    cursor = await provider.cursor(BOX)
    began = time.monotonic()
    assert not await provider.wait(BOX, cursor, 0.3)
    assert 0.3 <= time.monotonic() - began < SOON
    await server.receive(mail(), announce=False)
    assert await provider.wait(BOX, cursor, 0.3)


async def test_a_stream_that_breaks(server: MailpitServer, connect: Connect) -> None:
    provider = connect(server)
    cursor = await provider.cursor(BOX)
    waiting = asyncio.create_task(provider.wait(BOX, cursor, 60))
    async with asyncio.timeout(SOON):
        await server.listening.wait()
        await server.cut()
        await server.receive(mail(), announce=False)
        assert await waiting


async def test_a_server_restarted_during_the_wait(
    server: MailpitServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "PATIENCE", 0.5)
    provider = connect(server)
    cursor = await provider.cursor(BOX)
    waiting = asyncio.create_task(provider.wait(BOX, cursor, 60))
    async with asyncio.timeout(SOON):
        await server.listening.wait()
    await server.stop()
    with pytest.raises(MailProviderUnavailable):
        await provider.cursor(BOX)
    assert not waiting.done()
    await server.start()
    await server.receive(mail())
    async with asyncio.timeout(SOON):
        assert await waiting


@pytest.mark.parametrize("push", [True, False])
async def test_without_events_the_list_is_looked_at(
    server: MailpitServer, connect: Connect, monkeypatch: pytest.MonkeyPatch, push: bool
) -> None:
    monkeypatch.setattr(websocket, "LOOK_ALONE", 0.1)
    server.refuse_events = True
    provider = connect(server, push=push)
    assert provider.push is push
    cursor = await provider.cursor(BOX)
    waiting = asyncio.create_task(provider.wait(BOX, cursor, 60))
    await asyncio.sleep(0.2)
    await server.receive(mail())
    async with asyncio.timeout(SOON):
        assert await waiting
    assert ("GET /api/events" in server.requests) is push


async def test_the_connection_is_closed_when_nobody_waits(
    server: MailpitServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "LINGER", 0.1)
    provider = connect(server)
    cursor = await provider.cursor(BOX)
    for _ in range(2):
        waiting = asyncio.create_task(provider.wait(BOX, cursor, 60))
        async with asyncio.timeout(SOON):
            await server.listening.wait()
            waiting.cancel()
            while server._sockets:  # noqa: ASYNC110 - the end of a connection is not told by an event
                await asyncio.sleep(0.01)
        server.listening.clear()


async def test_every_address_of_the_domains_is_there(server: MailpitServer, connect: Connect) -> None:
    provider = connect(server)
    assert list(await provider.domains()) == ["app.test"]
    assert await provider.create_address("new@app.test", password="unused") == "new@app.test"
    assert await provider.check_address(BOX) == BOX.address
    with pytest.raises(MailDomainNotServed, match=r"app\.test"):
        await provider.create_address("new@else.test", password="unused")
    with pytest.raises(MailDomainNotServed, match=r"pit takes no mail for 'else\.test'"):
        await provider.check_address(replace(BOX, id="ada@else.test", address="ada@else.test"))


async def test_the_key_is_shown_and_a_wrong_one_refused(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with MailpitServer(KEY) as server:
        provider = connect(server, key=KEY)
        cursor = await provider.cursor(BOX)
        waiting = asyncio.create_task(provider.wait(BOX, cursor, 60))
        async with asyncio.timeout(SOON):
            await server.listening.wait()
        await server.receive(mail("Subject 771199"))
        assert await waiting
        refs, _ = await provider.list_since(BOX, cursor)
        await provider.source(BOX, refs[0])
        wrong = connect(server, key="operator:wrong-password")
        for call in (wrong.check_address(BOX), wrong.wait(BOX, cursor, 60)):
            with pytest.raises(MailProviderRefused) as refused:
                await call
            assert "wrong-password" not in str(refused.value)
        with pytest.raises(MailProviderRefused):
            await connect(server).check_address(BOX)
    text = caplog.text + repr(refs) + repr(provider)
    for secret in ("wrong-password", "pass:w", "b3BlcmF0b3I6", "482913", "771199"):
        assert secret not in text


async def test_a_message_that_is_too_large(
    server: MailpitServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailpit, "MAX_RAW", 1000)
    provider = connect(server)
    await server.receive(mail("large") + b"x" * 1000)
    refs, _ = await provider.list_since(BOX, "")
    with pytest.raises(MessageGone, match="too large"):
        await provider.source(BOX, refs[0])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"url": "imap://127.0.0.1"}, "8025"),
        ({"domains": ()}, "domains"),
        ({"key": SecretStr("no-colon")}, "user:password"),
        ({"options": {"pushing": True}}, "pushing"),
    ],
)
def test_the_entry_is_checked(changes: dict[str, Any], told: str) -> None:
    entry: dict[str, Any] = {"url": "http://127.0.0.1:8025", "domains": ("app.test",), **changes}
    with pytest.raises(SettingsInvalid, match=told):
        mailpit.connect(ProviderEntry("pit", "mailpit", **entry), MemorySecrets())
