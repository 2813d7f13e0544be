"""Numbered SQL migrations, each applied once and in one transaction."""

import re
from dataclasses import dataclass
from pathlib import Path

import psycopg

from seezar.errors import DatabaseTooNew, MigrationFailed

FOLDER = Path(__file__).parent / "migrations"
# Any constant does: it only has to be the same in every process that migrates.
_LOCK = 7_001_000


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
class MigrationState:
    """How far a database is: what was applied, what this version would still apply, what only a newer one knows.

    `applying` is whether some process is at it now.
    """

    applied: list[str]
    pending: list[str]
    unknown: list[str]
    applying: bool


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

    Safe to call from several processes at once: an advisory lock lets one do the work while the rest wait.

    Raises:
        DatabaseTooNew: the database has a migration that this version does not know.
        MigrationFailed: the server refused a statement; that migration was rolled back, those before it stay.
        psycopg.OperationalError: the connection broke; the same.
    """
    applied: list[str] = []
    known = migrations()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        connection.execute("CREATE SCHEMA IF NOT EXISTS app")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS app.migration"
            " (number int PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        done = {row[0] for row in connection.execute("SELECT number FROM app.migration")}
        unknown = done - {migration.number for migration in known}
        if unknown:
            raise DatabaseTooNew(
                f"The database has migration {max(unknown)}, which this version of seezar does not know.",
                kept="Nothing was changed.",
                next_step="Use the newer seezar that made it, or another SEEZAR_HOME.",
            )
        for migration in known:
            if migration.number in done:
                continue
            try:
                with connection.transaction():
                    connection.execute(migration.sql.encode())
                    connection.execute(
                        "INSERT INTO app.migration (number, name) VALUES (%s, %s)", (migration.number, migration.name)
                    )
            except psycopg.OperationalError:
                raise
            except psycopg.Error as error:
                raise _failed(migration, known, done, error) from error
            done.add(migration.number)
            applied.append(migration.title)
    return applied


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
        # The two halves of the key of a lock that has one number.
        lock = connection.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND objid = %s"
            " AND objsubid = 1 AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
            (_LOCK,),
        ).fetchone()
    numbers = {migration.number for migration in known}
    return MigrationState(
        applied=[f"{number:04d}_{done[number]}" for number in sorted(done)],
        pending=[migration.title for migration in known if migration.number not in done],
        unknown=[f"{number:04d}_{done[number]}" for number in sorted(set(done) - numbers)],
        applying=bool(lock and lock[0]),
    )


def _failed(migration: Migration, known: list[Migration], done: set[int], error: psycopg.Error) -> MigrationFailed:
    reason = (error.diag.message_primary or type(error).__name__).rstrip(".")
    stands = max((one for one in known if one.number in done), key=lambda one: one.number, default=None)
    where = f"stands at {stands.title}" if stands else "is still empty"
    return MigrationFailed(
        f"The migration {migration.title} was refused by the database: {reason}.",
        kept=f"All of it was rolled back: the database {where}, and nothing was lost.",
        next_step="Remove what is in its way, then run seezar db migrate. Until then the seezar of before works.",
    )
