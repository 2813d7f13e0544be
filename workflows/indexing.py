"""Indexing collections that have grown past the size where looking at every passage is faster, beside the beat."""

import asyncio
import logging
import time
from contextlib import suppress

import psycopg

from seezar.errors import DatabaseUnavailable
from seezar.knowledge.collections import Collections
from workflows.serializer import unforeseen

log = logging.getLogger("seezar.indexing")

_LOOK_S = 30.0


class Indexing:
    """Makes the indexes that are due, one at a time among all workers for each collection."""

    def __init__(self, collections: Collections) -> None:
        self._collections = collections
        self._task: asyncio.Task[None] | None = None
        self._look_at = 0.0

    def keep(self) -> None:
        """Begin what is due; called at every beat, waits for nothing."""
        if time.monotonic() >= self._look_at and (self._task is None or self._task.done()):
            self._look_at = time.monotonic() + _LOOK_S
            self._task = asyncio.create_task(self.make())

    async def close(self) -> None:
        """Stop; an index that was cut off is made anew, by another worker when its time is over."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def make(self) -> None:
        """Make the indexes that are due and that nobody is at."""
        try:
            while (name := await self._collections.index_due()) is not None:
                log.info("indexing the collection %s", name)
                if not await self._collections.index(name):
                    return
        except (DatabaseUnavailable, psycopg.Error) as error:
            log.warning("a collection could not be indexed (%s)", type(error).__name__)
        except Exception as error:  # noqa: BLE001 - it is no reason to stop working on runs
            log.error("a collection could not be indexed: %s", unforeseen(error))
