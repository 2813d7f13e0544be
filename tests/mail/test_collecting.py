"""Fetching from a provider elsewhere: each message once, whatever happens in between. The provider keeps maildirs."""

import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from seezar.database import Database
from seezar.mail.errors import MailboxUnknown, MailProviderRefused, MailProviderUnavailable
from seezar.mail.provider import Address
from seezar.mail.service import Mail
from seezar.mail.store import MAX_MESSAGE
from seezar.vault import Cipher, Vault
from seezar.vault.keys import MasterKey
from tests.mail.folder_provider import deliver, write_table

type MakeMail = Callable[..., bytes]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the provider `folder`, whose entry is in the table."""
    folder = tmp_path / "provider"
    write_table(tmp_path / "mail.toml", folder)
    return folder


@pytest.fixture
async def box(mail: Mail, folder: Path) -> Address:
    """A mailbox at the provider."""
    return await mail.create(provider="folder")


async def _subjects(mail: Mail, box: Address, since: str = "0") -> list[str]:
    return [ref.subject for ref in (await mail.list_since(box, since))[0]]


async def _passed(database: Database) -> list[str]:
    return [row["reason"] for row in await database.all("SELECT reason FROM app.message_passed ORDER BY at")]


async def test_what_arrives_is_stored_once_and_divided_by_the_cursor(
    mail: Mail, folder: Path, box: Address, make_mail: MakeMail
) -> None:
    deliver(folder, box.address, make_mail(subject="before", number=1))
    since = await mail.cursor(box)
    assert await _subjects(mail, box) == ["before"]
    assert await _subjects(mail, box, since) == []
    deliver(folder, box.address, make_mail(subject="after", number=2))
    for _ in range(3):
        await mail.collect(box)
    assert await _subjects(mail, box) == ["before", "after"]
    [ref] = (await mail.list_since(box, since))[0]
    assert b"482913" in await mail.source(ref)


def _aged(folder: Path, box: Address, name: str, seconds: float) -> None:
    """A message that the provider took so long ago."""
    then = time.time() - seconds
    os.utime(folder / box.address / "box" / "new" / name, (then, then))


async def test_a_list_in_parts_is_read_to_its_end_before_mail_counts_as_new(
    mail: Mail, folder: Path, box: Address, make_mail: MakeMail
) -> None:
    (folder / "parts-of").write_text("3")
    for number in range(10):
        name = deliver(folder, box.address, make_mail(subject=str(number), number=number))
        _aged(folder, box, name, 60 - number)
    since = await mail.cursor(box)
    assert await _subjects(mail, box) == [str(number) for number in range(10)]
    await mail.collect(box)
    assert await _subjects(mail, box, since) == []


async def test_two_who_collect_at_once_store_each_message_once(
    mail: Mail, folder: Path, box: Address, make_mail: MakeMail, database: Database, vault: Vault, tmp_path: Path
) -> None:
    for number in range(30):
        deliver(folder, box.address, make_mail(subject=str(number), number=number))
    async with Mail(database, vault, domains=["mail.seezar.test"], config=tmp_path / "mail.toml") as other:
        await asyncio.gather(mail.collect(box), other.collect(box), mail.collect(box), other.collect(box))
    assert sorted(await _subjects(mail, box), key=int) == [str(number) for number in range(30)]


async def test_a_provider_that_numbers_anew_gives_no_second_row(
    mail: Mail, folder: Path, box: Address, make_mail: MakeMail
) -> None:
    names = [deliver(folder, box.address, make_mail(number=number)) for number in range(3)]
    await mail.collect(box)
    since = await mail.cursor(box)
    new = folder / box.address / "box" / "new"
    for number, name in enumerate(names):
        (new / name).rename(new / f"anew-{number}")
    deliver(folder, box.address, make_mail(subject="fresh", number=9))
    for _ in range(2):
        await mail.collect(box)
    assert await _subjects(mail, box, since) == ["fresh"]


async def test_gone_and_too_large_messages_are_passed_over(
    mail: Mail, folder: Path, box: Address, make_mail: MakeMail, database: Database
) -> None:
    new = folder / box.address / "box" / "new"
    (new / "gone").symlink_to(folder / "nowhere")
    deliver(folder, box.address, make_mail(subject="huge", body="x" * MAX_MESSAGE, number=1))
    deliver(folder, box.address, make_mail(subject="fine", number=2))
    for _ in range(2):
        await mail.collect(box)
    assert await _subjects(mail, box) == ["fine"]
    assert sorted(await _passed(database)) == ["gone", "too_large"]


async def test_a_message_that_cannot_be_read_does_not_keep_newer_ones_away(
    mail: Mail, folder: Path, box: Address, make_mail: MakeMail
) -> None:
    stuck = folder / box.address / "box" / "new" / "0-stuck"
    stuck.mkdir()
    deliver(folder, box.address, make_mail(subject="newer", number=2))
    for _ in range(2):
        with pytest.raises(MailProviderUnavailable):
            await mail.collect(box)
    assert await _subjects(mail, box) == ["newer"]
    stuck.rmdir()
    stuck.write_bytes(make_mail(subject="readable again", number=1))
    await mail.collect(box)
    assert await _subjects(mail, box) == ["newer", "readable again"]


async def test_a_message_that_could_not_be_read_for_an_hour_is_given_up(
    mail: Mail, folder: Path, box: Address, make_mail: MakeMail, database: Database
) -> None:
    stuck = folder / box.address / "box" / "new" / "0-stuck"
    stuck.mkdir()
    _aged(folder, box, stuck.name, 3700)
    # It came to the mailbox while there was one.
    await database.run("UPDATE app.mailbox SET created_at = created_at - interval '1 day'")
    box = await mail.address(box.address)
    deliver(folder, box.address, make_mail(subject="newer", number=2))
    # Else no sign-in could begin: where its mail begins would not be known.
    since = await mail.cursor(box)
    assert await _subjects(mail, box) == ["newer"]
    assert await _passed(database) == ["unreadable"]
    assert await _subjects(mail, box, since) == []


async def test_older_mail_that_a_provider_lists_again_stays_away(
    mail: Mail, folder: Path, box: Address, make_mail: MakeMail
) -> None:
    name = deliver(folder, box.address, make_mail(number=1))
    years_ago = box.created_at.timestamp() - 1e8
    os.utime(folder / box.address / "box" / "new" / name, (years_ago, years_ago))
    await mail.collect(box)
    assert await _subjects(mail, box) == []


async def test_a_deleted_message_does_not_come_back(
    mail: Mail, folder: Path, box: Address, make_mail: MakeMail
) -> None:
    name = deliver(folder, box.address, make_mail(number=1))
    await mail.collect(box)
    [ref] = (await mail.list_since(box))[0]
    await mail.delete_message(ref)
    assert not (folder / box.address / "box" / "new" / name).exists()
    # One that is back under its old name, e.g. from a replica that had not heard of the deletion.
    (folder / box.address / "box" / "new" / name).write_bytes(make_mail(number=1))
    await mail.collect(box)
    assert await _subjects(mail, box) == []


async def test_errors_are_told_and_tried_again(
    mail: Mail, folder: Path, box: Address, make_mail: MakeMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seezar.mail.collecting._BACK_OFF", (0.05,))
    told: asyncio.Queue[str | None] = asyncio.Queue()

    async def tell(error: Exception | None) -> None:
        told.put_nowait(None if error is None else type(error).__name__)

    async def next_other(than: str | None) -> str | None:
        while (said := await told.get()) == than:
            pass
        return said

    following = asyncio.create_task(mail.follow(box, tell))
    try:
        async with asyncio.timeout(20):
            assert await told.get() is None
            (folder / "unavailable").touch()
            assert await next_other(None) == MailProviderUnavailable.__name__
            (folder / "refusing").touch()
            (folder / "unavailable").unlink()
            assert await next_other(MailProviderUnavailable.__name__) == MailProviderRefused.__name__
            deliver(folder, box.address, make_mail(number=1))
            (folder / "refusing").unlink()
            assert await next_other(MailProviderRefused.__name__) is None
            assert len((await mail.list_since(box))[0]) == 1
            await mail.delete(box.address)
            with pytest.raises(MailboxUnknown):
                await following
    finally:
        following.cancel()


async def test_a_quiet_mailbox_is_not_listed_more_often_than_needed(mail: Mail, folder: Path, box: Address) -> None:
    following = asyncio.create_task(mail.follow(box))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3):
            await following
    assert (folder / "calls").read_text().count("list") == 1


DELIVERIES = 150


@pytest.fixture
async def follower(
    database: Database, database_url: str, folder: Path, tmp_path: Path
) -> AsyncIterator[tuple[Mail, Address, Callable[[], asyncio.Task[asyncio.subprocess.Process]]]]:
    """A mailbox, and how a process is started that fetches for it until it is killed."""
    key = os.urandom(32)
    vault = Vault(database, Cipher(MasterKey(key)))
    await vault.check_key()
    config = tmp_path / "mail.toml"
    async with Mail(database, vault, domains=["mail.seezar.test"], config=config) as mail:
        box = await mail.create(provider="folder")
        arguments = [sys.executable, "-m", "tests.mail.follow_forever", database_url, key.hex(), str(config)]

        def start() -> asyncio.Task[asyncio.subprocess.Process]:
            return asyncio.create_task(asyncio.create_subprocess_exec(*arguments, box.address))

        yield mail, box, start


@pytest.mark.slow
async def test_nothing_is_lost_or_stored_twice_when_the_follower_is_killed_at_random(
    follower: tuple[Mail, Address, Callable[[], asyncio.Task[asyncio.subprocess.Process]]],
    folder: Path,
    database: Database,
    make_mail: MakeMail,
) -> None:
    mail, box, start = follower
    moments = random.Random(20261122)
    sent: list[str] = []

    async def deliver_all() -> None:
        for number in range(DELIVERIES):
            subject = f"mail {number}"
            deliver(folder, box.address, make_mail(subject=subject, number=number))
            sent.append(subject)
            await asyncio.sleep(moments.uniform(0.0, 0.08))

    async def stored() -> int:
        row = await database.one("SELECT count(*) AS n FROM app.message")
        return 0 if row is None else row["n"]

    delivering = asyncio.create_task(deliver_all())
    kills = 0
    process = await start()
    try:
        async with asyncio.timeout(170):
            while not (delivering.done() and await stored() >= DELIVERIES):
                grown = await stored()
                # A process that has begun to fetch is killed soon after, mostly in the middle of something.
                while await stored() == grown and grown < DELIVERIES:  # noqa: ASYNC110 - other tests hear of mail
                    await asyncio.sleep(0.01)
                await asyncio.sleep(moments.uniform(0.0, 0.15))
                process.kill()
                await process.wait()
                kills += 1
                process = await start()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        delivering.cancel()
    await mail.collect(box)
    assert sorted(await _subjects(mail, box)) == sorted(sent)
    assert len(sent) == DELIVERIES
    assert kills >= 5
