"""Numbered SQL migrations, each applied once and in one transaction."""

import re
from dataclasses import dataclass
from pathlib import Path

import psycopg

from seezar.errors import DatabaseTooNew

FOLDER = Path(__file__).parent / "migrations"
# Any constant does: it only has to be the same in every process that migrates.
_LOCK = 7_001_000


@dataclass(frozen=True)
class Migration:
    """A file `NNNN_name.sql`."""

    number: int
    name: str
    sql: str


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
        psycopg.Error: the server refused a statement; that migration was rolled back.
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
            with connection.transaction():
                connection.execute(migration.sql.encode())
                connection.execute(
                    "INSERT INTO app.migration (number, name) VALUES (%s, %s)", (migration.number, migration.name)
                )
            applied.append(f"{migration.number:04d}_{migration.name}")
    return applied
