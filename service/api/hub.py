"""Live events for many readers over one connection to the database.

PostgreSQL tells that the timeline of a run grew (`NOTIFY`, see `seezar.accounts.runs`). The hub then reads what is new
once, writes it once, and hands the text to everybody who follows that run. A reader who does not keep up is let go and
comes back with the id of the last event that it had: nothing is kept for it here, everything is in the table.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from seezar.accounts import Run, RunEvent
from seezar.accounts.runs import CHANNEL, Runs
from seezar.database import Database
from seezar.errors import RunUnknown, SeezarError

log = logging.getLogger(__name__)

# Events that wait for one reader; a timeline has some tens.
_BEHIND = 256
_AGAIN_S = 1.0
# To send an event to a reader takes a tenth of a millisecond. Five hundred are told within an eighth of a second,
# and nobody else waits longer than a millisecond at a time.
_AT_A_TIME = 10
_PAUSE_S = 0.001


@dataclass(frozen=True, slots=True)
class Told:
    """Something that is told to readers.

    Attributes:
        id: of the event; 0 for the end of a run.
        text: as it is sent.
    """

    id: int
    text: str


class Subscription:
    """What waits for one reader.

    Attributes:
        seen: id of the last event that was handed to it.
        closed: there is no more to come here.
        dropped: it did not keep up.
    """

    def __init__(self, seen: int) -> None:
        self._queue: asyncio.Queue[Told | None] = asyncio.Queue(_BEHIND)
        self.seen = seen
        self.closed = False
        self.dropped = False

    def put(self, told: Told) -> None:
        """Hand something over; a reader who has not kept up is let go."""
        if self.closed:
            return
        try:
            self._queue.put_nowait(told)
        except asyncio.QueueFull:
            self.dropped = True
            self.close()

    def close(self) -> None:
        """There is no more to come."""
        self.closed = True
        with suppress(asyncio.QueueFull):
            self._queue.put_nowait(None)

    async def next(self, *, seconds: float) -> list[Told]:
        """What has come since, at least one; nothing when it is closed, or when nothing came in time.

        What was handed over before is passed over.
        """
        came: list[Told] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not came and not (self.closed and self._queue.empty()):
                    self._take(await self._queue.get(), came)
        while not self._queue.empty():
            self._take(self._queue.get_nowait(), came)
        return came

    def _take(self, told: Told | None, came: list[Told]) -> None:
        if told is not None and not 0 < told.id <= self.seen:
            self.seen = max(self.seen, told.id)
            came.append(told)


class _Followed:
    """A run that somebody follows: how far it was read, and by whom."""

    def __init__(self) -> None:
        self.last = 0
        self.readers: set[Subscription] = set()


class EventHub:
    """Follows runs for readers. Bound to the event loop that starts it.

    Args:
        write: makes the text of an event, or of a run that has ended.
    """

    def __init__(self, database: Database, runs: Runs, write: Callable[[RunEvent | Run], str]) -> None:
        self._database = database
        self._runs = runs
        self._write = write
        self._followed: dict[str, _Followed] = {}
        self._all: set[Subscription] = set()
        # Events up to here are old news to who follows all runs; beyond it, each run is told as far as this.
        self._floor = 0
        self._told: dict[str, int] = {}
        self._closing = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen for the time of the block."""
        listening = asyncio.create_task(self._listen(), name="event-hub")
        try:
            yield
        finally:
            self.close()
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    def close(self) -> None:
        """End every stream: the server is about to stop."""
        self._closing = True
        for reader in [*self._all, *(one for followed in self._followed.values() for one in followed.readers)]:
            reader.close()

    @asynccontextmanager
    async def following(self, run_id: str, *, after: int = 0) -> AsyncIterator[tuple[list[Told], Subscription]]:
        """The timeline of a run behind the event `after`: what there is, and what comes. With its end it is closed.

        Raises:
            RunUnknown: no such run.
        """
        followed = self._followed.setdefault(run_id, _Followed())
        mine = Subscription(after)
        # First this, then what there is already: nothing can come in between unseen. Ids tell what came twice.
        followed.readers.add(mine)
        try:
            run = await self._runs.get(run_id)
            there = [self._of(event) for event in await self._runs.events(run_id, after=after)]
            mine.seen = max([after, *(told.id for told in there)])
            if followed.readers == {mine}:
                # Another reader may not have been handed all of these.
                followed.last = max(followed.last, mine.seen)
            if run.finished:
                there.append(self._of(await self._runs.get(run_id)))
                mine.close()
            if self._closing:
                mine.close()
            yield there, mine
        finally:
            followed.readers.discard(mine)
            if not followed.readers and self._followed.get(run_id) is followed:
                del self._followed[run_id]

    @asynccontextmanager
    async def following_all(self, *, after: int | None = None) -> AsyncIterator[tuple[list[Told], Subscription]]:
        """The events of all runs from behind the event `after`, or from now on.

        Events of different runs are numbered when they are written and seen when their transactions end, so one with a
        smaller id may come later: none is passed over for its id, and after an interruption some come again.
        """
        if not self._all:
            self._floor, self._told = await self._runs.newest_event(), {}
        mine = Subscription(-1)
        self._all.add(mine)
        try:
            there = [] if after is None else [self._of(event) for event in await self._runs.events_of_all(after=after)]
            if self._closing:
                mine.close()
            yield there, mine
        finally:
            self._all.discard(mine)

    def _of(self, news: RunEvent | Run) -> Told:
        return Told(news.id if isinstance(news, RunEvent) else 0, self._write(news))

    async def _listen(self) -> None:
        while not self._closing:
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
        starts = [followed.last] if followed is not None else []
        if self._all:
            starts.append(self._told.get(run_id, self._floor))
        try:
            # The end before the events: one that is written in between is then never missed.
            run = await self._runs.get(run_id)
            events = await self._runs.events(run_id, after=min(starts))
        except RunUnknown:
            return
        told = [self._of(event) for event in events]
        last = told[-1].id if told else 0
        if followed is not None:
            news = [one for one in told if one.id > followed.last]
            followed.last = max(followed.last, last)
            await _hand(followed.readers, [*news, self._of(run)] if run.finished else news, end=run.finished)
        if self._all:
            known = self._told.get(run_id, self._floor)
            self._told[run_id] = max(known, last)
            await _hand(self._all, [one for one in told if one.id > known])


async def _hand(readers: set[Subscription], news: list[Told], *, end: bool = False) -> None:
    """Hand something to all readers, some at a time: the requests of others come in between.

    Who begins to read meanwhile finds it in the table.
    """
    if not news and not end:
        return
    for number, reader in enumerate([*readers], start=1):
        for told in news:
            reader.put(told)
        if end:
            reader.close()
        if number % _AT_A_TIME == 0:
            await asyncio.sleep(_PAUSE_S)
