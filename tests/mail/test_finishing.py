"""Mailboxes whose making was broken off by a kill: the next start makes them, or forgets what cannot be made."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from seezar.database import Database
from seezar.mail import finishing
from seezar.mail.directory import Reservation
from seezar.mail.errors import MailboxUnknown
from seezar.mail.service import Mail
from seezar.mail.table import LOCAL
from seezar.vault import Cipher, Vault
from seezar.vault.keys import MasterKey
from tests.mail.folder_provider import DOMAIN, deliver, open_box, write_table

type MakeMail = Callable[..., bytes]
type KillWhile = Callable[[str], Awaitable[None]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the provider `folder`, whose entry is in the table."""
    folder = tmp_path / "provider"
    write_table(tmp_path / "mail.toml", folder)
    return folder


@pytest.fixture
def key() -> bytes:
    return os.urandom(32)


@pytest.fixture
async def mail(database: Database, key: bytes, tmp_path: Path) -> AsyncIterator[Mail]:
    """Mail as the next start has it."""
    vault = Vault(database, Cipher(MasterKey(key)))
    await vault.check_key()
    async with Mail(database, vault, domains=["mail.seezar.test"], config=tmp_path / "mail.toml") as opened:
        yield opened


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever began a mailbox is known to be gone."""
    monkeypatch.setattr(finishing, "GRACE", timedelta(0))


@pytest.fixture
def kill_while(mail: Mail, database_url: str, key: bytes, folder: Path, tmp_path: Path) -> KillWhile:
    """`await kill_while("stuck-before")`: kill -9 a process that makes a random mailbox, at that moment."""

    async def kill(moment: str) -> None:
        (folder / moment).touch()
        arguments = (database_url, key.hex(), str(tmp_path / "mail.toml"), "folder")
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.mail.create_once", *arguments)
        async with asyncio.timeout(60):
            while not (folder / "stuck").exists():
                assert process.returncode is None
                await asyncio.sleep(0.01)
        process.kill()
        await process.wait()
        (folder / "stuck").unlink()

    return kill


def homes(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_dir()]


async def rows(database: Database) -> list[tuple[str, bool]]:
    found = await database.all("SELECT address, provider_id IS NOT NULL AS made FROM app.mailbox ORDER BY address")
    return [(row["address"], row["made"]) for row in found]


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("moment", ["stuck-before", "stuck-after"])
async def test_a_random_mailbox_whose_maker_was_killed_is_made_and_listed(
    mail: Mail, folder: Path, database: Database, kill_while: KillWhile, make_mail: MakeMail, moment: str
) -> None:
    await kill_while(moment)
    [(address, made)] = await rows(database)
    assert not made
    assert await mail.addresses() == []
    assert (folder / address).exists() == (moment == "stuck-after")

    await mail.finish()
    [box] = await mail.addresses()
    assert box.address == address
    # One at the provider, and the password that was stored opens it.
    assert homes(folder) == [address]
    deliver(folder, address, make_mail())
    await mail.collect(box)
    assert len((await mail.list_since(box))[0]) == 1
    await mail.finish()
    assert await mail.addresses() == [box]


@pytest.mark.usefixtures("at_once")
async def test_what_is_somebody_elses_is_forgotten_and_left_alone(
    mail: Mail, folder: Path, database: Database, kill_while: KillWhile
) -> None:
    await kill_while("stuck-before")
    [(address, _)] = await rows(database)
    open_box(folder, address, "another password")
    await mail.finish()
    assert await rows(database) == []
    assert await database.all("SELECT 1 FROM app.secret") == []
    assert (folder / address / "password").read_text() == "another password"


@pytest.mark.usefixtures("at_once")
async def test_what_cannot_be_made_now_waits_for_the_next_start_and_is_in_nobodys_way(
    mail: Mail, folder: Path, database: Database, kill_while: KillWhile
) -> None:
    await kill_while("stuck-after")
    [(address, _)] = await rows(database)
    await mail._directory.reserve(Reservation("ops@mail.seezar.test", LOCAL, "", None), "a key")
    (folder / "unavailable").touch()
    await mail.finish()
    assert await rows(database) == sorted([(address, False), ("ops@mail.seezar.test", True)])
    (folder / "unavailable").unlink()
    await mail.finish()
    assert await rows(database) == sorted([(address, True), ("ops@mail.seezar.test", True)])


async def test_what_was_just_begun_is_left_to_whoever_began_it(mail: Mail, folder: Path, database: Database) -> None:
    wanted = Reservation(f"ops@{DOMAIN}", "folder", "http://127.0.0.1:1", SecretStr("a password"))
    await mail._directory.reserve(wanted, "a key")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await mail.finish()
    with pytest.raises(MailboxUnknown):
        await mail.address(wanted.address)
    await database.run("UPDATE app.mailbox SET created_at = created_at - %s", finishing.GRACE)
    await mail.finish()
    assert (await mail.address(wanted.address)).provider == "folder"


@pytest.mark.usefixtures("at_once")
async def test_without_a_database_it_ends_quietly(mail: Mail, database: Database) -> None:
    await database.close()
    await mail.finish()
