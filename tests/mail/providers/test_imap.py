import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from seezar.errors import SettingsInvalid
from seezar.mail.errors import (
    MailDomainNotServed,
    MailProviderRefused,
    MailProviderUnavailable,
    MessageGone,
)
from seezar.mail.provider import Address, MailRef
from seezar.mail.providers import imap, imap_connection, imap_dialogue
from seezar.mail.store import MAX_MESSAGE
from seezar.mail.table import ProviderEntry
from tests.mail.providers.conftest import MemorySecrets
from tests.mail.providers.imap_servers import PASSWORD, USER, Dovecot, ImapServer, Pymap, Relay, free_port

ADDRESS = Address(USER, USER, "home", "box", datetime.now(UTC))

# Seconds: far less than the time between two looks of a wait, and enough for a busy machine.
SOON = 20

type Connect = Callable[..., imap.ImapProvider]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """`connect(port, secret=…, key=…, **options)` gives a provider, closed in the end."""
    opened: list[imap.ImapProvider] = []

    def connect(port: int, secret: str = PASSWORD, key: str = "", **options: Any) -> imap.ImapProvider:
        entry = ProviderEntry(
            "home", "imap", f"imap://127.0.0.1:{port}", key=SecretStr(key) if key else None, options=options
        )
        provider = imap.connect(entry, MemorySecrets(box=secret))
        assert isinstance(provider, imap.ImapProvider)
        opened.append(provider)
        return provider

    yield connect
    for provider in opened:
        await provider.close()


def mail(subject: str = "Sign in", body: str = "Your code is 482913.", to: str = USER) -> bytes:
    return f"From: Site <No-Reply@site.test>\r\nTo: {to}\r\nSubject: {subject}\r\n\r\n{body}\r\n".encode()


async def append(server: ImapServer, *raws: bytes, folder: str = "INBOX") -> None:
    await asyncio.to_thread(server.append, *raws, folder=folder)


async def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what a server did is not told by an event
            await asyncio.sleep(0.01)


def subjects(refs: list[MailRef]) -> list[str]:
    return [ref.subject for ref in refs]


# --- listing and reading


async def test_lists_what_came_after_the_cursor_oldest_first(imap_server: ImapServer, connect: Connect) -> None:
    provider = connect(imap_server.port)
    await append(imap_server, mail("before"))
    before = datetime.now(UTC)
    cursor = await provider.cursor(ADDRESS)
    assert await provider.list_since(ADDRESS, cursor) == ([], cursor)

    await append(imap_server, mail("first"), mail("second"))
    refs, behind = await provider.list_since(ADDRESS, cursor)

    assert subjects(refs) == ["first", "second"]
    assert [ref.sender for ref in refs] == ["no-reply@site.test"] * 2
    assert refs[0].size == len(mail("first"))
    assert refs[0].address_id == ADDRESS.id
    # Not before the request it answers, though a server only tells the second.
    assert all(before <= ref.received_at <= datetime.now(UTC) + timedelta(seconds=1) for ref in refs)
    assert refs[1].cursor == behind
    # The range n:* has the last message even when n is beyond it.
    assert await provider.list_since(ADDRESS, behind) == ([], behind)
    assert subjects((await provider.list_since(ADDRESS, refs[0].cursor))[0]) == ["second"]


async def test_without_a_cursor_only_the_last_hour_is_listed(imap_server: ImapServer, connect: Connect) -> None:
    old = datetime.now(UTC) - timedelta(hours=2)
    with imap_server.client() as client:
        client.append("INBOX", mail("old"), msg_time=old)
        client.append("INBOX", mail("new"), msg_time=old + timedelta(hours=1, minutes=30))
    provider = connect(imap_server.port)
    refs, behind = await provider.list_since(ADDRESS, "")
    assert subjects(refs) == ["new"]
    assert behind == await provider.cursor(ADDRESS)


async def test_a_long_listing_comes_in_pages(pymap: Pymap, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "PAGE", 3)
    provider = connect(pymap.port)
    cursor = await provider.cursor(ADDRESS)
    await append(pymap, *(mail(f"{number}") for number in range(7)))
    seen: list[str] = []
    while True:
        refs, cursor = await provider.list_since(ADDRESS, cursor)
        if not refs:
            break
        assert len(refs) <= 3
        assert await provider.wait(ADDRESS, cursor, 0) is (len(seen) + len(refs) < 7)
        seen += subjects(refs)
    assert seen == [f"{number}" for number in range(7)]


