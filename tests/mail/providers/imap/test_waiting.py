"""The provider `imap` waiting for mail: woken by the server, without it, and over its restarts."""

import asyncio
import time

import pytest

from seezar.mail.errors import (
    MailProviderUnavailable,
)
from seezar.mail.providers import imap, imap_connection
from tests.mail.providers.imap.client import ADDRESS, SOON, Connect, append, mail, subjects, until
from tests.mail.providers.imap_servers import ImapServer, Pymap, Relay


async def test_mail_wakes_the_wait(imap_server: ImapServer, connect: Connect) -> None:
    provider = connect(imap_server.port)
    latencies: list[float] = []
    cursor = await provider.cursor(ADDRESS)
    for _ in range(5):
        waiting = asyncio.create_task(provider.wait(ADDRESS, cursor, 30))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await append(imap_server, mail())
        began = time.monotonic()
        assert await waiting
        latencies.append(time.monotonic() - began)
        _, cursor = await provider.list_since(ADDRESS, cursor)
    # dovecot gathers changes for half a second before it tells of them.
    assert sorted(latencies)[2] < 2, latencies


async def test_mail_that_came_before_the_wait_ends_it_at_once(imap_server: ImapServer, connect: Connect) -> None:
    provider = connect(imap_server.port)
    cursor = await provider.cursor(ADDRESS)
    await append(imap_server, mail())
    began = time.monotonic()
    assert await provider.wait(ADDRESS, cursor, 30)
    assert time.monotonic() - began < SOON


async def test_a_wait_ends_in_time(imap_server: ImapServer, connect: Connect) -> None:
    provider = connect(imap_server.port)
    cursor = await provider.cursor(ADDRESS)
    began = time.monotonic()
    assert not await provider.wait(ADDRESS, cursor, 0.5)
    assert 0.5 <= time.monotonic() - began < SOON


async def test_two_waits_and_a_listing_at_once(imap_server: ImapServer, connect: Connect) -> None:
    provider = connect(imap_server.port)
    cursor = await provider.cursor(ADDRESS)
    waits = [asyncio.create_task(provider.wait(ADDRESS, cursor, 30)) for _ in range(2)]
    await asyncio.sleep(0.3)
    assert await provider.list_since(ADDRESS, cursor) == ([], cursor)
    given_up = asyncio.create_task(provider.wait(ADDRESS, cursor, 30))
    await asyncio.sleep(0.1)
    given_up.cancel()
    await append(imap_server, mail())
    async with asyncio.timeout(SOON):
        assert await asyncio.gather(*waits) == [True, True]
    assert given_up.cancelled()


async def test_a_connection_cut_in_idle(imap_server: ImapServer, connect: Connect) -> None:
    async with Relay(imap_server.port) as relay:
        provider = connect(relay.port)
        cursor = await provider.cursor(ADDRESS)
        waiting = asyncio.create_task(provider.wait(ADDRESS, cursor, 30))
        await until(lambda: b"IDLE\r\n" in relay.sent)
        relay.cut()
        await until(lambda: relay.sent.count(b"IDLE\r\n") >= 2)
        relay.cut()
        await until(lambda: relay.sent.count(b"IDLE\r\n") >= 3)
        assert not waiting.done()
        await append(imap_server, mail())
        async with asyncio.timeout(SOON):
            assert await waiting


async def test_mail_that_came_while_the_connection_was_down(imap_server: ImapServer, connect: Connect) -> None:
    async with Relay(imap_server.port) as relay:
        provider = connect(relay.port)
        cursor = await provider.cursor(ADDRESS)
        waiting = asyncio.create_task(provider.wait(ADDRESS, cursor, 30))
        await until(lambda: b"IDLE\r\n" in relay.sent)
        relay.silence()
        await append(imap_server, mail())
        relay.cut()
        relay.resume()
        async with asyncio.timeout(SOON):
            assert await waiting


async def test_a_server_restarted_during_the_wait(own_server: ImapServer, connect: Connect) -> None:
    provider = connect(own_server.port)
    cursor = await provider.cursor(ADDRESS)
    waiting = asyncio.create_task(provider.wait(ADDRESS, cursor, 60))
    await asyncio.sleep(0.3)
    await asyncio.to_thread(own_server.stop)
    with pytest.raises(MailProviderUnavailable):
        await provider.list_since(ADDRESS, cursor)
    assert not waiting.done()
    await asyncio.to_thread(own_server.start)
    await append(own_server, mail("afterwards"))
    async with asyncio.timeout(30):
        assert await waiting
    assert subjects((await provider.list_since(ADDRESS, cursor))[0]) == ["afterwards"]


async def test_idle_is_renewed(pymap: Pymap, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_connection, "LINGER", 0.2)
    async with Relay(pymap.port) as relay:
        provider = connect(relay.port)
        cursor = await provider.cursor(ADDRESS)
        waiting = asyncio.create_task(provider.wait(ADDRESS, cursor, 30))
        await until(lambda: relay.sent.count(b"DONE\r\n") >= 3)
        assert not waiting.done()
        assert relay.connections == 2
        await append(pymap, mail())
        async with asyncio.timeout(SOON):
            assert await waiting


async def test_a_watch_ends_when_nobody_waits(pymap: Pymap, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_connection, "LINGER", 0.2)
    async with Relay(pymap.port) as relay:
        provider = connect(relay.port)
        cursor = await provider.cursor(ADDRESS)
        for ended in (1, 2):
            assert not await provider.wait(ADDRESS, cursor, 0.1)
            await until(lambda watches=ended: relay.sent.count(b"IDLE\r\n") >= watches)
            await until(lambda: relay.open == 1)
        waiting = asyncio.create_task(provider.wait(ADDRESS, cursor, 30))
        await until(lambda: relay.sent.count(b"IDLE\r\n") >= 3)
        await append(pymap, mail())
        async with asyncio.timeout(SOON):
            assert await waiting


async def test_a_server_without_idle_is_looked_at(
    pymap: Pymap, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "_LOOK_UNWATCHED", 0.2)
    async with Relay(pymap.port, hide=b"IDLE") as relay:
        provider = connect(relay.port)
        cursor = await provider.cursor(ADDRESS)
        waiting = asyncio.create_task(provider.wait(ADDRESS, cursor, 30))
        await until(lambda: not provider.push)
        await append(pymap, mail())
        async with asyncio.timeout(SOON):
            assert await waiting
        assert b"IDLE" not in relay.sent
        assert relay.open == 1
