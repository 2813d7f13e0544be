"""Backup and restore on a server of one's own: what is there afterwards, and what is refused."""

import asyncio
import errno
import json
import os
import signal
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from seezar.accounts import NewAccount
from seezar.accounts.selecting import RunFilter
from seezar.application import Application
from seezar.database.migrate import migrate
from seezar.database.urls import database_of, with_database, with_options
from seezar.errors import DatabaseTooNew, DatabaseUnavailable, InvalidInput, KeyUnusable
from seezar.files import write_private
from seezar.knowledge.memories import Memories, Said, Whose
from seezar.settings import Settings
from seezar.vault.keys import key_file
from tests.world import make_world, stop_workers
from workflows import backup, restores
from workflows.backup import restore_backup, write_backup
from workflows.client import Client
from workflows.engine import dbos_url

# ruff: noqa: ASYNC221, ASYNC240 - nothing else runs in the loop of these tests
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


async def test_what_roles_may_see_is_the_same_afterwards(
    settings: Settings, stored: str, elsewhere: str, file: Path
) -> None:
    said = Said("e1", "user", "Why are refunds of Northwind so many?", datetime.now(UTC))
    whose = Whose("coordinator", "ann")
    async with await Application.open(settings, stored, application_name="seezar-test") as application:
        await Memories(application.database).keep(whose, "s1", [said])
    write_backup(settings, stored, file)
    restore_backup(settings, elsewhere, file, replace=False)

    async with await Application.open(settings, elsewhere, application_name="seezar-test") as application:
        assert [found.text for found in await Memories(application.database).find(whose, "refunds")] == [said.text]
        assert await Memories(application.database).find(Whose("coordinator", "bob"), "refunds") == []
        async with application.database.connection() as connection:
            await connection.execute("SET LOCAL ROLE seezar_reader")
            assert await (await connection.execute("SELECT * FROM data.runs")).fetchall() == []
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute("SELECT * FROM knowledge.memory")


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


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "1"},
        {"format": True},
        {"migration": None},
        {"migration": [1]},
        {"seezar": 1},
        {"taken_at": 1},
        {"taken_at": "0001-01-01T00:00:00+23:00"},
        {"key_ids": 1},
        {"key_ids": "abc"},
        {"key_ids": [1]},
    ],
    ids=str,
)
async def test_a_manifest_with_wrong_types_is_refused(
    settings: Settings, elsewhere: str, file: Path, changes: dict[str, object]
) -> None:
    facts = {"format": 1, "seezar": "1.0", "taken_at": "2026-11-01T00:00:00+00:00", "migration": 1, "key_ids": []}
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("manifest.json", json.dumps(facts | changes))
        archive.writestr("seezar.dump", b"")
    with pytest.raises(InvalidInput, match="not a backup"):
        restore_backup(settings, elsewhere, file, replace=True)


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


