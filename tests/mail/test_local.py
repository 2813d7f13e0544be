"""The provider `local`: mailboxes on our own domains, and waiting for what the SMTP server takes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from seezar.errors import InvalidInput
from seezar.mail.errors import MailboxTaken, MailboxUnknown, MailDomainNotServed, MailNotReceived
from seezar.mail.provider import MailFilter, MailRef
from seezar.mail.service import Mail

type MakeMail = Callable[..., bytes]
type Send = Callable[..., Awaitable[None]]


def _soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def test_same_key_gives_the_same_address(mail: Mail) -> None:
    first = await mail.create(idempotency_key="run-1")
    assert await mail.create(idempotency_key="run-1") == first
    assert await mail.create(idempotency_key="run-2") != first
    assert first.provider == "local"
    assert first.address.endswith("@mail.seezar.test")


async def test_taken_bad_and_foreign_addresses_are_typed_errors(mail: Mail) -> None:
    await mail.create("ops", idempotency_key="a")
    with pytest.raises(MailboxTaken):
        await mail.create("OPS", idempotency_key="b")
    with pytest.raises(MailboxTaken):
        await mail.create("other", idempotency_key="a")
    for local in ("", "two words", "a@b", "..", "x" * 65, "new\nline"):
        with pytest.raises(InvalidInput):
            await mail.create(local, idempotency_key=f"bad {local!r}")
    for refused in (mail.ensure("ops@example.org"), mail.check_served("ops@example.org")):
        with pytest.raises(MailDomainNotServed):
            await refused
    with pytest.raises(MailboxUnknown):
        await mail.address("nobody@mail.seezar.test")
    assert (await mail.create("ops", domain="second.test", idempotency_key="c")).address == "ops@second.test"


async def test_ensure_is_idempotent(mail: Mail) -> None:
    await mail.check_served("Ops+demo@mail.seezar.test")
    first = await mail.ensure("Ops+demo@mail.seezar.test")
    assert await mail.ensure("ops+DEMO@mail.seezar.test") == first
    assert [box.address for box in await mail.addresses()] == ["ops+demo@mail.seezar.test"]


async def test_wait_takes_the_newest_match(mail: Mail, send: Send, make_mail: MakeMail) -> None:
    box = await mail.create()
    since = await mail.cursor(box)
    for number, subject in enumerate(("first", "second", "unrelated")):
        await mail.local.receive([box.address], make_mail(subject=subject, number=number))
    match = MailFilter(senders=("site.test",), accept=lambda ref: ref.subject != "unrelated")
    found = await mail.wait(box, since=since, match=match, deadline=_soon(5))
    assert found.subject == "second"


async def test_wait_passes_over_what_does_not_match(mail: Mail, send: Send, make_mail: MakeMail) -> None:
    box = await mail.create()
    seen: list[str] = []
    looked = asyncio.Event()

    def accept(ref: MailRef) -> bool:
        seen.append(ref.subject)
        looked.set()
        return ref.subject == "wanted"

    waiting = asyncio.create_task(mail.wait(box, since="0", match=MailFilter(accept=accept), deadline=_soon(20)))
    await send(box.address, make_mail(subject="other", number=1))
    await looked.wait()
    await send(box.address, make_mail(subject="wanted", number=2))
    assert (await waiting).subject == "wanted"
    assert seen == ["other", "wanted"]


async def test_wait_ends_at_the_absolute_deadline(mail: Mail, make_mail: MakeMail) -> None:
    box = await mail.create()
    await mail.local.receive([box.address], make_mail())
    foreign = MailFilter(senders=("elsewhere.test",))
    with pytest.raises(MailNotReceived) as caught:
        await mail.wait(box, since="0", match=foreign, deadline=_soon(0.2))
    assert caught.value.status == "mail_not_received"
    # A deadline that passed while nobody was waiting: what is there is still looked at once.
    found = await mail.wait(box, since="0", match=MailFilter(), deadline=_soon(-60))
    assert found.id


async def test_waiting_survives_a_broken_listen_connection(mail: Mail, database_url: str, make_mail: MakeMail) -> None:
    box = await mail.create()
    waiting = asyncio.create_task(mail.wait(box, since="0", match=MailFilter(), deadline=_soon(30)))
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as admin:
        killed = 0
        while not killed:
            cursor = await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query = 'LISTEN \"seezar_mail\"'"
            )
            killed = len(await cursor.fetchall())
    await mail.local.receive([box.address], make_mail())
    assert (await waiting).subject == "Sign-in code"
