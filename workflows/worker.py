"""The worker process: the only one that runs workflows. It owns the browser, SMTP and the adoption of dead slots.

`python -m workflows.worker [--idle-exit SECONDS]`, or `seezar worker`.
"""

import argparse
import asyncio
import logging
import signal
import sys
import time
from contextlib import suppress

import psycopg
from dbos import DBOS, WorkflowStatus

from seezar.accounts.records import result_without_end
from seezar.application import Application
from seezar.browser.pool import BrowserPool
from seezar.errors import DatabaseUnavailable, PortTaken, SeezarError
from seezar.mail.smtp import SmtpServer
from seezar.settings import Settings, load_settings
from seezar.signin.detector import preload
from seezar.signin.lives import SignInLives
from workflows import engine
from workflows.ground import prepare_database, stop_database_if_unused
from workflows.mail_followers import MailFollowers
from workflows.names import CHECK_SESSION, mail_topic
from workflows.pace import Pace
from workflows.queueing import Queueing
from workflows.registry import WorkerNote, remove_note, write_note
from workflows.runtime import Runtime, set_runtime
from workflows.slots import SlotHolder

log = logging.getLogger("seezar.worker")

_BEAT_S = 1.0
# Between two looks at which sessions are due to be kept alive.
_KEEP_EVERY_S = 5.0
# Time that running steps get to end when the worker is asked to stop; what is cut off is taken up by the next worker.
_DRAIN_S = 10
# Statuses of a DBOS workflow that goes on by itself.
_OPEN = ("ENQUEUED", "PENDING", "DELAYED")
# A workflow that has succeeded wrote its result before; by then that is seen.
_SEEN_S = 30.0


