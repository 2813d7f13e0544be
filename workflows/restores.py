"""The databases that a restore makes beside those that it replaces: their names, and what one that was cut off left."""

import hashlib
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from seezar.database.urls import database_of, with_database, with_options
from workflows.engine import dbos_url

type Connection = psycopg.Connection[tuple[Any, ...]]

# Counts as a client: nobody stops the database, nor the worker, in the middle.
NAME = "seezar-client-backup"
_MAINTENANCE = "postgres"
# First half of the key of the lock of who restores; the second is of the database.
_LOCK = 7_001_100


@dataclass(frozen=True)
class Leftover:
    """A database that a restore made and that is there still.

    Attributes:
        name: its name.
        replaced: it holds what was stored before a restore that is done; otherwise what one had begun to fill.
        size: bytes.
        at_work: the restore goes on.
    """

    name: str
    replaced: bool
    size: int
    at_work: bool


def connect(url: str) -> Connection:
    """A connection that counts as a client."""
    return psycopg.connect(with_options(url, application_name=NAME), connect_timeout=10)


def connect_beside(url: str) -> Connection:
    """A connection to the server of `url` that stands in the way of no renaming there, in autocommit."""
    connection = connect(with_database(url, _MAINTENANCE))
    connection.autocommit = True
    return connection


def names(server: Connection, url: str) -> tuple[str, str]:
    """The databases at `url`, ours and that of DBOS, as the server calls them: it cuts what is too long."""
    row = server.execute(
        "SELECT %s::text::name::text, %s::text::name::text", (database_of(url), database_of(dbos_url(url)))
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def name_beside(database: str, *, replaced: bool = False) -> str:
    """What stands in for `database` on the way in, or with `replaced` on the way out.

    However long its own name is, the server does not cut this one: it can be no other's.
    """
    return f"seezar_{'replaced' if replaced else 'restoring'}_{_digest(database).hex()}"


def take_lock(server: Connection, database: str) -> bool:
    """Become the only one who restores `database`, for as long as the connection lives; False when another one is."""
    row = server.execute("SELECT pg_try_advisory_lock(%s, %s)", (_LOCK, _number(database))).fetchone()
    return bool(row and row[0])


def drop(server: Connection, name: str) -> None:
    """Drop a database, with all who are connected to it."""
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def leftovers(connection: Connection, url: str) -> list[Leftover]:
    """What restores of the databases at `url` have left, or have in hand; any connection to its server can tell.

    Raises:
        psycopg.Error: the server does not answer.
    """
    ours, dbos = names(connection, url)
    kinds = {name_beside(name, replaced=replaced): replaced for name in (ours, dbos) for replaced in (False, True)}
    rows = connection.execute(
        "SELECT datname, CASE WHEN has_database_privilege(oid, 'CONNECT') THEN pg_database_size(oid) END"
        " FROM pg_database WHERE datname = ANY(%s) ORDER BY datname",
        (list(kinds),),
    ).fetchall()
    # 32 bits with a sign there, without one here.
    held = connection.execute(
        "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s AND objsubid = 2"
        " AND granted",
        (_LOCK, _number(ours) % 2**32),
    ).fetchone()
    return [Leftover(name, kinds[name], size or 0, held is not None) for name, size in rows]


def remove_leftovers(url: str) -> int:
    """Drop what restores of the databases at `url` have left; returns how many databases. What is in hand stays.

    Raises:
        psycopg.Error: the server refuses it.
    """
    with connect(url) as connection:
        if not leftovers(connection, url):
            return 0
    with connect_beside(url) as server:
        if not take_lock(server, names(server, url)[0]):
            return 0
        # Only now nobody else changes them.
        found = leftovers(server, url)
        for leftover in found:
            drop(server, leftover.name)
    return len(found)


def _digest(database: str) -> bytes:
    return hashlib.sha256(database.encode()).digest()[:4]


def _number(database: str) -> int:
    return int.from_bytes(_digest(database), signed=True)
