"""Backup and restore: both databases in one file, a zip of their dumps and a manifest. The master key is not in it."""

import errno
import json
import os
import time
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, cast

import psycopg
from psycopg import sql

from seezar.database import dumping
from seezar.database.migrate import migrate, migrations
from seezar.database.pool import unavailable
from seezar.database.urls import with_database, with_options
from seezar.errors import DatabaseTooNew, DatabaseUnavailable, DiskFull, InvalidInput, KeyUnusable
from seezar.files import NO_ROOM
from seezar.settings import Settings
from seezar.vault.keys import key_file, load_keyring
from workflows import restores
from workflows.engine import dbos_url
from workflows.restores import Connection

# Raised when the form of the file changes.
_FORMAT = 1
_MANIFEST, _APP, _DBOS = "manifest.json", "seezar.dump", "dbos.dump"
# What file systems without hard links answer: FAT, and some that are mounted from elsewhere.
_NO_LINKS = (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK)
# A connection that its program has closed is listed until the server has ended it; PostgreSQL itself waits 5 s for it
# before a database is renamed or dropped.
_CLOSING_S, _POLL_S = 2.0, 0.05
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
        _give_name(temporary, file)
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

    It is restored beside them and then takes their names, in one transaction. All of it belongs to the role of `url`.

    Args:
        replace: although something is stored there.

    Raises:
        InvalidInput: it is no whole backup, something is stored there already, somebody is connected, or another
            restore is at it.
        DatabaseTooNew: it was made by a newer seezar.
        KeyUnusable: the master key here is not the one that it was made with.
        DatabaseUnavailable, MigrationFailed: the server refused it.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = _checked(archive, file)
            _check_key(settings, manifest)
            with restores.connect_beside(url) as server:
                _restore(settings, server, url, archive, replace=replace)
    except zipfile.BadZipFile as error:
        raise _no_backup(file) from error
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.", kept=_UNCHANGED) from error
    except psycopg.Error as error:
        told = unavailable(url, error)
        raise DatabaseUnavailable(told.what, kept=_UNCHANGED, next_step=told.next_step) from error
    return manifest


def _give_name(temporary: Path, file: Path) -> None:
    """Give what was written its name, unless that is taken.

    Raises:
        FileExistsError: it is taken.
    """
    try:
        # link() fails when the name exists, rename() would replace it.
        os.link(temporary, file)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # Takes the name, so that only what is ours is replaced.
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        temporary.rename(file)


def _write(settings: Settings, url: str, output: IO[bytes]) -> None:
    with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive, _snapshots(url) as (dbos, app, facts):
        archive.writestr(_MANIFEST, json.dumps(facts))
        for name, address, snapshot in ((_DBOS, dbos_url(url), dbos), (_APP, url, app)):
            if snapshot is not None:
                with archive.open(name, "w", force_zip64=True) as member:
                    dumping.dump(settings.home, _named(address), snapshot, member)


def _named(url: str) -> str:
    return with_options(url, application_name=restores.NAME)


@contextmanager
def _snapshots(url: str) -> Generator[tuple[str | None, str, dict[str, Any]]]:
    """Snapshots of the database of DBOS, where there is one, and then of ours; good for the time of the block."""
    with _reader(dbos_url(url)) as dbos, _reader(url) as app:
        assert app is not None
        first = None if dbos is None else _export(dbos)
        second = _export(app)
        number = app.execute("SELECT max(number) FROM app.migration").fetchone()
        keys = [
            row[0]
            for row in app.execute("SELECT key_id FROM app.master_key WHERE retired_at IS NULL ORDER BY created_at")
        ]
        facts = {
            "format": _FORMAT,
            "seezar": version("seezar"),
            "taken_at": datetime.now(UTC).isoformat(),
            "migration": number[0] if number else 0,
            "key_ids": keys,
        }
        yield first, second, facts


@contextmanager
def _reader(url: str) -> Generator[Connection | None]:
    try:
        connection = restores.connect(url)
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


def _export(connection: Connection) -> str:
    row = connection.execute("SELECT pg_export_snapshot()").fetchone()
    assert row is not None
    return str(row[0])


def _checked(archive: zipfile.ZipFile, file: Path) -> Manifest:
    try:
        manifest = _manifest(json.loads(archive.read(_MANIFEST)))
        # Reads all of it, and compares the sums.
        whole = archive.testzip() is None and _APP in archive.namelist()
    # A zip may also be encrypted, packed in a way that is not known here, or broken inside.
    except (KeyError, ValueError, TypeError, OverflowError, RuntimeError, EOFError, zlib.error) as error:
        raise _no_backup(file) from error
    newest = max(migration.number for migration in migrations())
    if manifest.format > _FORMAT or manifest.migration > newest:
        raise DatabaseTooNew(
            f"The backup was made by seezar {manifest.seezar}, which is newer than this one ({version('seezar')}).",
            kept=_UNCHANGED,
            next_step="Restore it with that version.",
        )
    if not whole:
        raise _no_backup(file)
    return manifest


