"""The worker process: the only one that runs workflows. It owns the browser, SMTP and the adoption of dead slots.

`python -m workflows.worker [--browsers N] [--queues sign_in,browser] [--idle-exit SECONDS]`, or `seezar worker`.
"""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from typing import NoReturn

from dbos import DBOS, DBOSClient
from sqlalchemy.exc import DBAPIError

from seezar.accounts.lease import Lease
from seezar.application import Application
from seezar.audit import set_process_actor
from seezar.browser.pool import BrowserPool
from seezar.environment import load_environment
from seezar.errors import DatabaseUnavailable, PortTaken, SeezarError, WorkerUnavailable
from seezar.mail import extraction
from seezar.mail.smtp import SmtpServer
from seezar.settings import Settings, load_settings
from seezar.signin import detector
from seezar.signin.lives import SignInLives
from seezar.telemetry.logs import mask_logs
from seezar.telemetry.setup import telemetry
from workflows import engine
from workflows.adoption import Adopter, hand_over
from workflows.beat import Beat
from workflows.clock import put_all
from workflows.draining import drain
from workflows.ground import prepare_database, stop_database_if_unused
from workflows.holding import Holding
from workflows.mail_followers import MailFollowers
from workflows.mail_wakeups import wake_waiting_runs
from workflows.names import QUEUES
from workflows.queueing import Queueing
from workflows.registry import WorkerNote, remove_note, write_note
from workflows.runtime import Runtime, set_runtime
from workflows.scratch import scratch, sweep
from workflows.slots import SlotHolder
from workflows.starting_anew import bury_children, start_anew

log = logging.getLogger("seezar.worker")

_MOST_BROWSERS = 64


class Worker:
    """One worker.

    Args:
        settings: of its home.
        queues: those that it serves.
        idle_exit: seconds without client and work after which it stops, and the embedded database with it; 0 = never.
    """

    def __init__(self, settings: Settings, *, queues: Sequence[str] = QUEUES, idle_exit: float = 0.0) -> None:
        self._settings = settings
        self._queues = queues
        self._idle_exit = idle_exit
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Ask the worker to drain and end."""
        self._stop.set()

    async def run(self) -> bool:
        """Work until asked to stop, or idle; returns whether it was idle.

        Raises:
            SeezarError: it cannot start: database, key, port or slots.
        """
        url = await asyncio.to_thread(prepare_database, self._settings)
        slots = SlotHolder(url, queues=self._queues, browsers=self._settings.browsers)
        slot = await slots.take()
        set_process_actor(f"worker:{engine.executor_id(slot)}")

        def lost() -> NoReturn:
            start_anew(self._settings, slot, again=not self._stop.is_set())

        try:
            async with await Application.open(
                self._settings,
                url,
                application_name=f"seezar-worker-{slot}",
                max_connections=8,
                worker=Lease(engine.executor_id(slot), slots.token, lost),
            ) as application:
                mail = MailPort(self._settings, application, slots)
                async with AsyncExitStack() as stack:
                    await self._serve(url, application, slots, mail, stack)
        finally:
            await slots.release()
            remove_note(self._settings, slot)
        return not self._stop.is_set()

    async def _serve(
        self, url: str, application: Application, slots: SlotHolder, mail: "MailPort", stack: AsyncExitStack
    ) -> None:
        """Work until the end; `stack` is what is to be closed then, in the reverse of the order here."""
        pool = BrowserPool(self._settings)
        client = engine.client(url)
        parts = Runtime(
            application=application,
            pool=pool,
            lives=SignInLives(application, pool),
            queueing=Queueing(application, client),
            followers=MailFollowers(application),
        )
        set_runtime(parts)
        stack.callback(set_runtime, None)
        stack.push_async_callback(pool.close)
        stack.push_async_callback(asyncio.to_thread, client.destroy)
        beat = Beat(parts, client, keep_mail=mail.keep, idle_exit=self._idle_exit)
        stack.push_async_callback(beat.close)
        stack.push_async_callback(parts.followers.close)
        # A run that is let come to its end may still wait for its mail.
        stack.push_async_callback(mail.close)
        await mail.open()
        # Listening before the queues are served: a mail that comes in between finds its run.
        wakeups = asyncio.create_task(wake_waiting_runs(application))
        stack.callback(wakeups.cancel)
        assert application.worker is not None
        adopter = Adopter(application, slots, client)
        holding = Holding(self._settings, slots, adopter, lost=application.worker.lost, held_again=mail.hold_again)
        held = asyncio.create_task(holding.run())
        stack.callback(held.cancel)
        # What the holder of this slot left; DBOS would take it up as well, but count nothing. Before the first launch
        # its tables are not there.
        with suppress(DBAPIError):
            await adopter.adopt(slots.slot)
        dbos = engine.launch(url, slot=slots.slot, queues=self._queues)
        stack.push_async_callback(self._end, dbos, client, application, slots, holding)
        await engine.register_queues(self._settings)
        await put_all(client, application.schedules)
        mail.write_note()
        await slots.ready()
        log.info("%s is ready for %s", engine.executor_id(slots.slot), ", ".join(self._queues))
        pool.prepare(detector.preload, extraction.preload)
        beating = asyncio.create_task(beat.run(self._stop))
        stack.callback(beating.cancel)
        done, _ = await asyncio.wait({beating, held}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def _end(
        self, dbos: DBOS, client: DBOSClient, application: Application, slots: SlotHolder, holding: Holding
    ) -> None:
        # First of all: who comes from now on must not take this worker for one that takes runs.
        await slots.not_ready()
        holding.adopts = False
        await drain(dbos, client, slots.slot)
        # Where the database is away, a live worker adopts them when it is back.
        with suppress(DBAPIError, DatabaseUnavailable):
            for workflow_id in await hand_over(application, client, slots.slot):
                log.info("%s is handed over", workflow_id)


class MailPort:
    """SMTP, served by one worker at a time: a port can be listened on once."""

    def __init__(self, settings: Settings, application: Application, slots: SlotHolder) -> None:
        self._settings = settings
        self._slots = slots
        self._mail = application.mail
        self._smtp = SmtpServer(application.mail.local, port=settings.smtp_port)
        self._finishing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Serve, unless another worker does.

        Raises:
            PortTaken: a program that is no worker listens there.
        """
        if await self._slots.take_mail():
            await self._smtp.start()
            self._finish()

    async def keep(self) -> None:
        """Call it at every beat: serve from now on, where no worker does any more."""
        if self._smtp.port or not await self._slots.take_mail():
            return
        try:
            await self._smtp.start()
        except PortTaken as error:
            # The worker that has just gone may still be closing it; it is tried again at the next beat.
            log.warning("%s", error)
            return
        self._finish()
        self.write_note()

    def _finish(self) -> None:
        # Mailboxes whose making was cut off: one worker is enough for them, too.
        if self._finishing is None or self._finishing.done():
            self._finishing = asyncio.create_task(self._mail.finish(), name="mail-finishing")

    async def hold_again(self) -> None:
        """The slot was taken again: so is what goes with it, if nobody else has it by now."""
        if self._smtp.port and not await self._slots.take_mail():
            await self._smtp.stop()
            self.write_note()
        await self._slots.ready()

    def write_note(self) -> None:
        """Leave the note of this worker, with the port that it serves."""
        write_note(self._settings, WorkerNote.of_this_process(self._slots.slot, smtp_port=self._smtp.port))

    async def close(self) -> None:
        """Stop serving."""
        if self._finishing is not None:
            self._finishing.cancel()
        await self._smtp.stop()


