"""`seezar doctor`: is everything there that seezar needs, and does it really work?"""

import asyncio
import errno
import platform
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from seezar.database.embedded import EmbeddedServer
from seezar.errors import BrowserMissing, SeezarError
from seezar.settings import Settings
from seezar.vault.keys import key_file, load_master_key
from service.notes import live_notes
from service.overview import look
from workflows.ground import prepare_database, stop_database_if_unused

_MINIMUM_PYTHON = (3, 12)
_VERSION_S = 20.0


@dataclass(frozen=True)
class Finding:
    """One answer. `ok` False means that seezar cannot work with it; `advice` says what to do."""

    what: str
    ok: bool
    detail: str
    advice: str = ""


def run_checks(settings: Settings) -> bool:
    """Print what was checked and found; returns whether all is well. What is started for it is stopped again."""
    from service.terminal import say
    from service.timeline import waiting

    fine = True
    for name, check in _checks(settings):
        with waiting(f"Checking {name} …"):
            findings = list(check())
        for finding in findings:
            fine = fine and finding.ok
            mark, style = ("✓", "green") if finding.ok else ("✗", "red")
            say(f"{mark} {finding.what}: {finding.detail}", style=style)
            if finding.advice:
                say(f"  {finding.advice}")
    say("")
    say("All is well." if fine else "Something is missing; see the lines with ✗.", style="bold")
    return fine


def _checks(settings: Settings) -> list[tuple[str, Callable[[], Iterator[Finding]]]]:
    return [
        ("Python", _python),
        ("the home", lambda: _home(settings)),
        ("the master key", lambda: _key(settings)),
        ("PostgreSQL", lambda: _database(settings)),
        ("Chromium", lambda: _chromium(settings)),
        ("ports", lambda: _ports(settings)),
        ("workers", lambda: _workers(settings)),
    ]


def _python() -> Iterator[Finding]:
    wanted = ".".join(map(str, _MINIMUM_PYTHON))
    ok = sys.version_info >= _MINIMUM_PYTHON
    yield Finding("Python", ok, f"{platform.python_version()} ({sys.executable})", "" if ok else f"Needs {wanted}.")


def _home(settings: Settings) -> Iterator[Finding]:
    home = settings.home
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = home / ".doctor"
        probe.touch()
        probe.unlink()
    except OSError as error:
        yield Finding("Home", False, f"{home}: {error.strerror}", "Set SEEZAR_HOME to a folder that you may write to.")
        return
    yield Finding("Home", True, str(home))


def _key(settings: Settings) -> Iterator[Finding]:
    path = key_file(settings)
    if settings.master_key is None and not path.exists():
        yield Finding("Master key", True, f"none yet; {path} is made on first use, with mode 0600")
        return
    try:
        load_master_key(settings)
    except SeezarError as error:
        yield Finding("Master key", False, *_told(error))
        return
    where = "SEEZAR_MASTER_KEY" if settings.master_key is not None else f"{path} (mode 0600)"
    yield Finding("Master key", True, f"{where}; keep a copy apart from the database")


def _database(settings: Settings) -> Iterator[Finding]:
    was_running = settings.database_url is not None or EmbeddedServer(settings.home).pid() is not None
    try:
        url = prepare_database(settings)
        with psycopg.connect(url, connect_timeout=5) as connection:
            server = connection.info.parameter_status("server_version")
            row = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchone()
        kind = "embedded" if settings.database_url is None else "SEEZAR_DATABASE_URL"
        yield Finding("PostgreSQL", True, f"{server} ({kind}), up to date")
        vector = "Install pgvector on that server, then run init.sql there."
        yield Finding("pgvector", row is not None, row[0] if row else "not installed", "" if row else vector)
        yield from _stored_key(settings, url)
    except SeezarError as error:
        yield Finding("PostgreSQL", False, *_told(error))
    finally:
        if not was_running:
            stop_database_if_unused(settings)


def _stored_key(settings: Settings, url: str) -> Iterator[Finding]:
    from seezar.application import Application

    async def open_it() -> None:
        async with await Application.open(settings, url, application_name="seezar-client-doctor", max_connections=1):
            pass

    try:
        asyncio.run(open_it())
    except SeezarError as error:
        yield Finding("Stored secrets", False, *_told(error))
    else:
        yield Finding("Stored secrets", True, "they open with this master key")


def _chromium(settings: Settings) -> Iterator[Finding]:
    try:
        executable = asyncio.run(_executable(settings))
        done = subprocess.run(
            [str(executable), "--version"], capture_output=True, text=True, timeout=_VERSION_S, check=False
        )
        if done.returncode != 0 or not done.stdout.strip():
            raise BrowserMissing(
                f"{executable} --version answers nothing (exit code {done.returncode}).",
                next_step="Ubuntu's chromium-browser is such an empty shell. Run make setup, or set SEEZAR_CHROMIUM.",
            )
        asyncio.run(_open_page(settings))
    except (OSError, subprocess.TimeoutExpired) as error:
        advice = "Run make setup, install the package chromium, or set SEEZAR_CHROMIUM."
        yield Finding("Chromium", False, f"it does not run ({type(error).__name__})", advice)
    except SeezarError as error:
        yield Finding("Chromium", False, *_told(error))
    else:
        yield Finding("Chromium", True, f"{done.stdout.strip()} ({executable}), opens a page")


async def _executable(settings: Settings) -> Path:
    from playwright.async_api import async_playwright

    from seezar.browser.executable import find_chromium

    async with async_playwright() as playwright:
        return find_chromium(settings, bundled=Path(playwright.chromium.executable_path))


async def _open_page(settings: Settings) -> None:
    from seezar.browser.pool import BrowserPool

    pool = BrowserPool(settings)
    try:
        context = await pool.new_context()
        await pool.new_page(context)
        await pool.close_context(context)
    finally:
        await pool.close()


def _ports(settings: Settings) -> Iterator[Finding]:
    smtp = {worker.smtp_port for worker in look(settings).workers}
    http = {int(note.url.rpartition(":")[2]) for note in live_notes(settings) if note.url}
    yield _port("SMTP port", settings.smtp_port, smtp, "SEEZAR_SMTP_PORT")
    yield _port("ADK Web port", settings.web_port, http, "SEEZAR_WEB_PORT")
    yield _port("HTTP API port", settings.api_port, http, "SEEZAR_API_PORT")
    yield _port("Playground port", settings.playground_port, http, "SEEZAR_PLAYGROUND_PORT")


def _port(what: str, port: int, ours: set[int], variable: str) -> Finding:
    if port == 0:
        return Finding(what, True, "any free one")
    if port in ours:
        return Finding(what, True, f"{port}, used by this seezar")
    with socket.socket() as probe:
        try:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError as error:
            reason = "taken by another program" if error.errno == errno.EADDRINUSE else str(error.strerror)
            return Finding(
                what, False, f"{port}: {reason}", f"Stop that program, or set {variable} (0 = any free one)."
            )
    return Finding(what, True, f"{port} is free")


def _workers(settings: Settings) -> Iterator[Finding]:
    try:
        found = look(settings)
    except SeezarError as error:
        yield Finding("Worker", False, *_told(error))
        return
    if found.workers:
        running = ", ".join(f"process {worker.pid}" for worker in found.workers)
        yield Finding("Worker", True, f"running ({running})")
    elif found.worker_elsewhere:
        yield Finding("Worker", True, "running elsewhere")
    else:
        yield Finding("Worker", True, "none runs; the first command that needs one starts it")


def _told(error: SeezarError) -> tuple[str, str]:
    return error.what, error.next_step