class Worker:
    """One worker.

    Args:
        settings: of its home.
        idle_exit: seconds without client and work after which it stops, and the embedded database with it; 0 = never.
    """

    def __init__(self, settings: Settings, *, idle_exit: float = 0.0) -> None:
        self._settings = settings
        self._idle_exit = idle_exit
        self._stop = asyncio.Event()
        self._smtp: SmtpServer | None = None
        self._busy_at = time.monotonic()
        self._kept_at = 0.0

    def stop(self) -> None:
        """Ask the worker to drain and end."""
        self._stop.set()

    async def run(self) -> bool:
        """Work until asked to stop, or idle; returns whether it was idle.

        Raises:
            SeezarError: it cannot start: database, key, port or slots.
        """
        url = await asyncio.to_thread(prepare_database, self._settings)
        slots = SlotHolder(url)
        slot = await slots.take()
        try:
            async with await Application.open(
                self._settings, url, application_name=f"seezar-worker-{slot}", max_connections=8
            ) as application:
                await self._serve(url, application, slots, slot)
        finally:
            await slots.release()
            remove_note(self._settings, slot)
        return not self._stop.is_set()

    async def _serve(self, url: str, application: Application, slots: SlotHolder, slot: int) -> None:
        pool = BrowserPool(self._settings)
        lives = SignInLives(application, pool)
        dbos = engine.client(url)
        queueing = Queueing(application, dbos)
        followers = MailFollowers(application)
        set_runtime(Runtime(application, pool, lives, queueing, followers))
        self._smtp = SmtpServer(application.mail.local, port=self._settings.smtp_port)
        wakeups: asyncio.Task[None] | None = None
        finishing: asyncio.Task[None] | None = None
        launched = False
        try:
            if await slots.take_mail():
                await self._smtp.start()
                finishing = asyncio.create_task(application.mail.finish(), name="mail-finishing")
            # Listening before the queues are served: a mail that comes in between finds its run.
            wakeups = asyncio.create_task(wake_waiting_runs(application))
            engine.launch(url, self._settings, slot=slot)
            launched = True
            await engine.register_queues(self._settings)
            write_note(self._settings, WorkerNote.of_this_process(slot, smtp_port=self._smtp.port))
            await slots.ready()
            log.info("worker %d is ready", slot)
            pool.prepare(preload)
            await self._beat(application, slots, lives, queueing, followers)
        finally:
            # First of all: who comes from now on must not take this worker for one that takes runs.
            await slots.not_ready()
            for task in (wakeups, finishing):
                if task is not None:
                    task.cancel()
            await self._smtp.stop()
            if launched:
                await asyncio.to_thread(DBOS.destroy, workflow_completion_timeout_sec=await _drain_time())
            await followers.close()
            await asyncio.to_thread(dbos.destroy)
            await pool.close()
            set_runtime(None)

    async def _beat(
        self,
        application: Application,
        slots: SlotHolder,
        lives: SignInLives,
        queueing: Queueing,
        followers: MailFollowers,
    ) -> None:
        pace = Pace()
        while not self._stop.is_set():
            try:
                if not await slots.alive():
                    await self._reconnect(slots)
                await pace.keep(application)
                await self._keep_mail(slots)
                await adopt_dead_runs(slots)
                await followers.keep()
                await close_ended_runs(application)
                await queue_lost_answers(application, queueing)
                for run_id in await application.questions.end_overdue():
                    await lives.drop(run_id)
                await lives.drop_stale()
                await self._keep_sessions(application, queueing)
                if await self._idle(application):
                    return
            except (DatabaseUnavailable, psycopg.OperationalError) as error:
                log.warning("the database does not answer (%s)", type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _BEAT_S)

    async def _reconnect(self, slots: SlotHolder) -> None:
        # A database that stopped because it was told to (seezar db stop) is not started again behind its user's back;
        # one that died is, by whoever notices first.
        if self._settings.database_url is None:
            await asyncio.to_thread(prepare_database, self._settings)
        await slots.release()
        await slots.take()
        if self._smtp is not None and self._smtp.port:
            await slots.take_mail()
        await slots.ready()

    async def _keep_mail(self, slots: SlotHolder) -> None:
        assert self._smtp is not None
        if self._smtp.port == 0 and await slots.take_mail():
            try:
                await self._smtp.start()
            except PortTaken as error:
                # The worker that has just gone may still be closing it; it is tried again at the next beat.
                log.warning("%s", error)
                return
            write_note(self._settings, WorkerNote.of_this_process(slots.slot, smtp_port=self._smtp.port))

    async def _keep_sessions(self, application: Application, queueing: Queueing) -> None:
        if time.monotonic() - self._kept_at < _KEEP_EVERY_S:
            return
        self._kept_at = time.monotonic()
        for due in await application.keeping.claim():
            await queueing.start(CHECK_SESSION, due.account, {"expiring": due.expiring})
        for account in await application.keeping.lost():
            await queueing.sign_in(account)

    async def _idle(self, application: Application) -> bool:
        if not self._idle_exit:
            return False
        row = await application.database.one(
            "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'seezar-client%%')"
            # Who waits for a person is no work: it is taken up by whichever worker there is when the answer comes.
            # Nor is a look at a session, which is what the worker does by itself; who asked for one is connected.
            " OR EXISTS (SELECT 1 FROM app.run WHERE finished_at IS NULL AND question IS NULL"
            " AND kind <> 'check_session') AS busy"
        )
        if row is None or row["busy"]:
            self._busy_at = time.monotonic()
        return time.monotonic() - self._busy_at >= self._idle_exit


async def wake_waiting_runs(application: Application) -> None:
    """Tell runs that mail came for their account. Only a wake-up: what counts is what lies in the mailbox."""
    from seezar.mail.listener import CHANNEL

    while True:
        try:
            async with application.database.listen(CHANNEL) as connection:
                async for notification in connection.notifies():
                    await _wake(application, notification.payload)
        except DatabaseUnavailable as error:
            log.warning("%s", error)
        except psycopg.Error as error:
            # Whatever broke the connection: runs look into the mailbox by themselves meanwhile.
            log.warning("listening for mail broke (%s)", type(error).__name__)
        await asyncio.sleep(_BEAT_S)


