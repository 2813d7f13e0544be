"""Turns of browser steps: so many at the same time, the most urgent first, and only while there is memory for more."""

import asyncio
import heapq
import itertools
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar

# How urgent the steps of this task are, the lowest first; runs have it from their place in the queue.
urgency: ContextVar[int] = ContextVar("urgency", default=0)
# Memory comes back without telling anybody.
_LOOK_AGAIN_S = 1.0


class Turns:
    """Hands turns out.

    Args:
        most: turns at the same time.
        free: tells the memory that is free, bytes.
        least_free: so many bytes must be free for a further turn beside another one; the only one needs none, so that
            work goes on where memory stays scarce.
    """

    def __init__(self, most: int, *, free: Callable[[], int], least_free: int) -> None:
        self._most = most
        self._free = free
        self._least_free = least_free
        self._running = 0
        self._numbers = itertools.count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._look_again: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """Wait for a turn and have it for the block; of the equally urgent, first come, first served."""
        coming: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (urgency.get(), next(self._numbers), coming))
        self._admit()
        try:
            await coming
        except asyncio.CancelledError:
            # The turn may have come just before.
            if coming.done() and not coming.cancelled():
                self._leave()
            raise
        try:
            yield
        finally:
            self._leave()

    def _leave(self) -> None:
        self._running -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._running < self._most:
            if self._waiting[0][2].cancelled():
                heapq.heappop(self._waiting)
                continue
            if self._running and self._least_free and self._free() < self._least_free:
                self._later()
                return
            heapq.heappop(self._waiting)[2].set_result(None)
            self._running += 1

    def _later(self) -> None:
        if self._look_again is None:
            self._look_again = asyncio.get_running_loop().call_later(_LOOK_AGAIN_S, self._looked)

    def _looked(self) -> None:
        self._look_again = None
        self._admit()