async def test_source_is_byte_for_byte_and_leaves_no_trace(imap_server: ImapServer, connect: Connect) -> None:
    raw = (
        "From: =?utf-8?b?R3LDtsOfZQ==?= <no-reply@site.test>\r\nTo: ada@home.test\r\n"
        "Subject: Ihr Code für Größe 日本\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\nKöd: 482913 — ñ 日本 {12}\r\n) * 3 EXISTS\r\n"
    ).encode()
    latin = b"From: a@b.test\r\nSubject: x\r\n\r\nR\xe9sum\xe9 \xff\xfe " + b"y" * 2000 + b"\r\n"
    provider = connect(imap_server.port)
    cursor = await provider.cursor(ADDRESS)
    await append(imap_server, raw, latin)
    refs, _ = await provider.list_since(ADDRESS, cursor)
    assert refs[0].subject == "Ihr Code für Größe 日本"
    assert [await provider.source(ADDRESS, ref) for ref in refs] == [raw, latin]
    flags = await asyncio.to_thread(imap_server.flags)
    assert [set(of_one) - {b"\\Recent"} for of_one in flags] == [set(), set()]


async def test_large_mail_is_read_and_too_large_mail_is_not(imap_server: ImapServer, connect: Connect) -> None:
    provider = connect(imap_server.port)
    cursor = await provider.cursor(ADDRESS)
    line = b"x" * 998 + b"\r\n"
    large = mail("large") + line * 5000
    await append(imap_server, large, mail("too large") + line * 10_500, mail("small"))
    refs, _ = await provider.list_since(ADDRESS, cursor)
    # It is listed with its size, so that whoever collects can say that it was passed over.
    assert subjects(refs) == ["large", "too large", "small"]
    assert refs[1].size > MAX_MESSAGE
    assert await provider.source(ADDRESS, refs[0]) == large
    with pytest.raises(MessageGone):
        await provider.source(ADDRESS, refs[1])


async def test_deletes_one_message_and_no_other(imap_server: ImapServer, connect: Connect) -> None:
    provider = connect(imap_server.port)
    cursor = await provider.cursor(ADDRESS)
    await append(imap_server, mail("one"), mail("two"), mail("three"))
    with imap_server.client() as client:  # a person's own pending deletion
        client.select_folder("INBOX")
        client.delete_messages(client.search("ALL")[:1])
    refs, _ = await provider.list_since(ADDRESS, cursor)
    await provider.delete_message(ADDRESS, refs[1])
    await provider.delete_message(ADDRESS, refs[1])
    assert subjects((await provider.list_since(ADDRESS, cursor))[0]) == ["one", "three"]
    with pytest.raises(MessageGone):
        await provider.source(ADDRESS, refs[1])
    await provider.delete_address(ADDRESS)
    assert subjects((await provider.list_since(ADDRESS, cursor))[0]) == ["one", "three"]


async def test_new_uidvalidity_lists_the_last_hour_again(own_server: ImapServer, connect: Connect) -> None:
    provider = connect(own_server.port)
    await append(own_server, mail("first"), mail("second"))
    refs, cursor = await provider.list_since(ADDRESS, "")
    await asyncio.to_thread(own_server.stop)
    if isinstance(own_server, Dovecot):
        own_server.forget_numbers()
    await asyncio.to_thread(own_server.start)
    if isinstance(own_server, Pymap):
        await append(own_server, mail("first"), mail("second"))

    assert await provider.wait(ADDRESS, cursor, 5)
    again, renewed = await provider.list_since(ADDRESS, cursor)
    assert sorted(subjects(again)) == ["first", "second"]
    assert renewed.partition(":")[0] != cursor.partition(":")[0]
    assert await provider.list_since(ADDRESS, renewed) == ([], renewed)
    # The number may mean another message now.
    with pytest.raises(MessageGone):
        await provider.source(ADDRESS, refs[0])
    await provider.delete_message(ADDRESS, refs[0])
    assert len((await provider.list_since(ADDRESS, cursor))[0]) == 2


