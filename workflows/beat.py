"""What a worker looks after every second, beside the runs."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import psycopg
from dbos import DBOSClient
from sqlalchemy.exc import DBAPIError

from seezar.errors import DatabaseUnavailable
from workflows.deadlines import Deadlines
from workflows.housekeeping import Housekeeping
from workflows.idling import Idling
from workflows.indexing import Indexing
from workflows.keeping import Keeper
from workflows.pace import Pace
from workflows.runtime import Runtime
from workflows.serializer import unforeseen
from workflows.stray_runs import close_ended_runs, queue_lost_answers
from workflows.webhooks import WebhookSender

log = logging.getLogger("seezar.worker")

_BEAT_S = 1.0
# A run that nobody would end or begin is looked for among all that are open; it has been one for a while by then.
_STRAYS_S = 5.0
_AWAY = (DatabaseUnavailable, psycopg.OperationalError, DBAPIError)


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
        self._webhooks = WebhookSender(parts.application)
        self._housekeeping = Housekeeping(parts.application, dbos)
        self._indexing = Indexing(parts.application.collections)
        self._strays_at = -_STRAYS_S
        self._failing: set[str] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Beat until told to stop, or idle for long enough."""
        while not stop.is_set():
            try:
                await self._once()
                if await self._idling.for_long():
                    return
            except _AWAY as error:
                log.warning("the database does not answer (%s)", type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _BEAT_S)

    async def close(self) -> None:
        """Stop what was begun at a beat and is still under way."""
        await self._keeper.close()
        await self._webhooks.close()
        await self._housekeeping.close()
        await self._indexing.close()

    async def _once(self) -> None:
        await self._part("pace", self._pace.keep(self._parts.application))
        await self._part("mail", self._keep_mail())
        await self._part("followers", self._parts.followers.keep())
        await self._part("runs", self._runs())
        await self._part("deadlines", self._deadlines.keep())
        await self._part("pages", self._pages())
        await self._part("keeping", self._keeper.keep())
        await self._part("schedules", self._parts.application.schedules.settle())
        await self._part("webhooks", self._webhooks.begin())
        self._housekeeping.keep()
        self._indexing.keep()

    async def _part(self, name: str, work: Awaitable[object]) -> None:
        """One part of the beat. What nobody foresaw in it, or what is the fault of one row, does not end the worker
        nor the other parts.
        """
        try:
            await work
        except _AWAY:
            raise
        except Exception as error:  # noqa: BLE001 - see above
            if name not in self._failing:
                log.error("%s fails at every beat from now on: %s", name, unforeseen(error))
            self._failing.add(name)
        else:
            self._failing.discard(name)

    async def _runs(self) -> None:
        application, queueing = self._parts.application, self._parts.queueing
        await queue_lost_answers(application, queueing)
        if time.monotonic() - self._strays_at < _STRAYS_S:
            return
        self._strays_at = time.monotonic()
        await close_ended_runs(application, queueing, self._dbos)

    async def _pages(self) -> None:
        lives = self._parts.lives
        for run_id in await self._parts.application.questions.end_overdue():
            await lives.drop(run_id)
        await lives.drop_stale()
