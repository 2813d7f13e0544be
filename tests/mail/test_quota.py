"""The quota of local mailboxes: what does not fit in is refused, at once and for that mailbox alone."""

import asyncio
import smtplib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seezar.database import Database
from seezar.mail.errors import MailDomainNotServed, MailNotReceived, MailQuotaFull
from seezar.mail.provider import MailFilter
from seezar.mail.service import Mail
from seezar.mail.smtp import SmtpServer
from seezar.vault import Vault

type Send = Callable[..., Awaitable[None]]
type MakeMail = Callable[..., bytes]

QUOTA = 100_000
FULL = b"5.2.2 The mailbox is full"


@pytest.fixture
async def mail(database: Database, vault: Vault, tmp_path: Path) -> AsyncIterator[Mail]:
    """Mail whose local mailboxes hold `QUOTA` bytes."""
    config = tmp_path / "mail.toml"
    async with Mail(database, vault, domains=["mail.seezar.test"], config=config, quota=QUOTA) as opened:
        yield opened


def large(size: int, number: int = 1) -> bytes:
    """A mail of exactly so many bytes."""
    head = f"From: a@site.test\r\nSubject: Large {number}\r\n\r\n".encode()
    return head + b"x" * (size - len(head) - 2) + b"\r\n"


async def test_a_full_mailbox_takes_no_more_until_there_is_room(mail: Mail, send: Send, make_mail: MakeMail) -> None:
    box, other = await mail.create(), await mail.create()
    await send(box.address, large(QUOTA))
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        await send(box.address, make_mail(number=2))
    assert refused.value.recipients == {box.address: (552, FULL)}
    # The other recipients get theirs.
    await send([box.address, other.address], make_mail(number=3))
    assert [len((await mail.list_since(each))[0]) for each in (box, other)] == [1, 1]
    assert await mail.store.used(box.address) == QUOTA

    await mail.delete_message((await mail.list_since(box))[0][0])
    await send(box.address, make_mail(number=4))
    assert [ref.subject for ref in (await mail.list_since(box))[0]] == ["Sign-in code"]


async def test_a_mail_that_does_not_fit_leaves_room_for_smaller_ones(
    mail: Mail, send: Send, make_mail: MakeMail
) -> None:
    box = await mail.create()
    await send(box.address, large(QUOTA // 2))
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        await send(box.address, large(QUOTA // 2 + 1, number=2))
    await send(box.address, make_mail())
    assert len((await mail.list_since(box))[0]) == 2


async def test_a_sender_that_announces_no_size_is_refused_after_the_data(mail: Mail, smtp: SmtpServer) -> None:
    box, other = await mail.create(), await mail.create()
    await mail.local.receive([box.address], large(QUOTA - 10))

    def session() -> list[tuple[int, bytes]]:
        with smtplib.SMTP("127.0.0.1", smtp.port, timeout=20) as client:
            client.ehlo()
            answers = [client.mail("no-reply@site.test"), client.rcpt(box.address), client.rcpt(other.address)]
            return [*answers, client.data(large(1000, number=2))]

    answers = await asyncio.to_thread(session)
    assert [code for code, _ in answers] == [250, 250, 250, 552]
    assert answers[-1][1] == FULL
    # All or none: the sender was told that it was not taken.
    assert (await mail.list_since(other))[0] == []


async def test_what_was_stored_already_is_taken_again(mail: Mail) -> None:
    box = await mail.create()
    raw = large(QUOTA)
    assert len(await mail.local.receive([box.address], raw)) == 1
    assert await mail.local.receive([box.address], raw) == []


async def test_mails_that_come_at_once_do_not_share_the_same_room(mail: Mail) -> None:
    box = await mail.create()
    done = await asyncio.gather(
        *(mail.local.receive([box.address], large(QUOTA // 3, number)) for number in range(8)), return_exceptions=True
    )
    assert sum(isinstance(one, MailQuotaFull) for one in done) == 5
    assert await mail.store.used(box.address) <= QUOTA


async def test_whoever_waited_in_vain_is_told_that_nothing_could_come(mail: Mail) -> None:
    box = await mail.create("ops")
    deadline = datetime.now(UTC) + timedelta(seconds=0.2)
    with pytest.raises(MailNotReceived):
        await mail.wait(box, since="0", match=MailFilter(senders=("shop.test",)), deadline=deadline)
    await mail.local.receive([box.address], large(QUOTA))
    with pytest.raises(MailQuotaFull, match=r"the mailbox ops@mail\.seezar\.test is full"):
        await mail.wait(box, since="0", match=MailFilter(senders=("shop.test",)), deadline=deadline)


async def test_a_mailbox_whose_domain_was_given_up(
    mail: Mail, database: Database, vault: Vault, tmp_path: Path
) -> None:
    box = await mail.create("ops")
    async with Mail(database, vault, domains=["new.test"], config=tmp_path / "mail.toml") as later:
        with pytest.raises(MailDomainNotServed, match=r"add the domain to SEEZAR_MAIL_DOMAINS"):
            await later.wait(box, since="0", match=MailFilter(), deadline=datetime.now(UTC))


async def test_without_a_quota_any_number_is_taken(database: Database, vault: Vault, tmp_path: Path) -> None:
    async with Mail(database, vault, domains=["mail.seezar.test"], config=tmp_path / "mail.toml") as unbounded:
        box = await unbounded.create()
        for number in range(3):
            await unbounded.local.receive([box.address], large(QUOTA, number))
        assert await unbounded.local.check_address(box) == box.id
