"""Backup and restore: both databases in one file, a zip of their dumps and a manifest. The master key is not in it."""

import json
import os
import zipfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql

from seezar.database import dumping
from seezar.database.migrate import migrate, migrations
from seezar.database.pool import unavailable
from seezar.database.urls import database_of, with_database
from seezar.errors import DatabaseTooNew, DatabaseUnavailable, DiskFull, InvalidInput, KeyUnusable
from seezar.files import NO_ROOM
from seezar.settings import Settings
from seezar.vault.keys import key_file, load_master_key
from workflows.engine import dbos_url

# Raised when the form of the file changes.
_FORMAT = 1
_MANIFEST, _APP, _DBOS = "manifest.json", "seezar.dump", "dbos.dump"
_MAINTENANCE = "postgres"
# Names of databases on the way in and on the way out, behind their own.
_NEW, _OLD = "_restoring", "_replaced"
_UNCHANGED = "What was stored here before is as it was."


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself. `key_ids` name the master keys that open it, and tell nothing about them."""

    format: int
    seezar: str
    taken_at: datetime
    migration: int
    key_ids: tuple[str, ...]


def write_backup(settings: Settings, url: str, file: Path) -> int:
    """Write what the migrated databases at `url` hold into the new `file`, mode 0600; returns its size in bytes.

    Other programs go on meanwhile. The tables of DBOS are as they were a moment before ours: what a run has done in
    between it finds done, as after a crash.

    Raises:
        InvalidInput: the file exists, or cannot be written.
        DiskFull: there is no room for it.
        DatabaseUnavailable: a database cannot be read.
    """
    if file.exists():
        raise InvalidInput(f"{file} exists already.", kept="It was left as it is.", next_step="Name a new file.")
    temporary = file.with_name(f".{file.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as output:
            _write(settings, url, output)
            output.flush()
            os.fsync(output.fileno())
            size = output.tell()
        os.link(temporary, file)
    except FileExistsError as error:
        raise InvalidInput(f"{file} exists already.", kept="It was left as it is.") from error
    except OSError as error:
        if error.errno in NO_ROOM:
            raise DiskFull(
                f"The backup {file} cannot be written: {error.strerror}.",
                kept="Nothing of it was left behind.",
                next_step="Make room there, or name a file elsewhere.",
            ) from error
        raise InvalidInput(f"{file} cannot be written: {error.strerror}.") from error
    except psycopg.Error as error:
        raise unavailable(url, error) from error
    finally:
        # On a disk that cannot be written, there is none.
        with suppress(OSError):
            temporary.unlink()
    return size


def restore_backup(settings: Settings, url: str, file: Path, *, replace: bool) -> Manifest:
    """Put what the backup holds in the place of the databases at `url`; returns what it says of itself.

    It is restored beside them and then takes their names, in one transaction.

    Args:
        replace: although something is stored there.

    Raises:
        InvalidInput: it is no whole backup, something is stored there already, or somebody is connected.
        DatabaseTooNew: it was made by a newer seezar.
        KeyUnusable: the master key here is not the one that it was made with.
        DatabaseUnavailable, MigrationFailed: the server refused it.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = _checked(archive, file)
            _check_key(settings, manifest)
            _check_place(url, replace=replace)
            _restore(settings, url, archive)
    except zipfile.BadZipFile as error:
        raise _no_backup(file) from error
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.", kept=_UNCHANGED) from error
    except psycopg.Error as error:
        told = unavailable(url, error)
        raise DatabaseUnavailable(told.what, kept=_UNCHANGED, next_step=told.next_step) from error
    return manifest


def _write(settings: Settings, url: str, output: IO[bytes]) -> None:
    with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive, _snapshots(url) as (dbos, app, facts):
        archive.writestr(_MANIFEST, json.dumps(facts))
        for name, address, snapshot in ((_DBOS, dbos_url(url), dbos), (_APP, url, app)):
            if snapshot is not None:
                with archive.open(name, "w", force_zip64=True) as member:
                    dumping.dump(settings.home, address, snapshot, member)


@contextmanager
def _snapshots(url: str) -> Generator[tuple[str | None, str, dict[str, Any]]]:
    """Snapshots of the database of DBOS, where there is one, and then of ours; good for the time of the block."""
    with _reader(dbos_url(url)) as dbos, _reader(url) as app:
        assert app is not None
        first = None if dbos is None else _export(dbos)
        second = _export(app)
        number = app.execute("SELECT max(number) FROM app.migration").fetchone()
        keys = [row[0] for row in app.execute("SELECT key_id FROM app.master_key ORDER BY created_at")]
        facts = {
            "format": _FORMAT,
            "seezar": version("seezar"),
            "taken_at": datetime.now(UTC).isoformat(),
            "migration": number[0] if number else 0,
            "key_ids": keys,
        }
        yield first, second, facts


