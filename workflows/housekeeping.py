"""Deleting what is old, in our tables, those of DBOS and the home: hourly by a worker, or by `seezar db clean`."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

import psycopg
from dbos import DBOSClient
from sqlalchemy.exc import DBAPIError

from seezar.accounts.retention import Cleaned, Keep, Retention
from seezar.application import Application
from seezar.audit.verifying import note_head
from seezar.errors import DatabaseUnavailable
from seezar.settings import Settings
from workflows.artifacts import clean_artifacts, count_artifacts
from workflows.serializer import unforeseen

log = logging.getLogger("seezar.housekeeping")

_EVERY_S = 3600.0
# Between two looks whether an hour has passed; also the pause after something went wrong.
_LOOK_S = 60.0
_OPEN = ["ENQUEUED", "PENDING", "DELAYED"]


def retention(application: Application) -> Retention:
    """What deletes by the settings of the application."""
    return Retention(application.database, keep(application.settings))


def keep(settings: Settings) -> Keep:
    """How long things are kept by the settings."""
    return Keep(
        settings.keep_runs_days, settings.keep_mails_days, settings.keep_pictures_days, settings.keep_pages_days
    )


async def count(application: Application) -> dict[str, int]:
    """How much of each kind would be deleted now.

    Raises:
        DatabaseUnavailable: it does not answer.
    """
    files = await asyncio.to_thread(count_artifacts, application.settings)
    return await retention(application).count() | {"artifacts": files}


async def clean(application: Application, dbos: DBOSClient) -> Cleaned:
    """Delete what is too old in the databases; another process may be at it.

    Raises:
        DatabaseUnavailable: one of the databases does not answer; what is left is done the next time.
    """

    async def forget(runs: Mapping[str, Sequence[str]]) -> set[str]:
        workflows = [workflow for ids in runs.values() for workflow in ids]
        try:
            # Nobody ends a run whose workflow goes on; should it ever be, it is not torn from under its worker.
            found = await dbos.list_workflows_async(
                workflow_ids=workflows, status=_OPEN, load_input=False, load_output=False
            )
            at_work = {workflow.workflow_id for workflow in found}
            gone = {run_id for run_id, ids in runs.items() if not at_work.intersection(ids)}
            await dbos.delete_workflows_async([workflow for run_id in gone for workflow in runs[run_id]])
        except DBAPIError as error:
            raise DatabaseUnavailable(
                f"The tables of the queue cannot be reached ({type(error.orig).__name__}).",
                kept="What is left is deleted the next time.",
                next_step="Check that the database runs: seezar doctor.",
            ) from None
        return gone

    return await retention(application).clean(forget)


class Housekeeping:
    """Cleans beside the beat of a worker, once an hour among all workers."""

    def __init__(self, application: Application, dbos: DBOSClient) -> None:
        self._app = application
        self._dbos = dbos
        self._task: asyncio.Task[None] | None = None
        self._look_at = 0.0
        self._files_at = 0.0

    def keep(self) -> None:
        """Begin what is due; called at every beat, waits for nothing."""
        if time.monotonic() >= self._look_at and (self._task is None or self._task.done()):
            self._look_at = time.monotonic() + _LOOK_S
            self._task = asyncio.create_task(self._clean())

    async def settled(self) -> None:
        """Wait until what was begun is done."""
        if self._task is not None:
            await self._task

    async def close(self) -> None:
        """Stop; what is left is done by another worker, or the next time."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _clean(self) -> None:
        deleted: dict[str, int] = {}
        try:
            # Each home has files of its own, so this is not done for others.
            if time.monotonic() >= self._files_at:
                self._files_at = time.monotonic() + _EVERY_S
                deleted["artifacts"] = await asyncio.to_thread(clean_artifacts, self._app.settings)
            if await retention(self._app).due(every_s=_EVERY_S):
                deleted |= (await clean(self._app, self._dbos)).counts
                deleted["tokens"] = await self._app.access.forget_expired()
                # Outside the database, so that a log whose end is cut off there is found.
                await note_head(self._app.database, self._app.settings.home)
        except (DatabaseUnavailable, psycopg.Error) as error:
            log.warning("what is old could not be deleted (%s)", type(error).__name__)
        except Exception as error:  # noqa: BLE001 - it is no reason to stop working on runs
            log.error("what is old could not be deleted: %s", unforeseen(error))
        if any(deleted.values()):
            log.info("deleted what was old: %s", ", ".join(f"{n} {kind}" for kind, n in deleted.items() if n))
