"""The message store on a real PostgreSQL: cursors, wake-ups, used once, encrypted at rest."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from seezar.database import Database
from seezar.errors import KeyUnusable
from seezar.mail.errors import MailboxUnknown, MessageGone
from seezar.mail.service import Mail
from seezar.vault import Vault

type MakeMail = Callable[..., bytes]


async def test_cursor_divides_before_from_after(mail: Mail, make_mail: MakeMail) -> None:
    box = await mail.create()
    other = await mail.create()
    assert await mail.cursor(box) == "0"
    await mail.store.receive([box.address], make_mail(number=1))
    baseline = await mail.cursor(box)
    await mail.store.receive([other.address], make_mail(number=2))
    assert await mail.list_since(box, baseline) == ([], baseline)
    await mail.store.receive([box.address], make_mail(subject="=?utf-8?B?w4R0aWdrZWl0?=", number=3))
    refs, cursor = await mail.list_since(box, baseline)
    assert [(ref.subject, ref.sender) for ref in refs] == [("Ätigkeit", "no-reply@site.test")]
    assert cursor == refs[0].cursor == await mail.cursor(box)


async def test_same_bytes_are_stored_once_for_a_mailbox(mail: Mail, make_mail: MakeMail) -> None:
    box = await mail.create()
    assert len(await mail.store.receive([box.address, box.address.upper()], make_mail())) == 1
    assert await mail.store.receive([box.address], make_mail()) == []
    # A resent mail has another Message-ID, even with the same words.
    assert len(await mail.store.receive([box.address], make_mail(number=2))) == 1


async def test_store_is_all_or_none(mail: Mail, make_mail: MakeMail) -> None:
    box = await mail.create("a")
    with pytest.raises(MailboxUnknown):
        await mail.store.receive([box.address, "gone@mail.seezar.test"], make_mail())
    assert await mail.cursor(box) == "0"


async def test_notification_carries_the_id_and_nothing_else(
    mail: Mail, database: Database, make_mail: MakeMail
) -> None:
    box = await mail.create()
    async with database.listen("seezar_mail") as connection:
        [stored] = await mail.store.receive([box.address], make_mail())
        notes = [note async for note in connection.notifies(timeout=5, stop_after=1)]
    assert [note.payload for note in notes] == [str(stored)]


async def test_wait_is_woken_by_the_commit(mail: Mail, make_mail: MakeMail, monkeypatch: pytest.MonkeyPatch) -> None:
    box = await mail.create()
    looked = asyncio.Event()

    async def nothing_yet(*_: object) -> bool:
        looked.set()
        return False

    # A renewed connection wakes everybody, so it must stand already; with the look at the list switched off, only the
    # push can then end the wait early.
    await mail.store.wait(box.address, "0", 0.05)
    assert await mail.store._listener.ready(10)
    monkeypatch.setattr(mail.store, "_has_newer", nothing_yet)
    waiting = asyncio.create_task(mail.store.wait(box.address, "0", 60))
    await looked.wait()
    await mail.store.receive([box.address], make_mail())
    async with asyncio.timeout(5):
        assert await waiting is True


async def test_wait_looks_at_the_list_and_keeps_its_timeout(mail: Mail, make_mail: MakeMail) -> None:
    box = await mail.create()
    await mail.store.receive([box.address], make_mail())
    async with asyncio.timeout(5):
        assert await mail.store.wait(box.address, "0", 60) is True
    assert await mail.store.wait(box.address, await mail.cursor(box), 0.05) is False


async def test_a_message_is_used_once(mail: Mail, make_mail: MakeMail) -> None:
    box = await mail.create()
    [message] = await mail.store.receive([box.address], make_mail())
    runs = [f"run-{n}" for n in range(8)]
    taken = await asyncio.gather(*(mail.claim(message, run) for run in runs))
    assert sum(taken) == 1
    winner = runs[taken.index(True)]
    assert await mail.claim(message, winner) is True
    assert await mail.claim(message, "another") is False
    assert await mail.claim(10**9, winner) is False


async def test_no_column_holds_subject_body_or_sender_in_clear(
    mail: Mail, database: Database, make_mail: MakeMail
) -> None:
    box = await mail.create()
    await mail.store.receive([box.address], make_mail(subject="Code 482913", body="Enter 482913 now"))
    row = await database.one("SELECT m::text AS row FROM app.message m")
    assert row is not None
    for secret in (b"482913", b"no-reply", b"Enter"):
        assert secret.hex() not in row["row"]
        assert secret.decode() not in row["row"]


async def test_row_does_not_open_under_another_key_or_in_another_mailbox(
    mail: Mail, database: Database, make_mail: MakeMail
) -> None:
    box = await mail.create()
    other = await mail.create()
    await mail.store.receive([box.address], make_mail())
    ref = (await mail.list_since(box, "0"))[0][0]
    await database.run("UPDATE app.message SET mailbox = %s", other.address)
    with pytest.raises(KeyUnusable):
        await mail.source(ref)


async def test_handles_lead_to_messages_and_deletions_are_final(mail: Mail, make_mail: MakeMail) -> None:
    box = await mail.create()
    await mail.store.receive([box.address], make_mail(number=1))
    await mail.store.receive([box.address], make_mail(number=2))
    first, second = (await mail.list_since(box, "0"))[0]
    handle = await mail.handle(first)
    assert await mail.by_handle(handle) == first
    await mail.delete_message(first)
    await mail.delete_message(first)
    for gone in (mail.source(first), mail.by_handle(handle), mail.handle(first), mail.by_handle("x")):
        with pytest.raises(MessageGone):
            await gone
    await mail.delete(box.address)
    assert await mail.list_since(box) == ([], "0")
    with pytest.raises(MessageGone):
        await mail.source(second)


async def test_slow_transaction_is_not_passed_over_by_the_cursor(
    mail: Mail, database: Database, make_mail: MakeMail
) -> None:
    box = await mail.create()
    async with database.connection() as slow:
        # A first delivery that holds the mailbox and has not committed.
        await slow.execute("SELECT 1 FROM app.mailbox WHERE address = %s FOR NO KEY UPDATE", (box.address,))
        fast = asyncio.create_task(mail.store.receive([box.address], make_mail(number=2)))
        row = None
        while row is None:
            row = await database.one("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' LIMIT 1")
        cursor = await mail.cursor(box)
        await mail.store._insert(slow, box.address, make_mail(number=1))
    await fast
    assert len((await mail.list_since(box, cursor))[0]) == 2


async def test_cipher_of_another_process_reads_the_same_rows(
    mail: Mail, database: Database, vault: Vault, make_mail: MakeMail, tmp_path: Path
) -> None:
    box = await mail.create()
    await mail.store.receive([box.address], make_mail())
    async with Mail(database, vault, domains=["mail.seezar.test"], config=tmp_path / "mail.toml") as second:
        refs, _ = await second.list_since(box, "0")
        assert b"482913" in await second.source(refs[0])
