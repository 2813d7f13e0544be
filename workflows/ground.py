"""The ground that every process stands on: a running, migrated database and a ready worker. Whoever comes first lays
it.
"""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from seezar.database.embedded import EmbeddedServer
from seezar.database.migrate import migrate
from seezar.database.pool import unavailable
from seezar.database.urls import check_url, database_of, with_database, with_options
from seezar.errors import WorkerUnavailable
from seezar.files import file_lock, private_folder
from seezar.settings import Settings
from seezar.telemetry.setup import telemetry
from seezar.vault.keys import check_master_key
from workflows.names import APPLICATION_VERSION, LOCK_READY, QUEUE_BROWSER, QUEUE_SIGN_IN
from workflows.registry import write_starting

log = logging.getLogger("seezar.ground")

# Takes LOCK_READY; a row when workers of this version take runs, and every queue is served by one.
WORKER_READY = (
    "SELECT 1 AS ready FROM pg_locks l JOIN app.worker w ON w.slot = l.objid::int CROSS JOIN unnest(w.queues) q"  # noqa: S608
    " WHERE l.locktype = 'advisory' AND l.classid = %s AND l.granted"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    f" AND w.version = '{APPLICATION_VERSION}'"
    f" HAVING array_agg(q) @> ARRAY['{QUEUE_SIGN_IN}', '{QUEUE_BROWSER}']"
)
# Counts as a client, so that the database is not stopped between this look and the first use.
_NAME = "seezar-client-ground"
_WORKER_START_S = 60.0
# So long a connection that was closed just now may still be listed.
_LEAVING_S = 0.5
_POLL_S = 0.05


def start_lock(settings: Settings) -> Path:
    """The lock under which database and worker of a home are started and stopped."""
    return settings.run_dir / "start.lock"


def database_address(settings: Settings) -> str | None:
    """The URL of the `seezar` database, or None when the embedded server does not run. Starts nothing.

    Raises:
        SettingsInvalid: SEEZAR_DATABASE_URL cannot be used.
    """
    if settings.database_url is not None:
        return check_url(settings.database_url)
    return EmbeddedServer(settings.home).url()


def prepare_database(settings: Settings) -> str:
    """A running, migrated `seezar` database; returns its URL.

    Raises:
        DatabaseUnavailable: it cannot be started, reached or migrated.
        DatabaseTooNew: a newer seezar has migrated it.
        SettingsInvalid: SEEZAR_DATABASE_URL cannot be used.
    """
    url = start_database(settings)
    migrate_database(url)
    return url


def start_database(settings: Settings) -> str:
    """A running `seezar` database, of whatever version; returns its URL.

    Raises:
        DatabaseUnavailable: it cannot be started or reached.
        SettingsInvalid: SEEZAR_DATABASE_URL cannot be used.
    """
    if settings.database_url is None:
        with file_lock(start_lock(settings)):
            return EmbeddedServer(settings.home).start()
    url = check_url(settings.database_url)
    try:
        _create_if_missing(url)
    except psycopg.Error as error:
        raise unavailable(url, error) from error
    return url


def migrate_database(url: str) -> list[str]:
    """Bring the database at `url` up to this version; returns the names of the migrations that were applied.

    Raises:
        DatabaseUnavailable: it cannot be reached or migrated.
        DatabaseTooNew: a newer seezar has migrated it.
    """
    try:
        return migrate(url)
    except psycopg.Error as error:
        raise unavailable(url, error) from error


@contextmanager
def passing_database(settings: Settings, *, migrated: bool = True) -> Generator[str]:
    """A running database for the time of the block; one that was started for it is stopped again. Gives its URL.

    Args:
        migrated: False leaves it at the version that it has.

    Raises:
        DatabaseUnavailable, DatabaseTooNew, MigrationFailed, SettingsInvalid: as `prepare_database`.
    """
    was_running = settings.database_url is not None or EmbeddedServer(settings.home).pid() is not None
    try:
        yield prepare_database(settings) if migrated else start_database(settings)
    finally:
        if not was_running:
            stop_database_if_unused(settings)


