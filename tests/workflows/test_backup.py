"""Backup and restore on a server of one's own: what is there afterwards, and what is refused."""

import asyncio
import json
import stat
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from seezar.accounts import NewAccount
from seezar.accounts.selecting import RunFilter
from seezar.application import Application
from seezar.database.migrate import migrate
from seezar.database.urls import database_of, with_database
from seezar.errors import DatabaseTooNew, DatabaseUnavailable, InvalidInput, KeyUnusable
from seezar.files import write_private
from seezar.settings import Settings
from seezar.vault.keys import key_file
from tests.world import make_world, stop_workers
from workflows.backup import restore_backup, write_backup
from workflows.client import Client
from workflows.engine import dbos_url

# ruff: noqa: ASYNC240 - nothing else runs in the loop of these tests
pytestmark = pytest.mark.timeout(600)


def databases(postgres: str) -> set[str]:
    with psycopg.connect(postgres) as connection:
        return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}


@pytest.fixture
def elsewhere(postgres: str) -> Iterator[str]:
    """URL of a second database, empty and migrated."""
    name = f"t_{uuid4().hex[:12]}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    url = with_database(postgres, name)
    migrate(url)
    yield url
    with psycopg.connect(postgres, autocommit=True) as connection:
        for database in (name, database_of(dbos_url(url))):
            connection.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)'.encode())


@pytest.fixture
async def stored(settings: Settings, database_url: str) -> str:
    """URL of a database in which something is stored; nobody is connected."""
    async with await Application.open(settings, database_url, application_name="seezar-test") as application:
        await application.accounts.add(NewAccount(name="ops", url="https://a.example", username="u", password="hush"))
        await application.runs.create("r1", kind="open_page", account="ops")
    return database_url


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "backup.zip"


async def names(settings: Settings, url: str) -> list[str]:
    async with await Application.open(settings, url, application_name="seezar-test") as application:
        return [account.name for account in await application.accounts.list()]


async def test_there_and_back(settings: Settings, stored: str, elsewhere: str, file: Path, postgres: str) -> None:
    size = write_backup(settings, stored, file)
    assert (file.stat().st_size, stat.S_IMODE(file.stat().st_mode)) == (size, 0o600)
    assert [entry.name for entry in file.parent.iterdir()] == ["backup.zip"]
    whole = file.read_bytes()
    assert b"hush" not in whole
    assert key_file(settings).read_bytes().strip() not in whole

    before = databases(postgres)
    manifest = restore_backup(settings, elsewhere, file, replace=False)
    assert manifest.seezar
    assert databases(postgres) == before
    async with await Application.open(settings, elsewhere, application_name="seezar-test") as application:
        account = await application.accounts.get("ops")
        assert account.password_ref is not None
        secret = await application.vault.open(account.password_ref, origin="https://a.example")
        assert secret == "hush"
        assert (await application.runs.get("r1")).status == "queued"


async def test_existing_data_only_with_yes(settings: Settings, stored: str, file: Path) -> None:
    write_backup(settings, stored, file)
    async with await Application.open(settings, stored, application_name="seezar-test") as application:
        await application.accounts.add(NewAccount(name="later", url="https://b.example", username="u", password="p"))
        with pytest.raises(InvalidInput, match="in use: seezar-test"):
            restore_backup(settings, stored, file, replace=True)
    with pytest.raises(InvalidInput, match=r"stored here already.*--yes"):
        restore_backup(settings, stored, file, replace=False)
    assert await names(settings, stored) == ["later", "ops"]
    restore_backup(settings, stored, file, replace=True)
    assert await names(settings, stored) == ["ops"]


async def test_the_key_must_be_the_same(settings: Settings, stored: str, elsewhere: str, file: Path) -> None:
    write_backup(settings, stored, file)
    path = key_file(settings)
    key = path.read_bytes()
    path.unlink()
    with pytest.raises(KeyUnusable, match="is missing"):
        restore_backup(settings, elsewhere, file, replace=False)
    assert not path.exists()
    write_private(path, b"A" * 43 + b"=\n")
    with pytest.raises(KeyUnusable, match="is not the one"):
        restore_backup(settings, elsewhere, file, replace=False)
    path.unlink()
    write_private(path, key)
    assert await names(settings, elsewhere) == []
    restore_backup(settings, elsewhere, file, replace=False)
    assert await names(settings, elsewhere) == ["ops"]