async def test_another_folder(imap_server: ImapServer, connect: Connect) -> None:
    with imap_server.client() as client:
        client.create_folder("Codes & Größe")
    provider = connect(imap_server.port, folder="Codes & Größe")
    cursor = await provider.cursor(ADDRESS)
    await append(imap_server, mail("elsewhere"))
    await append(imap_server, mail("here"), folder="Codes & Größe")
    assert subjects((await provider.list_since(ADDRESS, cursor))[0]) == ["here"]
    with pytest.raises(MailProviderRefused, match="'Nowhere'"):
        await connect(imap_server.port, folder="Nowhere").check_address(ADDRESS)


async def test_connections_are_kept(imap_server: ImapServer, connect: Connect) -> None:
    async with Relay(imap_server.port) as relay:
        provider = connect(relay.port)
        for _ in range(3):
            await provider.list_since(ADDRESS, await provider.cursor(ADDRESS))
        assert relay.connections == 1
        for _ in range(3):
            await provider.wait(ADDRESS, await provider.cursor(ADDRESS), 0.05)
            await until(lambda: b"IDLE\r\n" in relay.sent)
        assert relay.connections == 2
        relay.cut()  # as servers do when nothing was asked for long
        assert (await provider.list_since(ADDRESS, ""))[0] == []
        await provider.close()
        await until(lambda: relay.open == 0)


# --- waiting


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
    monkeypatch.setattr(imap_connection, "IDLE_RENEWAL", 0.2)
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


# --- what goes wrong


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
        watching = box.watch._task
        assert watching is not None
        await until(watching.done)
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


# --- new addresses of a box


async def test_plus_addresses_of_a_box(imap_server: ImapServer, connect: Connect) -> None:
    provider = connect(imap_server.port, key=PASSWORD, plus_addressing=True, username=USER)
    assert list(await provider.domains()) == ["home.test"]
    assert provider.local_prefix == "ada+"
    made = "ada+calm-otter@home.test"
    assert await provider.create_address(made, password="unused") == made
    assert await provider.create_address(made, password="unused") == made
    address = Address(made, made, "home", "unknown-reference", datetime.now(UTC))
    cursor = await provider.cursor(address)
    await append(
        imap_server,
        mail("other", to=USER),
        mail("prefix", to=f"x{made}"),
        mail("in To", to=f"Ada <{made.upper()}>, b@c.test"),
        b"Delivered-To: " + made.encode() + b"\r\n" + mail("delivered", to="list@site.test"),
        mail("body only", body=f"To: {made}"),
    )
    assert await provider.wait(address, cursor, 5)
    refs, behind = await provider.list_since(address, cursor)
    assert subjects(refs) == ["in To", "delivered"]
    assert await provider.list_since(address, behind) == ([], behind)
    await provider.delete_address(address)
    for wrong in ("otter@home.test", "ada+@home.test", "eve+otter@home.test", "ada+otter@else.test", USER):
        with pytest.raises(MailDomainNotServed, match=r"ada\+ANYTHING@home.test"):
            await provider.create_address(wrong, password="unused")


async def test_a_box_without_plus_addressing_makes_no_addresses(pymap: Pymap, connect: Connect) -> None:
    provider = connect(pymap.port)
    assert list(await provider.domains()) == []
    with pytest.raises(MailDomainNotServed):
        await provider.create_address("new@home.test", password="unused")
    with pytest.raises(MailProviderRefused, match="no password"):
        await provider.check_address(Address(USER, USER, "home", None, datetime.now(UTC)))


@pytest.mark.parametrize(
    ("url", "options", "told"),
    [
        ("https://home.test", {}, "imaps://"),
        ("", {}, "imaps://"),
        ("imaps://home.test", {"folders": "INBOX"}, "folders"),
        ("imaps://home.test", {"folder": 3}, "folder"),
        ("imaps://home.test", {"auth": "kerberos"}, "xoauth2"),
        ("imaps://home.test", {"plus_addressing": True}, "username"),
        ("imaps://home.test", {"plus_addressing": True, "username": USER}, "key_env"),
    ],
)
def test_options_are_checked(url: str, options: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsInvalid, match=told):
        imap.connect(ProviderEntry("home", "imap", url, options=options), MemorySecrets())
