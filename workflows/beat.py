"""What a worker looks after every second, beside the runs."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

import psycopg
from dbos import DBOSClient
from sqlalchemy.exc import DBAPIError

from seezar.errors import DatabaseUnavailable
from workflows.deadlines import Deadlines
from workflows.housekeeping import Housekeeping
from workflows.idling import Idling
from workflows.keeping import Keeper
from workflows.pace import Pace
from workflows.runtime import Runtime
from workflows.stray_runs import close_ended_runs, queue_lost_answers

log = logging.getLogger("seezar.worker")

_BEAT_S = 1.0


class Beat:
    """The beat of one worker.

    Args:
        parts: of the worker.
        dbos: a client that gives up at once when the database is away.
        keep_mail: serves SMTP where no other worker does.
        idle_exit: seconds without client and work after which the beat ends; 0 = never.
    """

    def __init__(
        self, parts: Runtime, dbos: DBOSClient, *, keep_mail: Callable[[], Awaitable[None]], idle_exit: float
    ) -> None:
        self._parts = parts
        self._dbos = dbos
        self._keep_mail = keep_mail
        self._idling = Idling(parts.application.database, after=idle_exit)
        self._pace = Pace()
        self._deadlines = Deadlines(parts.application, parts.lives)
        self._keeper = Keeper(parts.application, parts.queueing)
        self._housekeeping = Housekeeping(parts.application, dbos)

    async def run(self, stop: asyncio.Event) -> None:
        """Beat until told to stop, or idle for long enough."""
        while not stop.is_set():
            try:
                await self._once()
                if await self._idling.for_long():
                    return
            except (DatabaseUnavailable, psycopg.OperationalError, DBAPIError) as error:
                log.warning("the database does not answer (%s)", type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _BEAT_S)

    async def close(self) -> None:
        """Stop what was begun at a beat and is still under way."""
        await self._keeper.close()
        await self._housekeeping.close()

    async def _once(self) -> None:
        application, lives, queueing = self._parts.application, self._parts.lives, self._parts.queueing
        await self._pace.keep(application)
        await self._keep_mail()
        await self._parts.followers.keep()
        await close_ended_runs(application, queueing, self._dbos)
        await self._deadlines.keep()
        await queue_lost_answers(application, queueing)
        for run_id in await application.questions.end_overdue():
            await lives.drop(run_id)
        await lives.drop_stale()
        await self._keeper.keep()
        self._housekeeping.keep()
