"""Live events for many readers over one connection to the database.

PostgreSQL tells that the timeline of a run grew (`NOTIFY`, see `seezar.accounts.runs`). The hub then reads what is new
once, and hands it to everybody who follows that run. A reader who does not keep up is let go and comes back with the id
of the last event that it had: nothing is kept for it here, everything is in the table.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress

from seezar.accounts import Run, RunEvent
from seezar.accounts.runs import CHANNEL, Runs
from seezar.database import Database
from seezar.errors import RunUnknown, SeezarError

log = logging.getLogger(__name__)

# Events that wait for one reader; a timeline has some tens.
_BEHIND = 256
_AGAIN_S = 1.0

type News = RunEvent | Run
"""An event; or the run itself, once it has ended."""


class Subscription:
    """One reader's queue. `None` in it means that there is no more to come here."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[News | None] = asyncio.Queue(_BEHIND)
        self.dropped = False

    def put(self, news: News | None) -> bool:
        """Hand something over; False when the reader has not kept up."""
        try:
            self.queue.put_nowait(news)
        except asyncio.QueueFull:
            self.dropped = True
            return False
        return True


class _Followed:
    """A run that somebody follows: how far it was read, and by whom."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.readers: set[Subscription] = set()


class EventHub:
    """Follows runs for readers. Bound to the event loop that starts it.

    Attributes:
        closing: set when the server is about to stop; streams end then.
    """

    def __init__(self, database: Database, runs: Runs) -> None:
        self._database = database
        self._runs = runs
        self._followed: dict[str, _Followed] = {}
        self._all: set[Subscription] = set()
        # Events up to here are old news to who follows all runs; beyond it, each run is told as far as this.
        self._floor = 0
        self._seen: dict[str, int] = {}
        self.closing = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen for the time of the block."""
        listening = asyncio.create_task(self._listen(), name="event-hub")
        try:
            yield
        finally:
            self.closing.set()
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    @property
    def readers(self) -> int:
        """How many follow something now."""
        return len(self._all) + sum(len(followed.readers) for followed in self._followed.values())

    async def follow(self, run_id: str, *, after: int = 0) -> AsyncGenerator[News | None]:
        """The timeline of a run behind the event `after`, live, and at last the run when it has ended.

        Yields:
            None when the reader did not keep up, and has to come back.

        Raises:
            RunUnknown: no such run.
        """
        followed = self._followed.setdefault(run_id, _Followed(0))
        mine = Subscription()
        # First this, then what there is already: nothing can come in between unseen. Ids tell what came twice.
        followed.readers.add(mine)
        try:
            seen = after
            run = await self._runs.get(run_id)
            for event in await self._runs.events(run_id, after=after):
                seen = event.id
                yield event
            if followed.readers == {mine}:
                # Another reader may not have been handed all of these.
                followed.last = max(followed.last, seen)
            if run.finished:
                yield await self._runs.get(run_id)
                return
            while (news := await self._next(mine)) is not None:
                if isinstance(news, Run):
                    yield news
                    return
                if news.id > seen:
                    seen = news.id
                    yield news
            if mine.dropped:
                yield None
        finally:
            followed.readers.discard(mine)
            if not followed.readers and self._followed.get(run_id) is followed:
                del self._followed[run_id]

    async def follow_all(self, *, after: int | None = None) -> AsyncGenerator[News | None]:
        """The events of all runs, live, from behind the event `after`, or from now on.

        Events of different runs are numbered when they are written and seen when their transactions end, so one with a
        smaller id may come later. Told from an id, some that were told before may come again.
        """
        if not self._all:
            self._floor, self._seen = await self._runs.newest_event(), {}
        mine = Subscription()
        self._all.add(mine)
        try:
            seen: set[int] = set()
            if after is not None:
                for event in await self._runs.events_of_all(after=after):
                    seen.add(event.id)
                    yield event
            while (news := await self._next(mine)) is not None:
                if isinstance(news, RunEvent) and news.id not in seen:
                    yield news
            if mine.dropped:
                yield None
        finally:
            self._all.discard(mine)

    async def _next(self, subscription: Subscription) -> News | None:
        if subscription.dropped and subscription.queue.empty():
            return None
        if not subscription.queue.empty():
            return subscription.queue.get_nowait()
        getting = asyncio.ensure_future(subscription.queue.get())
        closing = asyncio.ensure_future(self.closing.wait())
        try:
            await asyncio.wait({getting, closing}, return_when=asyncio.FIRST_COMPLETED)
            return getting.result() if getting.done() else None
        finally:
            getting.cancel()
            closing.cancel()

    async def _listen(self) -> None:
        while not self.closing.is_set():
            try:
                async with self._database.listen(CHANNEL) as connection:
                    # What came while nobody listened is looked for.
                    runs = set(self._followed)
                    if self._all:
                        runs |= {event.run_id for event in await self._runs.events_of_all(after=self._floor)}
                    for run_id in runs:
                        await self._look(run_id)
                    async for notification in connection.notifies():
                        await self._look(notification.payload)
            except SeezarError as error:
                log.warning("live events wait: %s", error.status)
            await asyncio.sleep(_AGAIN_S)

    async def _look(self, run_id: str) -> None:
        """Read what is new of a run, once, and hand it to all who follow it."""
        followed = self._followed.get(run_id)
        if followed is None and not self._all:
            return
        try:
            run = await self._runs.get(run_id)
            starts = [followed.last] if followed is not None else []
            if self._all:
                starts.append(self._seen.get(run_id, self._floor))
            events = await self._runs.events(run_id, after=min(starts))
        except RunUnknown:
            return
        for event in events:
            if followed is not None and event.id > followed.last:
                followed.last = event.id
                _tell(followed.readers, event)
            if self._all and event.id > self._seen.get(run_id, self._floor):
                self._seen[run_id] = event.id
                _tell(self._all, event)
        if run.finished and followed is not None:
            _tell(followed.readers, run)


def _tell(readers: set[Subscription], news: News) -> None:
    for reader in list(readers):
        if not reader.put(news):
            readers.discard(reader)
