"""`seezar doctor`: is everything there that seezar needs, and does it really work?"""

import asyncio
import errno
import platform
import smtplib
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from seezar.errors import BrowserMissing, SeezarError
from seezar.files import NO_ROOM
from seezar.settings import Settings
from seezar.vault.keys import key_file, load_master_key
from service.database_checks import database
from service.findings import Finding, fine, isolated
from service.notes import live_notes
from workflows.registry import live_workers

_MINIMUM_PYTHON = (3, 12)
_VERSION_S = 20.0
_SMTP_S = 5.0
_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "wrong": ("✗", "red")}


def run_checks(settings: Settings, *, as_json: bool = False) -> bool:
    """Print what was checked and found; returns whether seezar can work. What is started for it is stopped again."""
    from service.terminal import print_json
    from service.timeline import waiting

    findings: list[Finding] = []
    for name, check in _checks(settings):
        with waiting(f"Checking {name} …"):
            found = list(isolated(name, check))
        findings += found
        if not as_json:
            _say(found)
    levels = {finding.level for finding in findings}
    worst = next((level for level in ("wrong", "warning") if level in levels), "ok")
    if as_json:
        print_json({"status": worst, "findings": [finding.as_object() for finding in findings]})
    else:
        _say_end(worst)
    return worst != "wrong"


def _say(findings: list[Finding]) -> None:
    from service.terminal import say

    for finding in findings:
        mark, style = _MARKS[finding.level]
        say(f"{mark} {finding.check}: {finding.detail}", style=style)
        if finding.advice:
            say(f"  {finding.advice}")


def _say_end(worst: str) -> None:
    from service.terminal import say

    say("")
    if worst == "wrong":
        say("Something is missing; see the lines with ✗.", style="bold")
    elif worst == "warning":
        say("It works; see the lines with !.", style="bold")
    else:
        say("All is well.", style="bold")


def _checks(settings: Settings) -> list[tuple[str, Callable[[], Iterator[Finding]]]]:
    return [
        ("Python", _python),
        ("Home", lambda: _home(settings)),
        ("Master key", lambda: _key(settings)),
        ("Database", lambda: database(settings)),
        ("Chromium", lambda: _chromium(settings)),
        ("Ports", lambda: _ports(settings)),
    ]


def _python() -> Iterator[Finding]:
    wanted = ".".join(map(str, _MINIMUM_PYTHON))
    ok = sys.version_info >= _MINIMUM_PYTHON
    detail = f"{platform.python_version()} ({sys.executable})"
    yield fine("Python", detail) if ok else Finding("Python", "wrong", detail, f"Needs {wanted}.")


def _home(settings: Settings) -> Iterator[Finding]:
    home = settings.home
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = home / ".doctor"
        try:
            # A full disk still makes an empty file.
            probe.write_bytes(b"x" * 4096)
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        advice = "Set SEEZAR_HOME to a folder that you may write to."
        if error.errno in NO_ROOM:
            advice = "Make room on its disk."
        yield Finding("Home", "wrong", f"{home}: {error.strerror}", advice)
        return
    yield fine("Home", str(home))


def _key(settings: Settings) -> Iterator[Finding]:
    path = key_file(settings)
    if settings.master_key is None and not path.exists():
        yield fine("Master key", f"none yet; {path} is made on first use, with mode 0600")
        return
    try:
        load_master_key(settings)
    except SeezarError as error:
        yield Finding.of("Master key", error)
        return
    where = "SEEZAR_MASTER_KEY" if settings.master_key is not None else f"{path} (mode 0600)"
    yield fine("Master key", f"{where}; keep a copy apart from the database")


def _chromium(settings: Settings) -> Iterator[Finding]:
    if settings.cdp_url is not None:
        # None is needed on this machine. The address may carry a token: it is not shown.
        asyncio.run(_open_page(settings))
        yield fine("Chromium", "the one at SEEZAR_CDP_URL opens a page")
        return
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
        yield Finding("Chromium", "wrong", f"it does not run ({type(error).__name__})", advice)
    except SeezarError as error:
        yield Finding.of("Chromium", error)
    else:
        yield fine("Chromium", f"{done.stdout.strip()} ({executable}), opens a page")


async def _executable(settings: Settings) -> Path:
    from playwright.async_api import async_playwright

    from seezar.browser.executable import find_chromium

    async with async_playwright() as playwright:
        return find_chromium(settings, bundled=Path(playwright.chromium.executable_path))


async def _open_page(settings: Settings) -> None:
    from seezar.browser.pool import BrowserPool

    pool = BrowserPool(settings)
    try:
        context = await pool.new_context(None)
        await pool.new_page(context)
        await pool.close_context(context)
    finally:
        await pool.close()


def _ports(settings: Settings) -> Iterator[Finding]:
    smtp = [worker.smtp_port for worker in live_workers(settings) if worker.smtp_port]
    http = {int(note.url.rpartition(":")[2]) for note in live_notes(settings) if note.url}
    if smtp:
        yield _smtp(smtp[0])
    else:
        yield _port("SMTP port", settings.smtp_port, set(), "SEEZAR_SMTP_PORT")
    yield _port("ADK Web port", settings.web_port, http, "SEEZAR_WEB_PORT")
    yield _port("HTTP API port", settings.api_port, http, "SEEZAR_API_PORT")
    yield _port("Playground port", settings.playground_port, http, "SEEZAR_PLAYGROUND_PORT")


def _smtp(port: int) -> Finding:
    """Does the worker that says that it receives mail speak SMTP?"""
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=_SMTP_S) as connection:
            code, _ = connection.noop()
    except (OSError, smtplib.SMTPException) as error:
        detail = f"{port}: the worker does not answer there ({type(error).__name__})"
        return Finding("SMTP port", "wrong", detail, "Stop the worker (seezar down); the next one listens again.")
    if code != 250:
        return Finding("SMTP port", "wrong", f"{port}: answers {code}", "Stop the worker (seezar down).")
    return fine("SMTP port", f"{port}, the worker answers there")


def _port(check: str, port: int, ours: set[int], variable: str) -> Finding:
    if port == 0:
        return fine(check, "any free one")
    if port in ours:
        return fine(check, f"{port}, used by this seezar")
    with socket.socket() as probe:
        try:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError as error:
            reason = "taken by another program" if error.errno == errno.EADDRINUSE else str(error.strerror)
            advice = f"Stop that program, or set {variable} (0 = any free one)."
            return Finding(check, "wrong", f"{port}: {reason}", advice)
    return fine(check, f"{port} is free")