@contextmanager
def _reader(url: str) -> Generator["psycopg.Connection[tuple[Any, ...]] | None"]:
    try:
        connection = psycopg.connect(url, connect_timeout=10)
    except psycopg.OperationalError as error:
        if "does not exist" not in str(error):
            raise
        # No worker has run yet.
        yield None
        return
    with connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield connection


def _export(connection: "psycopg.Connection[tuple[Any, ...]]") -> str:
    row = connection.execute("SELECT pg_export_snapshot()").fetchone()
    assert row is not None
    return str(row[0])


def _checked(archive: zipfile.ZipFile, file: Path) -> Manifest:
    try:
        said = json.loads(archive.read(_MANIFEST))
        manifest = Manifest(
            said["format"],
            said["seezar"],
            datetime.fromisoformat(said["taken_at"]),
            said["migration"],
            tuple(said["key_ids"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise _no_backup(file) from error
    newest = max(migration.number for migration in migrations())
    if manifest.format > _FORMAT or manifest.migration > newest:
        raise DatabaseTooNew(
            f"The backup was made by seezar {manifest.seezar}, which is newer than this one ({version('seezar')}).",
            kept=_UNCHANGED,
            next_step="Restore it with that version.",
        )
    # Reads all of it, and compares the sums.
    if archive.testzip() is not None or _APP not in archive.namelist():
        raise _no_backup(file)
    return manifest


def _no_backup(file: Path) -> InvalidInput:
    what = f"{file} is not a backup of seezar, or not all of it is there."
    return InvalidInput(what, kept=_UNCHANGED, next_step="Take another.")


def _check_key(settings: Settings, manifest: Manifest) -> None:
    if not manifest.key_ids:
        return
    path = key_file(settings)
    # Loading would make a new key.
    there = settings.master_key is not None or path.exists()
    if there and load_master_key(settings).key_id in manifest.key_ids:
        return
    what = "is not the one that" if there else "is missing; it must be the one that"
    raise KeyUnusable(
        f"The master key here {what} the backup was made with.",
        kept=_UNCHANGED,
        next_step=f"Put that key into {path} (chmod 600) or SEEZAR_MASTER_KEY, and restore again.",
    )


def _check_place(url: str, *, replace: bool) -> None:
    with psycopg.connect(url, connect_timeout=10) as connection:
        others = connection.execute(
            "SELECT DISTINCT coalesce(nullif(application_name, ''), 'another program') FROM pg_stat_activity"
            " WHERE datname = ANY(%s) AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
            ([database_of(url), database_of(dbos_url(url))],),
        ).fetchall()
        if others:
            raise InvalidInput(
                f"The database is in use: {', '.join(sorted(row[0] for row in others))}.",
                kept=_UNCHANGED,
                next_step="Stop everything first (seezar down), on all machines, and restore again.",
            )
        if not replace and _holds_something(connection):
            raise InvalidInput(
                "Something is stored here already.",
                kept=_UNCHANGED,
                next_step="Back it up if it is needed (seezar db backup FILE); then restore with --yes, in its place.",
            )


def _holds_something(connection: "psycopg.Connection[tuple[Any, ...]]") -> bool:
    for table in ("account", "run", "mailbox", "page"):
        there = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (f"app.{table}",)).fetchone()
        if there and there[0]:
            query = sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier("app", table))
            if connection.execute(query).fetchone() is not None:
                return True
    return False


def _restore(settings: Settings, url: str, archive: zipfile.ZipFile) -> None:
    names = {_APP: database_of(url), _DBOS: database_of(dbos_url(url))}
    members = [member for member in names if member in archive.namelist()]
    with psycopg.connect(with_database(url, _MAINTENANCE), autocommit=True, connect_timeout=10) as server:
        try:
            for member in members:
                new = f"{names[member]}{_NEW}"
                _drop(server, new)
                server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(new)))
                with archive.open(member) as dumped:
                    dumping.load(settings.home, with_database(url, new), dumped)
            migrate(with_database(url, f"{names[_APP]}{_NEW}"))
            for name in names.values():
                _drop(server, f"{name}{_OLD}")
            _swap(server, names, members)
        finally:
            for name in names.values():
                _drop(server, f"{name}{_NEW}")
        for name in names.values():
            _drop(server, f"{name}{_OLD}")


def _swap(server: "psycopg.Connection[tuple[Any, ...]]", names: dict[str, str], members: list[str]) -> None:
    with server.transaction():
        for member, name in names.items():
            if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None:
                _rename(server, name, f"{name}{_OLD}")
            if member in members:
                _rename(server, f"{name}{_NEW}", name)


def _rename(server: "psycopg.Connection[tuple[Any, ...]]", old: str, new: str) -> None:
    statement = sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))
    server.execute(statement)


def _drop(server: "psycopg.Connection[tuple[Any, ...]]", name: str) -> None:
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
