"""Runs whose worker is gone: taken up by a live one, parked when they take one worker after another down, and listed
when no live worker may take them.

DBOS recovers only the runs of its own executor id, and only when it is launched. Here the runs of a slot that nobody
holds are put back into their queue by whichever live worker comes first; it holds the slot meanwhile, so there is one.
"""

import asyncio
import logging
import time
from dataclasses import dataclass

import psycopg
from dbos import DBOSClient
from psycopg import OperationalError

from seezar.accounts import Run
from seezar.accounts.adoptions import PARKED
from seezar.accounts.records import result_without_end
from seezar.application import Application
from workflows import engine
from workflows.names import APPLICATION_VERSION, LOCK_READY
from workflows.queueing import Queueing
from workflows.slots import MOST_SLOTS, SlotHolder

log = logging.getLogger("seezar.worker")

# So long a slot is free before its runs are adopted: a worker that lost only its connection takes it again meanwhile.
GRACE_S = 1.6


class Adopter:
    """Adopts for one worker.

    Args:
        dbos: a client that gives up at once when the database is away.
    """

    def __init__(self, application: Application, slots: SlotHolder, dbos: DBOSClient) -> None:
        self._app = application
        self._slots = slots
        self._dbos = dbos
        self._free_since: dict[int, float] = {}

    async def look(self) -> list[str]:
        """Adopt the runs of slots that have been free for a while; returns the ids of their workflows.

        Raises:
            psycopg.OperationalError, DBAPIError, DatabaseUnavailable: the database does not answer.
        """
        pending = await self._dbos.list_workflows_async(status="PENDING", load_input=False, load_output=False)
        executors = {workflow.executor_id for workflow in pending}
        held = await self._slots.held() if executors else set[int]()
        free = {slot for slot in range(MOST_SLOTS) if slot not in held and engine.executor_id(slot) in executors}
        now = time.monotonic()
        self._free_since = {slot: self._free_since.get(slot, now) for slot in free}
        adopted: list[str] = []
        for slot, since in list(self._free_since.items()):
            if now - since >= GRACE_S:
                async with self._slots.of_the_dead(slot) as mine:
                    adopted += await self.adopt(slot) if mine else []
        return adopted

    def forget(self) -> None:
        """The database was away: slots that are free now may be taken again by workers that are slower than this."""
        self._free_since.clear()

    async def adopt(self, slot: int) -> list[str]:
        """Put the runs of a slot that this worker holds, and that had another holder, back into their queues."""
        died = engine.executor_id(slot)
        pending = await self._dbos.list_workflows_async(
            status="PENDING", executor_id=died, load_input=False, load_output=False
        )
        for workflow in pending:
            # Whose connection broke here holds the slot no more: a new holder of it may have taken the rest.
            if not await self._slots.alive():
                raise OperationalError("the connection of the slot is closed")
            if await self._may_go_on(workflow.workflow_id, died):
                log.warning("adopting %s of %s, which is gone", workflow.workflow_id, died)
                await engine.put_back(self._dbos, workflow.workflow_id, died)
            else:
                await self._dbos.cancel_workflow_async(workflow.workflow_id)
        return [workflow.workflow_id for workflow in pending]

    async def _may_go_on(self, workflow_id: str, died: str) -> bool:
        adoptions, most = self._app.adoptions, self._app.settings.max_adoptions
        me = engine.executor_id(self._slots.slot)
        found = await adoptions.count(workflow_id, died=died, by=me, most=most)
        if found is None:
            return not await adoptions.is_parked(workflow_id)
        if found.adoptions <= most:
            return True
        reason = (
            f"Workers died {found.adoptions} times while they worked on this run, {died} the last time. It was put"
            f" aside, so that it does not take down the next one; nothing more was sent. See what the workers' logs say"
            f" last, then: seezar runs resume {found.run_id}"
        )
        log.error("the run %s is parked: workers died %d times with it", found.run_id, found.adoptions)
        await self._app.runs.event(found.run_id, PARKED, reason)
        result = result_without_end(await self._app.runs.get(found.run_id), PARKED, reason)
        await self._app.runs.finish(found.run_id, PARKED, reason=reason, result=result)
        return False