async def _wake(application: Application, message_id: str) -> None:
    rows = await application.database.all(
        "SELECT r.workflow_id, max(t.number) AS attempt FROM app.message m JOIN app.account a ON a.mailbox = m.mailbox"
        " JOIN app.run r ON r.account = a.name AND r.finished_at IS NULL AND r.question IS NULL"
        " JOIN app.attempt t ON t.run_id = r.id WHERE m.id::text = %s GROUP BY r.workflow_id",
        message_id,
    )
    for row in rows:
        await DBOS.send_async(
            row["workflow_id"], message_id, topic=mail_topic(row["attempt"]), idempotency_key=f"mail-{message_id}"
        )


async def adopt_dead_runs(slots: SlotHolder) -> list[str]:
    """Take up the runs of slots that no worker holds; returns their ids."""
    pending = await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)
    if not pending:
        return []
    dead = {engine.executor_id(slot) for slot in await slots.dead_slots()}
    adopted = [workflow.workflow_id for workflow in pending if workflow.executor_id in dead]
    for workflow_id in adopted:
        log.warning("adopting run %s of a worker that is gone", workflow_id)
        await DBOS.resume_workflow_async(workflow_id)
    return adopted


async def close_ended_runs(application: Application) -> None:
    """Close the runs whose workflow has ended without writing its result (cancelled from outside, or given up by
    DBOS).
    """
    rows = await application.database.all(
        "SELECT id, workflow_id FROM app.run WHERE finished_at IS NULL AND question IS NULL"
        " AND greatest(created_at, reopened_at) < now() - interval '10 seconds'"
    )
    if not rows:
        return
    ids = [row["workflow_id"] for row in rows]
    known = await DBOS.list_workflows_async(workflow_ids=ids, load_input=False, load_output=False)
    statuses = {workflow.workflow_id: "PENDING" if _just_ended(workflow) else workflow.status for workflow in known}
    for row in rows:
        status = statuses.get(row["workflow_id"], "MISSING")
        # An answer whose workflow was never queued is queued again, not given up.
        if status in _OPEN or (status == "MISSING" and row["workflow_id"] != row["id"]):
            continue
        ended = "cancelled" if status == "CANCELLED" else "error"
        reason = (
            f"The workflow ended without a result ({status.lower().replace('_', ' ')}). What it stored before is kept."
        )
        result = result_without_end(await application.runs.get(row["id"]), ended, reason)
        await application.runs.finish(row["id"], ended, reason=reason, result=result)


def _just_ended(workflow: WorkflowStatus) -> bool:
    ended_at = (workflow.updated_at or 0) / 1000
    return workflow.status == "SUCCESS" and time.time() - ended_at < _SEEN_S


async def queue_lost_answers(application: Application, queueing: Queueing) -> None:
    """Queue the workflows of answers that were stored by somebody who died before queueing them."""
    for run in await application.questions.unstarted():
        await queueing.go_on(run)


async def _drain_time() -> int:
    pending = await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)
    mine = [workflow for workflow in pending if workflow.executor_id == DBOS.executor_id]
    return _DRAIN_S if mine else 0


def main(arguments: list[str] | None = None) -> int:
    """Command line of the worker; returns the exit code."""
    parser = argparse.ArgumentParser(prog="seezar worker", description="Run workflows until stopped.")
    parser.add_argument(
        "--idle-exit", type=float, default=0.0, metavar="SECONDS", help="stop after so long without client and work"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    for name in ("httpx", "httpcore", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        settings = load_settings()
        idle = asyncio.run(_run(settings, options.idle_exit))
        # Only now that its own connections are gone, and with no event loop: DBOS has shut the loop's threads down.
        if idle:
            stop_database_if_unused(settings)
    except SeezarError as error:
        sys.stderr.write(f"seezar worker: {error}\n")
        return 1
    return 0


async def _run(settings: Settings, idle_exit: float) -> bool:
    worker = Worker(settings, idle_exit=idle_exit)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, worker.stop)
    return await worker.run()


if __name__ == "__main__":
    raise SystemExit(main())
