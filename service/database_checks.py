"""What `seezar doctor` asks the database: its migrations, the key of what is stored, worker slots, stranded runs, the
clock.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import psycopg

from seezar.database.migrate import state
from seezar.database.pool import unavailable
from seezar.database.urls import with_options
from seezar.errors import SeezarError
from seezar.settings import Settings
from service.disk_checks import disk
from service.findings import Finding, fine
from workflows.ground import WORKER_READY, migrate_database, passing_database
from workflows.names import LOCK_READY, LOCK_SLOT
from workflows.registry import live_workers

_NAME = "seezar-client-doctor"
# What the clocks of two machines may differ by before anything is told; and what breaks deadlines and codes.
_SKEW_WARNING_S = 2.0
_SKEW_WRONG_S = 30.0
_SHOWN_RUNS = 3
_SLOTS = (
    "SELECT l.objid::int AS slot, w.pid, w.host FROM pg_locks l LEFT JOIN app.worker w ON w.slot = l.objid::int"
    " WHERE l.locktype = 'advisory' AND l.classid = %s AND l.granted"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY l.objid"
)
_RUNNING = "SELECT workflow_uuid, executor_id FROM dbos.workflow_status WHERE status = 'PENDING' ORDER BY created_at"


def database(settings: Settings) -> Iterator[Finding]:
    """All that the database can tell, and the room on its disk. One that was started for it is stopped again."""
    try:
        with passing_database(settings, migrated=False) as url:
            yield from _asked(settings, url)
            yield from disk(settings, url)
    except SeezarError as error:
        yield Finding.of("PostgreSQL", error)
        yield from disk(settings, None)


def _asked(settings: Settings, url: str) -> Iterator[Finding]:
    try:
        yield from _server(settings, url)
        migrations = _migrations(url)
        yield migrations
        if migrations.level == "ok":
            yield _stored_key(settings, url)
            yield from _slots(settings, url)
            yield _clock(url)
    except psycopg.Error as error:
        yield Finding.of("PostgreSQL", unavailable(url, error))


def _connect(url: str) -> "psycopg.Connection[tuple[Any, ...]]":
    return psycopg.connect(with_options(url, application_name=_NAME), connect_timeout=5, autocommit=True)


def _server(settings: Settings, url: str) -> Iterator[Finding]:
    with _connect(url) as connection:
        server = connection.info.parameter_status("server_version")
        row = connection.execute("SELECT default_version FROM pg_available_extensions WHERE name = 'vector'").fetchone()
    kind = "embedded" if settings.database_url is None else "SEEZAR_DATABASE_URL"
    yield fine("PostgreSQL", f"{server} ({kind})")
    if row:
        yield fine("pgvector", str(row[0]))
    else:
        advice = "Install pgvector on that server, then run init.sql there."
        yield Finding("pgvector", "wrong", "not installed", advice)


def _migrations(url: str) -> Finding:
    found = state(url)
    if found.applying:
        detail = f"another process is applying them: {', '.join(found.pending) or 'none is left'}"
        advice = "Wait for it. Should it never end, end that process: what it began is rolled back."
        return Finding("Migrations", "warning", detail, advice)
    try:
        applied = migrate_database(url)
    except SeezarError as error:
        return Finding.of("Migrations", error)
    now = f"; applied just now: {', '.join(applied)}" if applied and found.applied else ""
    return fine("Migrations", f"up to date, the last is {state(url).applied[-1]}{now}")


def _stored_key(settings: Settings, url: str) -> Finding:
    from seezar.application import Application

    async def open_it() -> None:
        async with await Application.open(settings, url, application_name=_NAME, max_connections=1):
            pass

    try:
        asyncio.run(open_it())
    except SeezarError as error:
        return Finding.of("Stored secrets", error)
    return fine("Stored secrets", "they open with this master key")


def _slots(settings: Settings, url: str) -> Iterator[Finding]:
    with _connect(url) as connection:
        taken = connection.execute(_SLOTS, (LOCK_SLOT,)).fetchall()
        ready = connection.execute(WORKER_READY, (LOCK_READY,)).fetchone() is not None
    here = {worker.slot: worker.pid for worker in live_workers(settings)}
    if taken:
        said = [f"{slot}: {_holder(pid, host, ours=here.get(slot) == pid)}" for slot, pid, host in taken]
        yield fine("Worker slots", ", ".join(said) + ("" if ready else "; none takes runs yet"))
    else:
        yield fine("Worker slots", "none taken; the first command that needs a worker starts one")
    yield from _stranded(url, {f"worker-{row[0]}" for row in taken}, ready=ready)


def _holder(pid: int | None, host: str | None, *, ours: bool) -> str:
    if pid is None:
        return "a process that has not said its name yet"
    return f"process {pid}" if ours else f"process {pid} on {host}, of another home"


def _stranded(url: str, live: set[str], *, ready: bool) -> Iterator[Finding]:
    """Runs that no worker has: those of dead slots, and those of a version that no worker has."""
    from workflows.adoption import stranded

    rows = _running_workflows(url)
    dead = [str(row[0]) for row in rows if row[1] not in live]
    if dead and ready:
        yield Finding("Runs of dead workers", "warning", _listed(dead), "A live worker takes them up within seconds.")
    elif dead:
        advice = "They go on where they stopped as soon as a worker runs: seezar worker, or seezar up."
        yield Finding("Runs of dead workers", "warning", _listed(dead), advice)
    else:
        yield fine("Runs of dead workers", "none")
    for run in stranded(url)[:_SHOWN_RUNS]:
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


def _clock(url: str) -> Finding:
    with _connect(url) as connection:
        before = time.time()
        row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float").fetchone()
        after = time.time()
        totp = connection.execute("SELECT count(*) FROM app.account WHERE totp_ref IS NOT NULL").fetchone()
    assert row is not None
    assert totp is not None
    # What the way there and back took cannot be told from a difference.
    skew = row[0] - (before + after) / 2
    sure = max(0.0, abs(skew) - (after - before) / 2)
    needs = "; TOTP codes need the right time to within 30 s: compare it with a clock elsewhere" if totp[0] else ""
    if sure < _SKEW_WARNING_S:
        return fine("Clock", f"agrees with that of PostgreSQL{needs}")
    return Finding(
        "Clock",
        "wrong" if sure >= _SKEW_WRONG_S else "warning",
        f"that of PostgreSQL is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}{needs}",
        "Set both clocks by a time server: timedatectl set-ntp true.",
    )