async def hand_over(application: Application, dbos: DBOSClient, slot: int) -> list[str]:
    """A worker that is told to stop gives back what it could not finish; it is nobody's death, and not counted.

    Call it when nothing of it is at work any more, and before the slot is given back.
    """
    me = engine.executor_id(slot)
    pending = await dbos.list_workflows_async(status="PENDING", executor_id=me, load_input=False, load_output=False)
    for workflow in pending:
        run = await application.database.one(
            "SELECT id FROM app.run WHERE workflow_id = %s AND finished_at IS NULL", workflow.workflow_id
        )
        if run is not None:
            await application.runs.event(run["id"], "handed_over", f"{me} was stopped; the next worker goes on")
        await engine.put_back(dbos, workflow.workflow_id, me)
    return [workflow.workflow_id for workflow in pending]


@dataclass(frozen=True)
class Stranded:
    """A run that no live worker may take. `reason` is a sentence, `next_step` another."""

    run_id: str
    workflow_id: str
    version: str
    reason: str
    next_step: str


def live_versions(url: str) -> set[str]:
    """The application versions of the workers that take runs now.

    Raises:
        psycopg.Error: the database does not answer, or was not migrated.
    """
    with psycopg.connect(url, connect_timeout=5) as connection:
        rows = connection.execute(
            "SELECT DISTINCT w.version FROM app.worker w JOIN pg_locks l ON l.objid::int = w.slot"
            " WHERE l.locktype = 'advisory' AND l.classid = %s AND l.granted"
            " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            (LOCK_READY,),
        ).fetchall()
    return {row[0] for row in rows}


def stranded(url: str) -> list[Stranded]:
    """The open runs that wait for a worker of a version that no live worker has.

    Args:
        url: the `seezar` database.

    Raises:
        psycopg.Error: the database does not answer, or was not migrated.
    """
    # Where none runs, the next one is started with this version.
    live = live_versions(url) or {APPLICATION_VERSION}
    with psycopg.connect(url, connect_timeout=5) as connection:
        rows = connection.execute("SELECT id, workflow_id FROM app.run WHERE finished_at IS NULL").fetchall()
    runs = {row[1]: row[0] for row in rows}
    try:
        with psycopg.connect(engine.dbos_url(url), connect_timeout=5) as connection:
            waiting = connection.execute(
                "SELECT workflow_uuid, application_version FROM dbos.workflow_status WHERE workflow_uuid = ANY(%s)"
                " AND status IN ('ENQUEUED', 'DELAYED', 'PENDING') AND NOT application_version = ANY(%s)"
                " ORDER BY created_at",
                (list(runs), list(live)),
            ).fetchall()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return []
    except psycopg.OperationalError as error:
        # The first worker makes it.
        if "does not exist" not in str(error):
            raise
        return []
    return [_stranded(runs[workflow_id], workflow_id, version, sorted(live)) for workflow_id, version in waiting]


def _stranded(run_id: str, workflow_id: str, version: str, live: list[str]) -> Stranded:
    reason = f"It was queued for version {version}, which no worker has; those that run have {', '.join(live)}."
    if version == APPLICATION_VERSION:
        step = "The workers are of another seezar: stop them (seezar down) and start them again (seezar up)."
    else:
        step = f"Take it up under the present version: seezar runs resume {run_id}. What it stored is kept."
    return Stranded(run_id, workflow_id, version, reason, step)


async def is_stranded(application: Application, run: Run) -> Stranded | None:
    """Why a run waits for a version that no live worker has; None when it does not."""
    if run.finished:
        return None
    found = await asyncio.to_thread(stranded, application.database.url)
    return next((one for one in found if one.run_id == run.id), None)


async def take_up(application: Application, dbos: DBOSClient, queueing: Queueing, run: Run) -> bool:
    """Take up a stranded run under the present version: its workflow begins anew, and what our tables know of the run
    holds. A code that was on its way when the old workflow stopped may have to be sent again.

    Returns:
        False when that cannot be, as what was asked for was not written down: the run has to be asked for again.
    """
    if run.workflow_id == run.id and await application.runs.arguments(run.id) is None:
        return False
    await application.runs.event(run.id, "resume", f"Taken up under version {APPLICATION_VERSION} on request")
    # Should this process die in between, a worker queues what has no workflow.
    await dbos.delete_workflow_async(run.workflow_id)
    return await queueing.go_on(run)
