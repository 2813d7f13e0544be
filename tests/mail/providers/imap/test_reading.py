"""The provider `imap`: listing, reading and deleting, on a server of each make."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from seezar.mail.errors import (
    MailProviderRefused,
    MessageGone,
)
from seezar.mail.providers import imap
from seezar.mail.store import MAX_MESSAGE
from tests.mail.providers.imap.client import ADDRESS, Connect, append, mail, subjects, until
from tests.mail.providers.imap_servers import Dovecot, ImapServer, Pymap, Relay


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
