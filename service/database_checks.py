"""What `seezar doctor` asks the database: its migrations, the key of what is stored, worker slots, stranded runs, what
restores have left, the clock. Nothing of it changes anything there.
"""

import asyncio
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from seezar.database.migrate import MigrationState, state, too_new
from seezar.database.pool import unavailable
from seezar.database.urls import check_url, database_of, with_options
from seezar.errors import SeezarError
from seezar.settings import Settings
from seezar.vault.keys import key_file
from service.clock_checks import clock
from service.disk_checks import disk
from service.findings import Finding, fine, isolated
from workflows import restores
from workflows.ground import WORKER_READY, passing_database
from workflows.names import LOCK_READY, LOCK_SLOT
from workflows.registry import live_workers

type _Connection = psycopg.Connection[tuple[Any, ...]]

_NAME = "seezar-client-doctor"
_SHOWN_RUNS = 3
_NO_WORKER = "none taken; the first command that needs a worker starts one"
_SLOTS = (
    "SELECT l.objid::int AS slot, w.pid, w.host FROM pg_locks l LEFT JOIN app.worker w ON w.slot = l.objid::int"
    " WHERE l.locktype = 'advisory' AND l.classid = %s AND l.granted"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY l.objid"
)
_RUNNING = "SELECT workflow_uuid, executor_id FROM dbos.workflow_status WHERE status = 'PENDING' ORDER BY created_at"


def database(settings: Settings) -> Iterator[Finding]:
    """All that the database can tell, and the room on its disk. One that was started for it is stopped again."""
    try:
        with _running(settings) as url:
            yield from _asked(settings, url)
            yield from isolated("Disk", lambda: disk(settings, url))
    except SeezarError as error:
        yield Finding.of("PostgreSQL", error)
        yield from isolated("Disk", lambda: disk(settings, None))


@contextmanager
def _running(settings: Settings) -> Generator[str]:
    if settings.database_url is not None:
        # A database that is not there is not made.
        yield check_url(settings.database_url)
        return
    with passing_database(settings, migrated=False) as url:
        yield url


def _asked(settings: Settings, url: str) -> Iterator[Finding]:
    try:
        # Held for the whole time: nobody stops the embedded server meanwhile.
        with _connect(url) as connection:
            yield from _each(url, "PostgreSQL", lambda: _server(settings, connection))
            yield from _each(url, "Migrations", lambda: _stored(settings, connection, url))
            yield from _each(url, "Restores", lambda: _restores(connection, url))
            yield from _each(url, "Clock", lambda: iter([clock(connection)]))
    except psycopg.Error as error:
        if f'database "{database_of(url)}" does not exist' in str(error):
            advice = "The first command makes it, or seezar db start, if that role may; else see init.sql."
            yield Finding("PostgreSQL", "warning", f"answers, but has no database {database_of(url)}", advice)
        else:
            yield Finding.of("PostgreSQL", unavailable(url, error))


