"""The provider `imap` where something goes wrong: passwords, servers that are away or fall silent."""

import asyncio
import contextlib
import logging
import time

import pytest

from seezar.mail.errors import (
    MailProviderRefused,
    MailProviderUnavailable,
)
from seezar.mail.providers import imap_dialogue
from tests.mail.providers.conftest import MemorySecrets
from tests.mail.providers.imap.client import ADDRESS, SOON, Connect, append, mail, until
from tests.mail.providers.imap_servers import PASSWORD, ImapServer, Pymap, Relay, free_port


async def test_a_wrong_password_is_refused(imap_server: ImapServer, connect: Connect) -> None:
    provider = connect(imap_server.port, secret="not the password")
    with pytest.raises(MailProviderRefused) as refused:
        await provider.check_address(ADDRESS)
    assert "the password of ada@home.test" in str(refused.value)
    assert "not the password" not in str(refused.value)
    with pytest.raises(MailProviderRefused):
        await provider.wait(ADDRESS, "1:1", 5)


async def test_a_password_that_is_no_longer_good_ends_the_wait(pymap: Pymap, connect: Connect) -> None:
    async with Relay(pymap.port) as relay:
        provider = connect(relay.port)
        cursor = await provider.cursor(ADDRESS)
        waiting = asyncio.create_task(provider.wait(ADDRESS, cursor, 30))
        await until(lambda: b"IDLE\r\n" in relay.sent)
        secrets = provider._secrets
        assert isinstance(secrets, MemorySecrets)
        secrets.secrets["box"] = "changed"
        relay.cut()
        with pytest.raises(MailProviderRefused):
            await waiting
        # Both connections tried once, and nobody goes on: servers lock accounts for that.
        (box,) = provider._boxes.values()
        await until(lambda: box.watch._task is None)
        assert relay.connections <= 4


async def test_no_server_and_a_silent_one(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = connect(free_port())
    with pytest.raises(MailProviderUnavailable):
        await provider.check_address(ADDRESS)
    began = time.monotonic()
    assert not await provider.wait(ADDRESS, "1:1", 0.5)
    assert time.monotonic() - began >= 0.5

    monkeypatch.setattr(imap_dialogue, "CONNECT_TIMEOUT", 0.3)

    async def listen(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(30)
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    with pytest.raises(MailProviderUnavailable, match="did not answer in time"):
        await connect(server.sockets[0].getsockname()[1]).check_address(ADDRESS)
    server.close()


async def test_a_server_that_falls_silent(
    imap_server: ImapServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap_dialogue, "READ_TIMEOUT", 2.0)
    async with Relay(imap_server.port) as relay:
        provider = connect(relay.port)
        cursor = await provider.cursor(ADDRESS)
        relay.silence()
        with pytest.raises(MailProviderUnavailable, match="did not answer in time"):
            await provider.list_since(ADDRESS, cursor)
        relay.resume()
        assert await provider.list_since(ADDRESS, cursor) == ([], cursor)


async def test_a_call_that_is_given_up_leaves_the_provider_usable(imap_server: ImapServer, connect: Connect) -> None:
    async with Relay(imap_server.port) as relay:
        provider = connect(relay.port)
        cursor = await provider.cursor(ADDRESS)
        relay.silence()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await provider.list_since(ADDRESS, cursor)
        relay.resume()
        async with asyncio.timeout(SOON):
            assert await provider.list_since(ADDRESS, cursor) == ([], cursor)


async def test_closing_does_not_wait_for_a_silent_server(imap_server: ImapServer, connect: Connect) -> None:
    async with Relay(imap_server.port) as relay:
        provider = connect(relay.port)
        cursor = await provider.cursor(ADDRESS)
        waiting = asyncio.create_task(provider.wait(ADDRESS, cursor, 30))
        await until(lambda: b"IDLE\r\n" in relay.sent)
        relay.silence()
        listing = asyncio.create_task(provider.list_since(ADDRESS, cursor))
        await asyncio.sleep(0.1)
        waiting.cancel()
        async with asyncio.timeout(SOON):
            await provider.close()
        with pytest.raises(MailProviderUnavailable):
            await listing


async def test_nothing_secret_is_logged(
    imap_server: ImapServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    provider = connect(imap_server.port)
    cursor = await provider.cursor(ADDRESS)
    await append(imap_server, mail("Subject 771199"))
    assert await provider.wait(ADDRESS, cursor, 10)
    refs, _ = await provider.list_since(ADDRESS, cursor)
    await provider.source(ADDRESS, refs[0])
    with pytest.raises(MailProviderRefused):
        await connect(imap_server.port, secret="wrong-password").check_address(ADDRESS)
    text = caplog.text + repr(provider) + repr(vars(provider)) + repr(refs)
    for secret in (PASSWORD, "482913", "771199", "wrong-password", "AGFkYUBob21lLnRlc3Q"):
        assert secret not in text