def ensure_running(settings: Settings, *, worker: bool = True) -> str:
    """A migrated database and, with `worker`, at least one worker that takes runs; returns the database URL.

    What is missing is started in the background and stops by itself after `settings.worker_idle_exit` seconds without
    client and work.

    Raises:
        DatabaseUnavailable, DatabaseTooNew, SettingsInvalid: as `prepare_database`.
        KeyUnusable: the master key is damaged, or others may read its file.
        WorkerUnavailable: no worker could be started.
    """
    if worker:
        # A worker would end at once with the same complaint; raised here, it keeps its type, and nothing was started.
        check_master_key(settings)
    url = prepare_database(settings)
    if worker and not worker_ready(url):
        with file_lock(settings.run_dir / "worker.lock"):
            if not worker_ready(url):
                _spawn_worker(settings, url)
    return url


def worker_ready(url: str) -> bool:
    """Whether a worker takes runs.

    Raises:
        DatabaseUnavailable: the database does not answer.
    """
    try:
        with psycopg.connect(with_options(url, application_name=_NAME), connect_timeout=5) as connection:
            row = connection.execute(WORKER_READY, (LOCK_READY,)).fetchone()
    except psycopg.errors.UndefinedTable:
        # Nobody has migrated it yet.
        return False
    except psycopg.OperationalError as error:
        raise unavailable(url, error) from error
    return row is not None


def stop_database_if_unused(settings: Settings) -> None:
    """Stop the embedded database unless a client or another worker uses it. The lock keeps newcomers waiting
    meanwhile.
    """
    if settings.database_url is not None:
        return
    server = EmbeddedServer(settings.home)
    with file_lock(start_lock(settings)):
        url = server.url()
        if url is None:
            return
        if not _used(url):
            server.stop()


def _used(url: str) -> bool:
    deadline = time.monotonic() + _LEAVING_S
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute("SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'seezar-%'").fetchone():
            if time.monotonic() > deadline:
                return True
            time.sleep(_POLL_S)
    return False


def worker_command(settings: Settings) -> list[str]:
    """The command that runs a worker which stops by itself."""
    return [sys.executable, "-m", "workflows.worker", "--idle-exit", str(settings.worker_idle_exit)]


def worker_environment(settings: Settings) -> dict[str, str]:
    """The environment of a worker of this home, whatever file or argument this process has its settings from."""
    changed = {name: getattr(settings, name) for name in settings.model_fields_set}
    own = {f"SEEZAR_{name.upper()}": _plain(value) for name, value in changed.items() if value is not None}
    return {**os.environ, **telemetry.environment(), **own, "PYTHONUNBUFFERED": "1"}


def _plain(value: object) -> str:
    reveal = getattr(value, "get_secret_value", None)
    return str(reveal() if reveal is not None else value)


def _spawn_worker(settings: Settings, url: str) -> None:
    private_folder(settings.log_dir)
    path = settings.log_dir / "worker.log"
    log.info("starting a worker; its log is %s", path)
    with path.open("ab") as output:
        start = output.tell()
        process = subprocess.Popen(
            worker_command(settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C at the terminal of the process that happened to start it is not meant for the worker.
            start_new_session=True,
            cwd=settings.home,
            env=worker_environment(settings),
        )
    write_starting(settings, process.pid)
    deadline = time.monotonic() + _WORKER_START_S
    while time.monotonic() < deadline:
        if worker_ready(url):
            return
        if process.poll() is not None:
            raise WorkerUnavailable(
                f"The worker ended while it started: {_last_line(path, start)}",
                kept="Nothing was lost.",
                next_step=f"Its log is {path}.",
            )
        time.sleep(_POLL_S)
    raise WorkerUnavailable(
        f"The worker was not ready within {_WORKER_START_S:.0f} s.",
        kept="It goes on starting; nothing was lost.",
        next_step=f"Look at {path}, then try again.",
    )


def _last_line(path: Path, start: int) -> str:
    with path.open("rb") as file:
        file.seek(start)
        lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("seezar worker: ") if lines else "it said nothing."


def _create_if_missing(url: str) -> None:
    try:
        with psycopg.connect(url, connect_timeout=10):
            return
    except psycopg.OperationalError as error:
        if "does not exist" not in str(error):
            raise
    with psycopg.connect(with_database(url, "postgres"), autocommit=True) as connection:
        name = sql.Identifier(database_of(url))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