def _each(url: str, check: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What `look` finds; what the database answers to it instead is a finding as well."""

    def told() -> Iterator[Finding]:
        try:
            yield from look()
        except psycopg.Error as error:
            raise unavailable(url, error) from error

    return isolated(check, told)


def _connect(url: str) -> _Connection:
    return psycopg.connect(with_options(url, application_name=_NAME), connect_timeout=5, autocommit=True)


def _server(settings: Settings, connection: _Connection) -> Iterator[Finding]:
    server = connection.info.parameter_status("server_version")
    row = connection.execute("SELECT default_version FROM pg_available_extensions WHERE name = 'vector'").fetchone()
    kind = "embedded" if settings.database_url is None else "SEEZAR_DATABASE_URL"
    yield fine("PostgreSQL", f"{server} ({kind})")
    if row:
        yield fine("pgvector", str(row[0]))
    else:
        advice = "Install pgvector on that server, then run init.sql there."
        yield Finding("pgvector", "wrong", "not installed", advice)


def _stored(settings: Settings, connection: _Connection, url: str) -> Iterator[Finding]:
    """How far the database is, and what only one that is up to date can tell."""
    found = state(url)
    yield _migrations(found)
    if not found.applied:
        yield fine("Stored secrets", "none yet")
        yield fine("Worker slots", _NO_WORKER)
    elif not found.pending and not found.unknown:
        yield from _each(url, "Stored secrets", lambda: iter([_stored_key(settings, connection, url)]))
        yield from _each(url, "Worker slots", lambda: _slots(settings, connection, url))


def _migrations(found: MigrationState) -> Finding:
    pending = ", ".join(found.pending)
    if found.holder:
        detail = f"another process is applying them ({found.holder}): {pending or 'none is left'}"
        return Finding("Migrations", "warning", detail, f"Wait for it. {found.holder.remedy}")
    if found.unknown:
        return Finding.of("Migrations", too_new(", ".join(found.unknown)))
    if not found.applied:
        return fine("Migrations", "none yet, the database is new; the first command applies them")
    stands = f"the last is {found.applied[-1]}"
    if found.pending:
        advice = "The next command applies them; seezar db migrate does it now. If one is refused, it says why."
        return Finding("Migrations", "warning", f"{stands}; missing: {pending}", advice)
    return fine("Migrations", f"up to date, {stands}")


def _stored_key(settings: Settings, connection: _Connection, url: str) -> Finding:
    from seezar.application import Application

    async def open_it() -> None:
        async with await Application.open(settings, url, application_name=_NAME, max_connections=1):
            pass

    if connection.execute("SELECT 1 FROM app.master_key LIMIT 1").fetchone() is None:
        return fine("Stored secrets", "none yet")
    path = key_file(settings)
    # Opening would make a new key.
    if settings.master_key is None and not path.exists():
        advice = f"Put the key that they were stored with into {path} (chmod 600) or SEEZAR_MASTER_KEY."
        return Finding("Stored secrets", "wrong", "there are some, and the master key is missing", advice)
    try:
        asyncio.run(open_it())
    except SeezarError as error:
        return Finding.of("Stored secrets", error)
    standing = "SELECT count(*) FROM app.master_key k WHERE to_jsonb(k) ->> 'retired_at' IS NULL"
    counted = connection.execute(standing).fetchone()
    if counted is not None and counted[0] > 1:
        advice = "Carry on: seezar vault rotate. seezar vault status says how far it is."
        return Finding("Stored secrets", "warning", "they open, and the master key is being exchanged", advice)
    return fine("Stored secrets", "they open with this master key")


def _slots(settings: Settings, connection: _Connection, url: str) -> Iterator[Finding]:
    taken = connection.execute(_SLOTS, (LOCK_SLOT,)).fetchall()
    ready = connection.execute(WORKER_READY, (LOCK_READY,)).fetchone() is not None
    here = {worker.slot: worker.pid for worker in live_workers(settings)}
    if taken:
        said = [f"{slot}: {_holder(pid, host, ours=here.get(slot) == pid)}" for slot, pid, host in taken]
        yield fine("Worker slots", ", ".join(said) + ("" if ready else "; none takes runs yet"))
    else:
        yield fine("Worker slots", _NO_WORKER)
    live = {f"worker-{row[0]}" for row in taken}
    yield from _each(url, "Runs of dead workers", lambda: _runs(url, live, ready=ready))


def _holder(pid: int | None, host: str | None, *, ours: bool) -> str:
    if pid is None:
        return "a process that has not said its name yet"
    return f"process {pid}" if ours else f"process {pid} on {host}, of another home"


def _runs(url: str, live: set[str], *, ready: bool) -> Iterator[Finding]:
    """Runs that no worker has: those of dead slots, and those of a version that no worker has."""
    from workflows.adoption import stranded

    others = stranded(url)
    # Those wait for more than a worker.
    strange = {run.workflow_id for run in others}
    dead = [str(row[0]) for row in _running_workflows(url) if row[1] not in live and row[0] not in strange]
    if dead and ready:
        yield Finding("Runs of dead workers", "warning", _listed(dead), "A live worker takes them up within seconds.")
    elif dead:
        advice = "They go on where they stopped as soon as a worker runs: seezar worker, or seezar up."
        yield Finding("Runs of dead workers", "warning", _listed(dead), advice)
    else:
        yield fine("Runs of dead workers", "none")
    for run in others[:_SHOWN_RUNS]:
        yield Finding("Runs of another version", "warning", f"{run.run_id}. {run.reason}", run.next_step)


def _running_workflows(url: str) -> list[tuple[Any, ...]]:
    from workflows.engine import dbos_url

    try:
        with _connect(dbos_url(url)) as connection:
            return connection.execute(_RUNNING).fetchall()
    except (psycopg.errors.InvalidCatalogName, psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        # The first worker makes them.
        return []
    except psycopg.OperationalError as error:
        if "does not exist" in str(error):
            return []
        raise


def _listed(ids: list[str]) -> str:
    shown = ", ".join(ids[:_SHOWN_RUNS])
    return shown if len(ids) <= _SHOWN_RUNS else f"{shown} and {len(ids) - _SHOWN_RUNS} more"


def _restores(connection: _Connection, url: str) -> Iterator[Finding]:
    """Databases that a restore made and did not remove."""
    found = restores.leftovers(connection, url)
    if any(leftover.at_work for leftover in found):
        yield fine("Restores", "one is at work")
    elif found:
        advice = f"seezar db clean removes {'it' if len(found) == 1 else 'them'}, and so does the next restore."
        yield Finding("Restores", "warning", "one was cut off: " + ", ".join(map(_what, found)), advice)
    else:
        yield fine("Restores", "none was cut off")


def _what(leftover: restores.Leftover) -> str:
    held = "what was stored before it" if leftover.replaced else "what it had not finished"
    return f"the database {leftover.name} holds {held} ({leftover.size / 1024**2:.0f} MB)"
