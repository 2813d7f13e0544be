"""Numbered SQL migrations, each applied once and in one transaction."""

import os
import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from seezar.database.urls import with_options
from seezar.errors import DatabaseTooNew, MigrationFailed

FOLDER = Path(__file__).parent / "migrations"
_ROLES = (Path(__file__).parent / "roles.sql").read_text(encoding="utf-8")
# Whether each of the schemas that is there can be used by its role.
_GRANTED = """
SELECT NOT EXISTS (
    SELECT FROM (VALUES ('data', 'seezar_reader'), ('knowledge', 'seezar_memory')) AS of(schema, role)
    JOIN pg_namespace n ON n.nspname = of.schema
    WHERE NOT EXISTS (
        SELECT FROM aclexplode(n.nspacl) a JOIN pg_roles r ON r.oid = a.grantee
        WHERE r.rolname = of.role AND a.privilege_type = 'USAGE'))
"""
# Any constant does: it only has to be the same in every process that migrates.
_LOCK = 7_001_000
# So long it is waited for another process that migrates, and for a table that somebody has locked.
_WAIT_S = 60.0
# Longer host names would push the rest out of the 63 bytes of an application name.
_HOST_BYTES = 24
# A process that was killed, or whose machine is gone, holds the lock only until the server notices.
_NOTICE_THE_DEAD = {
    "client_connection_check_interval": "2s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
# Who holds the lock: the two halves of the key of a lock that has one number.
_HOLDER = (
    "SELECT a.pid, a.application_name, a.backend_start FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
    " WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = %s AND l.objsubid = 1 AND l.granted"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_OLDEST_TRANSACTION = (
    "SELECT pid, application_name, xact_start FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL ORDER BY xact_start LIMIT 1"
)
type _Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Migration:
    """A file `NNNN_name.sql`."""

    number: int
    name: str
    sql: str

    @property
    def title(self) -> str:
        """Number and name, as in the name of its file."""
        return f"{self.number:04d}_{self.name}"


@dataclass(frozen=True)
class Holder:
    """Who is in the way.

    Attributes:
        pid: of its process on the server, not of the program.
        application: its name; that of a process which migrates says which it is, and where.
        since: None when this role may not know.
    """

    pid: int
    application: str
    since: datetime | None

    def __str__(self) -> str:
        since = f", since {self.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        return f"{self.application or 'a program without a name'}, connection {self.pid}{since}"

    @property
    def remedy(self) -> str:
        """What to do when it never ends."""
        return (
            f"Should it never end, end that process, or its connection: SELECT pg_terminate_backend({self.pid}). What"
            " it began is rolled back."
        )


@dataclass(frozen=True)
class MigrationState:
    """How far a database is: what was applied, what this version would still apply, what only a newer one knows, and
    who is at it now.
    """

    applied: list[str]
    pending: list[str]
    unknown: list[str]
    holder: Holder | None


def migrations() -> list[Migration]:
    """All migrations of this version, in order.

    Raises:
        ValueError: two files have the same number or a name is not of the form.
    """
    found: dict[int, Migration] = {}
    for path in sorted(FOLDER.glob("*.sql")):
        match = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", path.name)
        if match is None:
            raise ValueError(f"{path.name}: a migration is named NNNN_name.sql")
        number = int(match[1])
        if number in found:
            raise ValueError(f"{path.name}: number {number} is taken by {found[number].name}")
        found[number] = Migration(number, match[2], path.read_text(encoding="utf-8"))
    return list(found.values())


def migrate(url: str) -> list[str]:
    """Bring the database at `url` up to this version; returns the names of what was applied.

    Safe to call from several processes at once: an advisory lock lets one do the work while the rest wait, a minute at
    most.

    Raises:
        DatabaseTooNew: the database has a migration that this version does not know.
        MigrationFailed: the server refused a statement, or a table stayed locked; that migration was rolled back, those
            before it stay. Or another process did not come to an end with its own.
        psycopg.OperationalError: the connection broke; that migration was rolled back as well.
    """
    applied: list[str] = []
    known = migrations()
    named = with_options(url, application_name=_name())
    with psycopg.connect(named, autocommit=True, connect_timeout=10) as connection:
        _take_lock(connection)
        connection.execute("CREATE SCHEMA IF NOT EXISTS app")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS app.migration"
            " (number int PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        done = {row[0] for row in connection.execute("SELECT number FROM app.migration")}
        unknown = done - {migration.number for migration in known}
        if unknown:
            raise too_new(f"migration {max(unknown)}")
        for migration in known:
            if migration.number in done:
                continue
            try:
                with connection.transaction():
                    connection.execute(migration.sql.encode())
                    connection.execute(
                        "INSERT INTO app.migration (number, name) VALUES (%s, %s)", (migration.number, migration.name)
                    )
            except psycopg.errors.LockNotAvailable as error:
                in_the_way = _who(connection, _OLDEST_TRANSACTION)
                raise _failed(migration, known, done, error, in_the_way) from error
            except psycopg.OperationalError:
                raise
            except psycopg.Error as error:
                raise _failed(migration, known, done, error) from error
            done.add(migration.number)
            applied.append(migration.title)
        if connection.execute(_GRANTED).fetchone() != (True,):
            connection.execute(_ROLES.encode())
    return applied


def too_new(what: str) -> DatabaseTooNew:
    """The error for a database that has `what` in it, of which this version knows nothing."""
    return DatabaseTooNew(
        f"The database has {what}, which this version of seezar does not know.",
        kept="Nothing was changed.",
        next_step="Use the newer seezar that made it, or another SEEZAR_HOME.",
    )


def state(url: str) -> MigrationState:
    """How far the database at `url` is. Changes nothing.

    Raises:
        psycopg.Error: it does not answer.
    """
    known = migrations()
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        there = connection.execute("SELECT to_regclass('app.migration') IS NOT NULL").fetchone()
        rows = connection.execute("SELECT number, name FROM app.migration") if there and there[0] else ()
        done = {row[0]: row[1] for row in rows}
        holder = _who(connection, _HOLDER, _LOCK)
    numbers = {migration.number for migration in known}
    return MigrationState(
        applied=[f"{number:04d}_{done[number]}" for number in sorted(done)],
        pending=[migration.title for migration in known if migration.number not in done],
        unknown=[f"{number:04d}_{done[number]}" for number in sorted(set(done) - numbers)],
        holder=holder,
    )


def _name() -> str:
    """What this process is called on the server: also for whoever has to end it there."""
    host = socket.gethostname().encode("ascii", "replace")[:_HOST_BYTES].decode()
    return f"seezar-migrate (process {os.getpid()} on {host})"


def _take_lock(connection: _Connection) -> None:
    for name, value in _NOTICE_THE_DEAD.items():
        # An older server, or one on a system that cannot tell, does not know all of them.
        with suppress(psycopg.errors.UndefinedObject, psycopg.errors.InvalidParameterValue):
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    connection.execute("SELECT set_config('lock_timeout', %s, false)", (f"{_WAIT_S * 1000:.0f}ms",))
    try:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    except psycopg.errors.LockNotAvailable as error:
        holder = _who(connection, _HOLDER, _LOCK)
        who = f": {holder}" if holder else ""
        raise MigrationFailed(
            f"Another process is migrating the database and was not done within {_WAIT_S:.0f} s{who}.",
            kept="Nothing was changed here.",
            next_step=f"Wait for it, then try again. {holder.remedy}" if holder else "It has ended now: try again.",
        ) from error


def _who(connection: _Connection, query: str, *args: int) -> Holder | None:
    row = connection.execute(query.encode(), args).fetchone()
    return None if row is None else Holder(row[0], row[1] or "", row[2])


def _failed(
    migration: Migration, known: list[Migration], done: set[int], error: psycopg.Error, in_the_way: Holder | None = None
) -> MigrationFailed:
    reason = (error.diag.message_primary or type(error).__name__).rstrip(".")
    stands = max((one for one in known if one.number in done), key=lambda one: one.number, default=None)
    where = f"stands at {stands.title}" if stands else "is still empty"
    step = f"End what is in its way ({in_the_way})" if in_the_way else "Remove what is in its way"
    return MigrationFailed(
        f"The migration {migration.title} was refused by the database: {reason}.",
        kept=f"All of it was rolled back: the database {where}, and nothing was lost.",
        next_step=f"{step}, then run seezar db migrate. Until then the seezar of before works.",
    )
