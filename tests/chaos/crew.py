"""The workers of a chaos world: started, counted, killed; and what they leave behind when they are dead."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from unittest import mock

import psutil

from seezar.settings import Settings
from tests.chaos.plans import FOLDER, Folder
from workflows import ground
from workflows.registry import WorkerNote, live_workers

_MODULE = "tests.chaos.worker"
# A browser whose worker is gone ends by itself; on a machine that is busy, within this time.
_ORPHAN_S = 20.0
# Chromium starts its handler of crashes within this time.
_HANDLER_S = 10.0


@contextmanager
def chaos_workers(folder: str) -> Iterator[None]:
    """Whoever of this process starts a worker starts a chaos worker. `folder`: its name inside the home."""
    command, environment = ground.worker_command, ground.worker_environment

    def chaos_command(settings: Settings) -> list[str]:
        plain = command(settings)
        return [sys.executable, "-m", _MODULE, *plain[3:]]

    def chaos_environment(settings: Settings) -> dict[str, str]:
        return {**environment(settings), FOLDER: str(settings.home / folder)}

    with (
        mock.patch.object(ground, "worker_command", chaos_command),
        mock.patch.object(ground, "worker_environment", chaos_environment),
    ):
        yield


class Crew:
    """The workers of one home.

    Args:
        settings: of the home.
        folder: that they share with the harness.
    """

    def __init__(self, settings: Settings, folder: Folder) -> None:
        self._settings = settings
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []

    def notes(self) -> list[WorkerNote]:
        """The live ones that have got as far as taking runs."""
        return live_workers(self._settings)

    def start(self) -> None:
        """Start one more; it is ready some seconds later."""
        self._settings.log_dir.mkdir(parents=True, exist_ok=True)
        with (self._settings.log_dir / "worker.log").open("ab") as output:
            process = subprocess.Popen(
                ground.worker_command(self._settings),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=self._settings.home,
                env=ground.worker_environment(self._settings),
            )
        self._started.append(process)

    async def keep(self, wanted: int, *, ready: int | None = None) -> None:
        """Have so many alive, those that are starting counted; returns when `ready` of them (all) take runs."""
        deadline = time.monotonic() + 120
        while True:
            self._started = [process for process in self._started if process.poll() is None]
            ready_pids = {note.pid for note in self.notes()}
            starting = [process for process in self._started if process.pid not in ready_pids]
            for _ in range(wanted - len(ready_pids) - len(starting)):
                self.start()
            if len(ready_pids) >= (wanted if ready is None else ready):
                return
            if time.monotonic() > deadline:
                raise TimeoutError("no worker became ready")
            await asyncio.sleep(0.05)

    def kill(self, note: WorkerNote, *, family: bool) -> None:
        """SIGKILL a worker from outside; with its browser if `family`."""
        process = note.process()
        if process is None:
            return
        with suppress(psutil.NoSuchProcess):
            if family:
                # Stopped first: it must not see its browser die.
                process.suspend()
                for child in process.children(recursive=True):
                    with suppress(psutil.NoSuchProcess):
                        child.kill()
            process.kill()
        self._reap()

    def browsers(self, note: WorkerNote) -> list[psutil.Process]:
        """The Chromium processes of a worker."""
        process = note.process()
        if process is None:
            return []
        with suppress(psutil.NoSuchProcess):
            return [child for child in process.children(recursive=True) if "chrom" in child.name()]
        return []

    def _reap(self) -> None:
        for process in self._started:
            process.poll()

    async def orphans(self) -> list[psutil.Process]:
        """What is left of dead workers after a while: processes of this home that no live one has started."""
        deadline = time.monotonic() + _ORPHAN_S
        while True:
            self._reap()
            left = self._without_worker()
            if not left or time.monotonic() > deadline:
                return left
            await asyncio.sleep(0.1)

    def _without_worker(self) -> list[psutil.Process]:
        home = str(self._settings.home)
        return [process for process in psutil.process_iter() if _is_orphan(process, home)]

    async def leaked_contexts(self) -> int:
        """The browser contexts that workers keep open although no run is under way."""
        deadline = time.monotonic() + 20
        while True:
            left = sum([await self._contexts(note.pid) for note in self.notes()])
            if not left or time.monotonic() > deadline:
                return left
            await asyncio.sleep(0.2)

    async def _contexts(self, pid: int) -> int:
        answer = self._folder.answer(pid)
        answer.unlink(missing_ok=True)
        self._folder.question(pid).touch()
        for _ in range(200):
            if answer.exists():
                return int(answer.read_text())
            if not psutil.pid_exists(pid):
                return 0
            await asyncio.sleep(0.02)
        return 0

    def end(self) -> None:
        """End all that was started here, ready or not."""
        for process in self._started:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGTERM)
        for process in self._started:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
                process.kill()
                process.wait(5)


def _is_orphan(process: psutil.Process, home: str) -> bool:
    try:
        if not _is_browser(process) or process.status() == psutil.STATUS_ZOMBIE:
            return False
        if process.environ().get("SEEZAR_HOME") != home:
            return False
        # The handler of crashes has no parent from its beginning, and a session of its own.
        if process.name().startswith("chrome_crash"):
            return not any(_started_by(process, browser) for browser in psutil.process_iter())
        return not any(_is_worker(parent) for parent in process.parents())
    except psutil.Error:
        # It has just ended, or one that it comes from has: it is looked at again.
        return False


def _started_by(handler: psutil.Process, browser: psutil.Process) -> bool:
    try:
        if not any(word.startswith("--seezar-pool=") for word in browser.cmdline()):
            return False
        return 0 <= handler.create_time() - browser.create_time() < _HANDLER_S
    except psutil.Error:
        return False


def _is_browser(process: psutil.Process) -> bool:
    name = process.name()
    return "chrom" in name or name.startswith(("node", "headless_shell"))


def _is_worker(process: psutil.Process) -> bool:
    return process.status() != psutil.STATUS_ZOMBIE and _MODULE in process.cmdline()