async def test_a_file_system_without_hard_links(
    settings: Settings, stored: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    size = write_backup(settings, stored, file)
    assert (file.stat().st_size, stat.S_IMODE(file.stat().st_mode)) == (size, 0o600)
    assert zipfile.ZipFile(file).testzip() is None
    assert [entry.name for entry in file.parent.iterdir()] == ["backup.zip"]
    # Somebody else was first while it was written.
    written = file.read_bytes()
    temporary = file.with_name("temporary")
    temporary.write_text("mine")
    with pytest.raises(FileExistsError):
        backup._give_name(temporary, file)
    assert file.read_bytes() == written


# --- who is there meanwhile


async def test_all_connections_of_a_backup_count_as_clients(settings: Settings, stored: str, file: Path) -> None:
    waits = (
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        " AND query LIKE 'LOCK TABLE%'"
    )
    who = (
        "SELECT application_name, count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend' GROUP BY 1 ORDER BY 1"
    )
    with ThreadPoolExecutor(1) as threads, psycopg.connect(stored, autocommit=True) as looking:
        with psycopg.connect(with_options(stored, application_name="locker")) as locker:
            locker.execute("LOCK TABLE app.page")
            done = threads.submit(write_backup, settings, stored, file)
            # Until pg_dump waits for that table.
            until(lambda: done.done() or looking.execute(waits.encode()).fetchone() is not None)
            assert not done.done()
            assert looking.execute(who).fetchall() == [("locker", 1), ("seezar-client-backup", 2)]
        assert done.result(timeout=120) > 0


def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Have something happen after what is restored was brought up to date, and before it takes its place."""

    def migrated(url: str) -> list[str]:
        applied = migrate(url)
        happens()
        return applied

    monkeypatch.setattr(backup, "migrate", migrated)


async def test_what_is_stored_meanwhile_is_not_replaced(
    settings: Settings, stored: str, elsewhere: str, file: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_backup(settings, stored, file)

    def store() -> None:
        with psycopg.connect(elsewhere) as connection:
            connection.execute(
                "INSERT INTO app.run (id, workflow_id, kind, status) VALUES ('new', 'new', 'open_page', 'queued')"
            )

    meanwhile(monkeypatch, store)
    before = databases(postgres)
    with pytest.raises(InvalidInput, match="stored here already"):
        restore_backup(settings, elsewhere, file, replace=False)
    assert databases(postgres) == before
    with psycopg.connect(elsewhere) as connection:
        assert connection.execute("SELECT id FROM app.run").fetchall() == [("new",)]


async def test_who_connects_meanwhile_keeps_what_is_there(
    settings: Settings, stored: str, file: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_backup(settings, stored, file)
    guests: list[psycopg.Connection[Any]] = []
    seen: list[tuple[Any, ...]] = []

    def come() -> None:
        guests.append(psycopg.connect(with_options(stored, application_name="guest")))
        seen.extend(guests[0].execute("SELECT application_name FROM pg_stat_activity WHERE datname = 'postgres'"))

    meanwhile(monkeypatch, come)
    before = databases(postgres)
    with pytest.raises(InvalidInput, match="in use: guest"):
        restore_backup(settings, stored, file, replace=True)
    guests[0].close()
    # Held all the time, so that nobody stops the server.
    assert ("seezar-client-backup",) in seen
    assert databases(postgres) == before
    assert await names(settings, stored) == ["ops"]


async def test_one_restore_at_a_time(settings: Settings, stored: str, file: Path) -> None:
    write_backup(settings, stored, file)
    with restores.connect_beside(stored) as other:
        assert restores.take_lock(other, database_of(stored))
        with pytest.raises(InvalidInput, match="Another restore"):
            restore_backup(settings, stored, file, replace=True)
        other.execute("SELECT pg_advisory_unlock_all()")
        restore_backup(settings, stored, file, replace=True)


# --- names, and what a kill leaves


@pytest.fixture
def long_name(postgres: str) -> Iterator[Callable[[int], str]]:
    """Makes a database with a name of so many bytes."""
    made: list[str] = []

    def make(length: int) -> str:
        name = uuid4().hex.ljust(length, "x")
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        made.append(name)
        migrate(with_database(postgres, name))
        return with_database(postgres, name)

    yield make
    with psycopg.connect(postgres, autocommit=True) as connection:
        for name in made:
            for database in (name, f"{name}_dbos"):
                connection.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)'.encode())


async def test_names_that_the_server_cuts(
    settings: Settings, file: Path, postgres: str, long_name: Callable[[int], str]
) -> None:
    url = long_name(60)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{database_of(dbos_url(url))}"'.encode())
    with psycopg.connect(dbos_url(url)) as connection:
        connection.execute("CREATE TABLE mark AS SELECT 'before' AS value")
    async with await Application.open(settings, url, application_name="seezar-test") as application:
        await application.accounts.add(NewAccount(name="ops", url="https://a.example", username="u", password="p"))
    write_backup(settings, url, file)
    with psycopg.connect(dbos_url(url)) as connection:
        connection.execute("UPDATE mark SET value = 'after'")
    async with await Application.open(settings, url, application_name="seezar-test") as application:
        await application.accounts.remove("ops")
    before = databases(postgres)
    guest = with_options(dbos_url(url), application_name="guest")
    with psycopg.connect(guest), pytest.raises(InvalidInput, match="in use: guest"):
        restore_backup(settings, url, file, replace=True)
    until(lambda: not connected(postgres, "guest"))
    restore_backup(settings, url, file, replace=True)
    assert databases(postgres) == before
    assert await names(settings, url) == ["ops"]
    with psycopg.connect(dbos_url(url)) as connection:
        assert connection.execute("SELECT value FROM mark").fetchall() == [("before",)]


async def test_a_name_that_leaves_no_room_is_refused(
    settings: Settings, stored: str, file: Path, postgres: str, long_name: Callable[[int], str]
) -> None:
    write_backup(settings, stored, file)
    url = long_name(63)
    before = databases(postgres)
    with pytest.raises(InvalidInput, match="58 bytes"):
        restore_backup(settings, url, file, replace=True)
    assert databases(postgres) == before


@pytest.mark.parametrize(("when", "replaced", "left"), [("before", False, ["later", "ops"]), ("after", True, ["ops"])])
async def test_a_kill_at_the_swap(
    settings: Settings, stored: str, file: Path, postgres: str, when: str, replaced: bool, left: list[str]
) -> None:
    write_backup(settings, stored, file)
    async with await Application.open(settings, stored, application_name="seezar-test") as application:
        await application.accounts.add(NewAccount(name="later", url="https://b.example", username="u", password="p"))
    before = databases(postgres)
    killed = subprocess.run([sys.executable, "-c", KILLED, when, str(settings.home), stored, str(file)], timeout=120)
    assert killed.returncode == -signal.SIGKILL
    with restores.connect(stored) as connection:
        until(lambda: not any(leftover.at_work for leftover in restores.leftovers(connection, stored)))
        found = restores.leftovers(connection, stored)
    assert [leftover.replaced for leftover in found] == [replaced]
    assert databases(postgres) - before == {leftover.name for leftover in found}
    assert await names(settings, stored) == left
    assert restores.remove_leftovers(stored) == 1
    assert databases(postgres) == before
    assert await names(settings, stored) == left


KILLED = """
import os, signal, sys
from pathlib import Path
from seezar.settings import Settings
from workflows import backup

when, home, url, file = sys.argv[1:]
swap = backup._swap

def killed(*args):
    if when == "after":
        swap(*args)
    os.kill(os.getpid(), signal.SIGKILL)

backup._swap = killed
backup.restore_backup(Settings(home=Path(home), _env_file=None), url, Path(file), replace=True)
"""


async def test_the_next_restore_clears_away_what_was_left(
    settings: Settings, stored: str, file: Path, postgres: str
) -> None:
    write_backup(settings, stored, file)
    before = databases(postgres)
    with psycopg.connect(postgres, autocommit=True) as connection:
        for replaced in (False, True):
            name = restores.name_beside(database_of(stored), replaced=replaced)
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
    restore_backup(settings, stored, file, replace=True)
    assert databases(postgres) == before
    assert await names(settings, stored) == ["ops"]


def connected(postgres: str, application: str) -> bool:
    with psycopg.connect(postgres) as connection:
        query = "SELECT 1 FROM pg_stat_activity WHERE application_name = %s"
        return connection.execute(query, (application,)).fetchone() is not None


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


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