def _manifest(said: Any) -> Manifest:
    """What the object in the manifest says.

    Raises:
        KeyError, ValueError, TypeError: it is not one of ours.
    """
    keys = cast("list[object]", said["key_ids"])
    right = (
        type(said["format"]) is int
        and type(said["migration"]) is int
        and isinstance(said["seezar"], str)
        and isinstance(keys, list)
        and all(isinstance(key, str) for key in keys)
    )
    if not right:
        raise TypeError("a value of another type")
    taken_at = datetime.fromisoformat(said["taken_at"]).astimezone(UTC)
    return Manifest(said["format"], said["seezar"], taken_at, said["migration"], tuple(map(str, keys)))


def _no_backup(file: Path) -> InvalidInput:
    what = f"{file} is not a backup of seezar, or not all of it is there."
    return InvalidInput(what, kept=_UNCHANGED, next_step="Take another.")


def _check_key(settings: Settings, manifest: Manifest) -> None:
    if not manifest.key_ids:
        return
    path = key_file(settings)
    # Loading would make a new key.
    there = settings.master_key is not None or path.exists()
    if there and {key.key_id for key in load_keyring(settings).keys}.issuperset(manifest.key_ids):
        return
    what = "is not the one that" if there else "is missing; it must be the one that"
    raise KeyUnusable(
        f"The master key here {what} the backup was made with.",
        kept=_UNCHANGED,
        next_step=f"Put that key into {path} (chmod 600) or SEEZAR_MASTER_KEY, and restore again.",
    )


def _check_place(server: Connection, url: str, *, replace: bool) -> None:
    databases = list(restores.names(server, url))
    _check_unused(server, databases)
    if replace or server.execute("SELECT 1 FROM pg_database WHERE datname = %s", databases[:1]).fetchone() is None:
        return
    with restores.connect(url) as connection:
        if _holds_something(connection):
            raise InvalidInput(
                "Something is stored here already.",
                kept=_UNCHANGED,
                next_step="Back it up if it is needed (seezar db backup FILE); then restore with --yes, in its place.",
            )


def _check_unused(server: Connection, databases: list[str]) -> None:
    deadline = time.monotonic() + _CLOSING_S
    while others := server.execute(
        "SELECT DISTINCT coalesce(nullif(application_name, ''), 'another program') FROM pg_stat_activity"
        " WHERE datname = ANY(%s) AND backend_type = 'client backend'",
        (databases,),
    ).fetchall():
        if time.monotonic() >= deadline:
            raise _in_use(", ".join(sorted(row[0] for row in others)))
        time.sleep(_POLL_S)


def _in_use(by: str) -> InvalidInput:
    return InvalidInput(
        f"The database is in use: {by}.",
        kept=_UNCHANGED,
        next_step="Stop everything first (seezar down), on all machines, and restore again.",
    )


def _holds_something(connection: Connection) -> bool:
    for table in ("account", "run", "mailbox", "page"):
        there = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (f"app.{table}",)).fetchone()
        if there and there[0]:
            query = sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier("app", table))
            if connection.execute(query).fetchone() is not None:
                return True
    return False


def _restore(settings: Settings, server: Connection, url: str, archive: zipfile.ZipFile, *, replace: bool) -> None:
    ours, dbos = restores.names(server, url)
    if ours == dbos:
        raise InvalidInput(
            f"The name of the database, {ours}, leaves no room for that of DBOS beside it.",
            kept=_UNCHANGED,
            next_step="Restore into one with a name of 58 bytes at most: set SEEZAR_DATABASE_URL.",
        )
    if not restores.take_lock(server, ours):
        raise InvalidInput("Another restore is at work here.", kept=_UNCHANGED, next_step="Wait for its end.")
    names = {_APP: ours, _DBOS: dbos}
    _check_place(server, url, replace=replace)
    try:
        for member in [member for member in names if member in archive.namelist()]:
            new = restores.name_beside(names[member])
            restores.drop(server, new)
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(new)))
            with archive.open(member) as dumped:
                dumping.load(settings.home, _named(with_database(url, new)), dumped)
        migrate(with_database(url, restores.name_beside(ours)))
        for name in names.values():
            restores.drop(server, restores.name_beside(name, replaced=True))
        # It has taken a while. Whoever comes after this look and is still there ends the renaming.
        _check_place(server, url, replace=replace)
        try:
            _swap(server, names, archive.namelist())
        except psycopg.errors.ObjectInUse as error:
            raise _in_use("somebody has connected meanwhile") from error
    finally:
        for name in names.values():
            restores.drop(server, restores.name_beside(name))
    for name in names.values():
        restores.drop(server, restores.name_beside(name, replaced=True))


def _swap(server: Connection, names: dict[str, str], members: list[str]) -> None:
    with server.transaction():
        for member, name in names.items():
            if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None:
                _rename(server, name, restores.name_beside(name, replaced=True))
            if member in members:
                _rename(server, restores.name_beside(name), name)


def _rename(server: Connection, old: str, new: str) -> None:
    statement = sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))
    server.execute(statement)
