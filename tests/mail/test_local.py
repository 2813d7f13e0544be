"""The provider `local` on a real PostgreSQL: cursors, wake-ups, used once, encrypted at rest."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from seezar.database import Database
from seezar.errors import InvalidInput, KeyUnusable
from seezar.mail.errors import MailboxTaken, MailboxUnknown, MailDomainNotServed, MailNotReceived, MessageGone
from seezar.mail.local import LocalMailProvider
from seezar.mail.provider import MailFilter, MailRef, wait_for_message
from seezar.vault import Cipher

type MakeMail = Callable[..., bytes]
type Send = Callable[..., Awaitable[None]]


def _soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def test_same_key_gives_the_same_address(provider: LocalMailProvider) -> None:
    first = await provider.create_address(idempotency_key="run-1")
    assert await provider.create_address(idempotency_key="run-1") == first
    assert await provider.create_address(idempotency_key="run-2") != first
    assert first.provider == "local"
    assert first.address.endswith("@mail.seezar.test")


async def test_taken_bad_and_foreign_addresses_are_typed_errors(provider: LocalMailProvider) -> None:
    await provider.create_address(local="ops", idempotency_key="a")
    with pytest.raises(MailboxTaken):
        await provider.create_address(local="OPS", idempotency_key="b")
    with pytest.raises(MailboxTaken):
        await provider.create_address(local="other", idempotency_key="a")
    for local in ("", "two words", "a@b", "..", "x" * 65, "new\nline"):
        with pytest.raises(InvalidInput):
            await provider.create_address(local=local, idempotency_key=f"bad {local!r}")
    with pytest.raises(MailDomainNotServed):
        await provider.ensure_address("ops@example.org")
    with pytest.raises(MailboxUnknown):
        await provider.address("nobody@mail.seezar.test")
    assert (
        await provider.create_address(local="ops", domain="second.test", idempotency_key="c")
    ).address == "ops@second.test"


async def test_ensure_address_is_idempotent(provider: LocalMailProvider) -> None:
    first = await provider.ensure_address("Ops+demo@mail.seezar.test")
    assert await provider.ensure_address("ops+DEMO@mail.seezar.test") == first
    assert [box.address for box in await provider.addresses()] == ["ops+demo@mail.seezar.test"]


async def test_cursor_divides_before_from_after(provider: LocalMailProvider, make_mail: MakeMail) -> None:
    box = await provider.create_address(idempotency_key="k")
    other = await provider.create_address(idempotency_key="other")
    assert await provider.cursor(box) == "0"
    await provider.store([box.address], make_mail(number=1))
    baseline = await provider.cursor(box)
    await provider.store([other.address], make_mail(number=2))
    assert await provider.list_since(box, baseline) == ([], baseline)
    await provider.store([box.address], make_mail(subject="=?utf-8?B?w4R0aWdrZWl0?=", number=3))
    refs, cursor = await provider.list_since(box, baseline)
    assert [(ref.subject, ref.sender) for ref in refs] == [("Ätigkeit", "no-reply@site.test")]
    assert cursor == refs[0].cursor == await provider.cursor(box)


async def test_same_bytes_are_stored_once_for_a_mailbox(provider: LocalMailProvider, make_mail: MakeMail) -> None:
    box = await provider.create_address(idempotency_key="k")
    assert len(await provider.store([box.address, box.address.upper()], make_mail())) == 1
    assert await provider.store([box.address], make_mail()) == []
    # A resent mail has another Message-ID, even with the same words.
    assert len(await provider.store([box.address], make_mail(number=2))) == 1


async def test_store_is_all_or_none(provider: LocalMailProvider, make_mail: MakeMail) -> None:
    box = await provider.create_address(local="a", idempotency_key="k")
    with pytest.raises(MailboxUnknown):
        await provider.store([box.address, "gone@mail.seezar.test"], make_mail())
    assert await provider.cursor(box) == "0"


async def test_notification_carries_the_id_and_nothing_else(
    provider: LocalMailProvider, database: Database, make_mail: MakeMail
) -> None:
    box = await provider.create_address(idempotency_key="k")
    async with database.listen("seezar_mail") as connection:
        [stored] = await provider.store([box.address], make_mail())
        notes = [note async for note in connection.notifies(timeout=5, stop_after=1)]
    assert [note.payload for note in notes] == [str(stored)]


async def test_wait_is_woken_by_the_commit(
    provider: LocalMailProvider, make_mail: MakeMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = await provider.create_address(idempotency_key="k")
    looked = asyncio.Event()

    async def nothing_yet(*_: object) -> bool:
        looked.set()
        return False

    # A renewed connection wakes everybody, so it must stand already; with the look at the list switched off, only the
    # push can then end the wait early.
    await provider.wait(box, "0", 0.05)
    assert await provider._listener.ready(10)
    monkeypatch.setattr(provider, "_has_newer", nothing_yet)
    waiting = asyncio.create_task(provider.wait(box, "0", 60))
    await looked.wait()
    await provider.store([box.address], make_mail())
    async with asyncio.timeout(5):
        assert await waiting is True


async def test_wait_looks_at_the_list_and_keeps_its_timeout(provider: LocalMailProvider, make_mail: MakeMail) -> None:
    box = await provider.create_address(idempotency_key="k")
    await provider.store([box.address], make_mail())
    async with asyncio.timeout(5):
        assert await provider.wait(box, "0", 60) is True
    assert await provider.wait(box, await provider.cursor(box), 0.05) is False


async def test_wait_for_message_takes_the_newest_match(
    provider: LocalMailProvider, send: Send, make_mail: MakeMail
) -> None:
    box = await provider.create_address(idempotency_key="k")
    since = await provider.cursor(box)
    for number, subject in enumerate(("first", "second", "unrelated")):
        await provider.store([box.address], make_mail(subject=subject, number=number))
    match = MailFilter(senders=("site.test",), accept=lambda ref: ref.subject != "unrelated")
    found = await wait_for_message(provider, box, since=since, match=match, deadline=_soon(5))
    assert found.subject == "second"


async def test_wait_for_message_passes_over_what_does_not_match(
    provider: LocalMailProvider, send: Send, make_mail: MakeMail
) -> None:
    box = await provider.create_address(idempotency_key="k")
    seen: list[str] = []
    looked = asyncio.Event()

    def accept(ref: MailRef) -> bool:
        seen.append(ref.subject)
        looked.set()
        return ref.subject == "wanted"

    waiting = asyncio.create_task(
        wait_for_message(provider, box, since="0", match=MailFilter(accept=accept), deadline=_soon(20))
    )
    await send(box.address, make_mail(subject="other", number=1))
    await looked.wait()
    await send(box.address, make_mail(subject="wanted", number=2))
    assert (await waiting).subject == "wanted"
    assert seen == ["other", "wanted"]


async def test_wait_for_message_ends_at_the_absolute_deadline(provider: LocalMailProvider, make_mail: MakeMail) -> None:
    box = await provider.create_address(idempotency_key="k")
    await provider.store([box.address], make_mail())
    foreign = MailFilter(senders=("elsewhere.test",))
    with pytest.raises(MailNotReceived) as caught:
        await wait_for_message(provider, box, since="0", match=foreign, deadline=_soon(0.2))
    assert caught.value.status == "mail_not_received"
    # A deadline that passed while nobody was waiting: what is there is still looked at once.
    found = await wait_for_message(provider, box, since="0", match=MailFilter(), deadline=_soon(-60))
    assert found.id


async def test_waiting_survives_a_broken_listen_connection(
    provider: LocalMailProvider, database_url: str, make_mail: MakeMail
) -> None:
    box = await provider.create_address(idempotency_key="k")
    waiting = asyncio.create_task(wait_for_message(provider, box, since="0", match=MailFilter(), deadline=_soon(30)))
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as admin:
        killed = 0
        while not killed:
            cursor = await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query = 'LISTEN \"seezar_mail\"'"
            )
            killed = len(await cursor.fetchall())
    await provider.store([box.address], make_mail())
    assert (await waiting).subject == "Sign-in code"


async def test_a_message_is_used_once(provider: LocalMailProvider, make_mail: MakeMail) -> None:
    box = await provider.create_address(idempotency_key="k")
    [message] = await provider.store([box.address], make_mail())
    runs = [f"run-{n}" for n in range(8)]
    taken = await asyncio.gather(*(provider.claim(message, run) for run in runs))
    assert sum(taken) == 1
    winner = runs[taken.index(True)]
    assert await provider.claim(message, winner) is True
    assert await provider.claim(message, "another") is False
    assert await provider.claim(10**9, winner) is False


async def test_no_column_holds_subject_body_or_sender_in_clear(
    provider: LocalMailProvider, database: Database, make_mail: MakeMail
) -> None:
    box = await provider.create_address(idempotency_key="k")
    await provider.store([box.address], make_mail(subject="Code 482913", body="Enter 482913 now"))
    row = await database.one("SELECT m::text AS row FROM app.message m")
    assert row is not None
    for secret in (b"482913", b"no-reply", b"Enter"):
        assert secret.hex() not in row["row"]
        assert secret.decode() not in row["row"]


async def test_row_does_not_open_under_another_key_or_in_another_mailbox(
    provider: LocalMailProvider, database: Database, make_mail: MakeMail
) -> None:
    box = await provider.create_address(idempotency_key="k")
    other = await provider.create_address(idempotency_key="o")
    await provider.store([box.address], make_mail())
    ref = (await provider.list_since(box, "0"))[0][0]
    await database.run("UPDATE app.message SET mailbox = %s", other.address)
    with pytest.raises(KeyUnusable):
        await provider.source(ref)


async def test_handles_lead_to_messages_and_deletions_are_final(
    provider: LocalMailProvider, make_mail: MakeMail
) -> None:
    box = await provider.create_address(idempotency_key="k")
    await provider.store([box.address], make_mail(number=1))
    await provider.store([box.address], make_mail(number=2))
    first, second = (await provider.list_since(box, "0"))[0]
    handle = await provider.handle(first)
    assert await provider.by_handle(handle) == first
    await provider.delete_message(first)
    await provider.delete_message(first)
    for gone in (provider.source(first), provider.by_handle(handle), provider.handle(first), provider.by_handle("x")):
        with pytest.raises(MessageGone):
            await gone
    assert await provider.purge(datetime.now(UTC)) == 1
    await provider.delete_address(box)
    await provider.delete_address(box)
    assert await provider.latest(box) is None
    with pytest.raises(MessageGone):
        await provider.source(second)


async def test_slow_transaction_is_not_passed_over_by_the_cursor(
    provider: LocalMailProvider, database: Database, make_mail: MakeMail
) -> None:
    box = await provider.create_address(idempotency_key="k")
    async with database.connection() as slow:
        # A first delivery that holds the mailbox and has not committed.
        await slow.execute("SELECT 1 FROM app.mailbox WHERE address = %s FOR NO KEY UPDATE", (box.address,))
        fast = asyncio.create_task(provider.store([box.address], make_mail(number=2)))
        row = None
        while row is None:
            row = await database.one("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' LIMIT 1")
        cursor = await provider.cursor(box)
        await provider._insert(slow, box.address, "<m1@site.test>", b'["",""]', make_mail(number=1))
    await fast
    assert len((await provider.list_since(box, cursor))[0]) == 2


async def test_cipher_of_another_process_reads_the_same_rows(
    provider: LocalMailProvider, database: Database, cipher: Cipher, make_mail: MakeMail
) -> None:
    box = await provider.create_address(idempotency_key="k")
    await provider.store([box.address], make_mail())
    async with LocalMailProvider(database, cipher, domains=["mail.seezar.test"]) as second:
        refs, _ = await second.list_since(box, "0")
        assert b"482913" in await second.source(refs[0])
