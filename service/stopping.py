"""Stopping what runs in a home, and saying what was stopped."""

import time
from collections.abc import Collection, Sequence
from contextlib import suppress

import psutil

from seezar.settings import Settings
from service.notes import live_notes

# A worker drains its runs for up to ten seconds, and then closes its browser.
_WORKER_S = 25.0
# `up` stops ADK Web, the API, its worker, other workers and the database one after another.
_FOREGROUND_S = 120.0
_KILL_S = 5.0
_POLL_S = 0.05


def stop_processes(processes: Sequence[psutil.Process], *, patience: float, family: bool = False) -> list[bool]:
    """Ask processes to end, all at once, and kill those that have not after `patience` seconds.

    Args:
        family: kill what they started and left behind, too: the browser of a worker. Not for a process that may have
            started a worker, which is meant to outlive it.

    Returns:
        For each whether it ended by itself.
    """
    # Asked before: those that outlive their parent cannot be found through it.
    members = {process for one in processes for process in [one, *(_descendants(one) if family else [])]}
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    late = _still_alive(processes, patience)
    for member in _alive(members):
        with suppress(psutil.NoSuchProcess):
            member.kill()
    _still_alive(members, _KILL_S)
    return [process not in late for process in processes]


def _still_alive(processes: Collection[psutil.Process], patience: float) -> list[psutil.Process]:
    """Those that have not ended after `patience` seconds."""
    deadline = time.monotonic() + patience
    while (alive := _alive(processes)) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return alive


def _alive(processes: Collection[psutil.Process]) -> list[psutil.Process]:
    # `psutil.wait_procs` waits for a zombie as well, until its parent collects it, which may be never.
    return [process for process in processes if _lives(process)]


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def stop_foreground(settings: Settings) -> list[str]:
    """Stop `up` first, which stops what it started, then `web`, `api` and `playground`; returns what, in words."""
    said: list[str] = []
    for kind in ("up", None):
        for note in live_notes(settings, kind):
            process = note.process()
            if process is not None:
                (clean,) = stop_processes([process], patience=_FOREGROUND_S)
                said.append(_sentence(f"seezar {note.kind}", note.pid, clean))
    return said


def stop_workers(settings: Settings) -> list[str]:
    """Stop the workers of this home, one that is just starting included. Their runs are taken up by the next worker."""
    from seezar.files import file_lock
    from workflows.registry import live_workers, starting_workers

    said: list[str] = []
    # Held by whoever starts a worker until it is ready.
    with file_lock(settings.run_dir / "worker.lock"):
        notes = [*live_workers(settings), *starting_workers(settings)]
        found = [(note, process) for note in notes if (process := note.process())]
        ended = stop_processes([process for _, process in found], patience=_WORKER_S, family=True)
        for (note, _), clean in zip(found, ended, strict=True):
            name = f"worker {note.slot}" if note.slot >= 0 else "a worker that was starting"
            said.append(_sentence(name, note.pid, clean))
    return said


def stop_database(settings: Settings) -> list[str]:
    """Stop the embedded database; one that SEEZAR_DATABASE_URL names is not ours to stop.

    Raises:
        DatabaseUnavailable: it runs and does not stop.
    """
    from seezar.database.embedded import EmbeddedServer
    from seezar.files import file_lock
    from workflows.ground import start_lock

    if settings.database_url is not None:
        return []
    server = EmbeddedServer(settings.home)
    with file_lock(start_lock(settings)):
        clients = _clients(server.url())
        pid = server.pid()
        if pid is None or not server.stop():
            return []
    said = [f"Stopped the database (process {pid})."]
    if clients:
        said.append(
            f"Still connected until then: {', '.join(clients)}. Such a program starts database and worker again when it"
            " needs them; end it too."
        )
    return said


def _clients(url: str | None) -> list[str]:
    import psycopg

    if url is None:
        return []
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            rows = connection.execute(
                "SELECT DISTINCT application_name FROM pg_stat_activity WHERE application_name LIKE 'seezar-client%'"
            ).fetchall()
    except psycopg.OperationalError:
        return []
    return sorted(row[0] for row in rows)


def _sentence(what: str, pid: int, clean: bool) -> str:
    return f"Stopped {what} (process {pid})." if clean else f"Killed {what} (process {pid}): it did not stop by itself."
