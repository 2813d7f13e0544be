"""`seezar up`: database, worker, ADK Web and the HTTP API in the foreground, under one screen."""

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

from seezar.errors import PortTaken, SeezarError, WorkerUnavailable
from seezar.settings import Settings
from service.api.first_client import ensure_first_client
from service.children import Child
from service.notes import ProcessNote, left, live_notes
from service.screen import Screen
from service.serving import bound_for_api, bound_for_web
from service.stopping import stop_database, stop_processes, stop_workers
from service.terminal import note, say, working
from workflows.ground import prepare_database
from workflows.registry import live_workers

_BEAT_S = 0.5
_START_S = 90.0
# A worker drains its runs for up to ten seconds; ADK Web and the API let answers under way end for three.
_STOP_S = 25.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class AlreadyUp(SeezarError):
    """`seezar up` runs in this home."""

    status = "already_up"


def run_up(settings: Settings) -> None:
    """Run until SIGINT, SIGTERM or SIGHUP; then nothing that was started is left.

    Raises:
        AlreadyUp: it runs already.
        PortTaken: the port of ADK Web, of the API, or of SMTP is taken.
        DatabaseUnavailable, DatabaseTooNew, SettingsInvalid, KeyUnusable, WorkerUnavailable: it cannot be started.
    """
    running = live_notes(settings, "up")
    if running:
        raise AlreadyUp(
            f"seezar up runs already (process {running[0].pid}).",
            kept="It was left alone.",
            next_step="See seezar status; stop it with seezar down.",
        )
    asyncio.run(_Up(settings).run())


class _Up:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = asyncio.Event()
        self._worker = Child("worker", ["-m", "workflows.worker", "--idle-exit", "0"], settings)
        self._web = Child("web", ["-m", "service.cli", "web", "--port", str(settings.web_port)], settings)
        self._api = Child("api", ["-m", "service.cli", "api", "--port", str(settings.api_port)], settings)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._stop.set)
        # Tried before anything is started; the children take the ports a moment later.
        with bound_for_web(self._settings.web_port), bound_for_api(self._settings.api_port):
            pass
        with ExitStack() as stack:
            stack.enter_context(left(self._settings, ProcessNote.of_this_process("up")))
            try:
                await self._start()
                if not self._stop.is_set():
                    await self._watch()
            finally:
                # Asked to stop once; what follows is stopped in order even if a terminal sends more signals.
                await asyncio.to_thread(self._end)

    async def _start(self) -> None:
        with working("Starting the database"):
            url = await asyncio.to_thread(prepare_database, self._settings)
        await asyncio.to_thread(ensure_first_client, self._settings, url)
        with working("Starting the worker"):
            self._worker.start()
            await self._until_worker()
        # Only now: both would start a worker of their own where they find none.
        if not self._stop.is_set():
            self._web.start()
            self._api.start()

    async def _until_worker(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _START_S
        while not self._stop.is_set():
            if any(note.pid == self._worker.pid for note in live_workers(self._settings)):
                return
            if not self._worker.pid:
                raise _not_started(self._worker)
            if loop.time() > deadline:
                raise WorkerUnavailable(
                    f"The worker was not ready within {_START_S:.0f} s.",
                    kept="Nothing was lost.",
                    next_step=f"Its log is {self._worker.log}.",
                )
            await self._pause()

    async def _watch(self) -> None:
        async with Screen(self._settings) as screen:
            while not self._stop.is_set():
                for child in (self._worker, self._web, self._api):
                    if child.keep():
                        screen.line(f"{child.name} ended ({child.last_words() or 'no word'}); it is started again")
                await screen.refresh()
                await self._pause()

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), _BEAT_S)

    def _end(self) -> None:
        note("Stopping …")
        # At the same time: each may take seconds.
        children = [(child, child.process()) for child in (self._web, self._api, self._worker)]
        with ThreadPoolExecutor() as pool:
            ends = [
                (child, process, pool.submit(stop_processes, [process], patience=_STOP_S, family=child is self._worker))
                for child, process in children
                if process is not None
            ]
        for child, process, end in ends:
            child.reap()
            say(f"{'Stopped' if end.result()[0] else 'Killed'} {child.name} (process {process.pid}).")
        # A worker that another command had started before.
        for what in [*stop_workers(self._settings), *stop_database(self._settings)]:
            say(what)


def _not_started(worker: Child) -> SeezarError:
    words = worker.last_words() or "it said nothing."
    kind = PortTaken if "cannot listen" in words else WorkerUnavailable
    return kind(
        f"The worker ended while it started: {words}", kept="Nothing was lost.", next_step=f"Its log is {worker.log}."
    )