def main(arguments: list[str] | None = None) -> int:
    """Command line of the worker; returns the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    for name in ("httpx", "httpcore", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    bury_children()
    load_environment()
    mask_logs()
    try:
        telemetry.start("worker")
        settings = load_settings()
        _enter_scratch()
        if options.browsers is not None:
            settings = settings.model_copy(update={"browsers": options.browsers})
        idle = asyncio.run(_run(Worker(settings, queues=options.queues, idle_exit=options.idle_exit)))
        # Only now that its own connections are gone, and with no event loop: DBOS has shut the loop's threads down.
        if idle:
            stop_database_if_unused(settings)
    except SeezarError as error:
        sys.stderr.write(f"seezar worker: {error}\n")
        return 1
    finally:
        telemetry.stop()
        scratch.leave()
    return 0


def _enter_scratch() -> None:
    sweep()
    try:
        scratch.enter()
    except OSError as error:
        raise WorkerUnavailable(
            f"Its temporary folder cannot be made: {error.strerror}.",
            kept="The runs wait.",
            next_step="Make room in the system's temporary folder, or set TMPDIR to another one.",
        ) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="seezar worker", description="Run workflows until stopped.")
    parser.add_argument(
        "--idle-exit", type=float, default=0.0, metavar="SECONDS", help="stop after so long without client and work"
    )
    parser.add_argument(
        "--browsers",
        type=int,
        choices=range(1, _MOST_BROWSERS + 1),
        metavar="N",
        help="pages that may work at the same time",
    )
    parser.add_argument(
        "--queues", type=_queues, default=QUEUES, metavar="NAMES", help=f"queues to serve, of {','.join(QUEUES)}"
    )
    return parser


def _queues(text: str) -> tuple[str, ...]:
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    unknown = sorted(set(wanted) - set(QUEUES))
    if unknown or not wanted:
        what = f"there is no queue {', '.join(unknown)}" if unknown else "no queue is named"
        raise argparse.ArgumentTypeError(f"{what}; there are {', '.join(QUEUES)}")
    return tuple(name for name in QUEUES if name in wanted)


async def _run(worker: Worker) -> bool:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, worker.stop)
    return await worker.run()


if __name__ == "__main__":
    raise SystemExit(main())