def rewritten(file: Path, **changes: object) -> Path:
    """The backup with another manifest."""
    other = file.with_name(f"other-{uuid4().hex}.zip")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "manifest.json":
                content = json.dumps(json.loads(content) | changes).encode()
            new.writestr(name, content)
    return other


async def test_a_newer_one_is_refused(settings: Settings, stored: str, elsewhere: str, file: Path) -> None:
    write_backup(settings, stored, file)
    for changes in ({"migration": 9999}, {"format": 2}):
        with pytest.raises(DatabaseTooNew, match=r"9\.9.*newer"):
            restore_backup(settings, elsewhere, rewritten(file, seezar="9.9", **changes), replace=True)
    assert await names(settings, elsewhere) == []


async def test_a_damaged_one_is_refused(settings: Settings, stored: str, elsewhere: str, file: Path) -> None:
    write_backup(settings, stored, file)
    whole = file.read_bytes()
    middle = len(whole) // 2
    damaged = {
        "cut": whole[:middle],
        "flipped": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        "empty": b"",
        "text": b"no zip at all",
    }
    for name, content in damaged.items():
        path = file.with_name(name)
        path.write_bytes(content)
        with pytest.raises(InvalidInput, match="not a backup"):
            restore_backup(settings, elsewhere, path, replace=True)
    with pytest.raises(InvalidInput, match="cannot be read: No such file"):
        restore_backup(settings, elsewhere, file.with_name("nowhere"), replace=True)
    assert await names(settings, elsewhere) == []


async def test_what_the_server_refuses_changes_nothing(
    settings: Settings, stored: str, file: Path, postgres: str
) -> None:
    write_backup(settings, stored, file)
    with zipfile.ZipFile(file) as old:
        dumped = old.read("seezar.dump")
    broken = file.with_name("broken.zip")
    with zipfile.ZipFile(broken, "w") as new, zipfile.ZipFile(file) as old:
        new.writestr("manifest.json", old.read("manifest.json"))
        new.writestr("seezar.dump", dumped[: len(dumped) // 2])
    before = databases(postgres)
    with pytest.raises(DatabaseUnavailable, match="The restore failed"):
        restore_backup(settings, stored, broken, replace=True)
    assert databases(postgres) == before
    assert await names(settings, stored) == ["ops"]


async def test_where_the_file_cannot_be(settings: Settings, stored: str, file: Path) -> None:
    file.write_text("mine")
    with pytest.raises(InvalidInput, match="exists already"):
        write_backup(settings, stored, file)
    assert file.read_text() == "mine"
    with pytest.raises(InvalidInput, match="No such file"):
        write_backup(settings, stored, file.parent / "no" / "folder")
    assert [entry.name for entry in file.parent.iterdir() if entry.name.startswith(".")] == []


@pytest.mark.slow
@pytest.mark.browser
async def test_an_unfinished_run_goes_on_in_the_restored_one(postgres: str, elsewhere: str, file: Path) -> None:
    async with make_world(postgres) as world:
        signed_in = await world.sign_in("demo-password")
        world.mailer.hold = True
        run_id = await world.client.sign_in("demo-mail")
        deadline = time.monotonic() + 120
        # Until what was submitted is recorded: from then on the mail is awaited.
        awaited = "SELECT 1 FROM app.attempt WHERE run_id = %s AND checkpoint IS NOT NULL"
        while not (world.mailer.held and await world.application.database.one(awaited, run_id)):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        write_backup(world.settings, world.url, file)
        world.kill_worker()

        restore_backup(world.settings, elsewhere, file, replace=False)
        moved = world.settings.model_copy(update={"database_url": elsewhere})
        async with await Client.connect(moved) as client:
            await world.mailer.release()
            result = await client.result(run_id, timeout=120)
            assert result["status"] == "signed_in"
            runs = await client.application.runs.list(only=RunFilter(status="signed_in"))
            assert {run.id for run in runs} == {run_id, signed_in["run_id"]}
            sessions = {session.account for session in await client.application.sessions.list()}
            assert sessions == {"demo-password", "demo-mail"}
        stop_workers(moved)
