"""Looking for the demo's secrets where none may be: every row of every table, every log, every other file of the
home.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

# The database's own files hold what the tables hold (searched as rows), and old versions of it; the key is a secret
# itself.
_NOT_SEARCHED = ("postgres", "master.key")


@dataclass(frozen=True)
class Search:
    """What was searched, and where a secret was found (`table` or file name, never the secret)."""

    rows: int
    files: int
    found: tuple[str, ...]


def search(urls: Iterable[str], folders: Iterable[Path], secrets: Iterable[str]) -> Search:
    """Search the databases at `urls` and all files below `folders` for `secrets`.

    Raises:
        psycopg.Error: a database cannot be read.
    """
    wanted = [_pattern(secret) for secret in secrets if secret]
    found: list[str] = []
    rows = files = 0
    for url in urls:
        for table, row in _rows(url):
            rows += 1
            if any(pattern.search(value) for pattern in wanted for value in row):
                found.append(table)
    for folder in folders:
        for path in _files(folder):
            files += 1
            content = path.read_bytes()
            if any(pattern.search(content) for pattern in wanted):
                found.append(path.name)
    return Search(rows, files, tuple(dict.fromkeys(found)))


def _pattern(secret: str) -> re.Pattern[bytes]:
    # Six digits turn up inside longer numbers (times, ids, encrypted bytes) by chance; a code stands by itself.
    text = re.escape(secret.encode())
    return re.compile(rb"(?<![0-9A-Za-z.])" + text + rb"(?![0-9A-Za-z])") if secret.isdigit() else re.compile(text)


def _rows(url: str) -> Iterable[tuple[str, list[bytes]]]:
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in tables:
            query = sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, table))
            for row in connection.execute(query):
                # Bytes as they are: printed as hex, what they hold would never be found.
                yield (
                    f"{schema}.{table}",
                    [v if isinstance(v, bytes) else str(v).encode() for v in row if v is not None],
                )


def _files(folder: Path) -> Iterable[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not set(path.relative_to(folder).parts) & set(_NOT_SEARCHED):
            yield path
