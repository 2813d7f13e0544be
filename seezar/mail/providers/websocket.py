"""Wake-ups over a websocket: one connection while somebody waits, and a little longer. What it says is not read."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from seezar.domains import is_loopback
from seezar.mail.providers.looking import look_until

# Seconds that a connection stays open when nobody waits: the next wait often follows at once.
LINGER = 60.0
# Seconds between two looks of a wait, with a connection and without.
LOOK_CONNECTED = 60.0
LOOK_ALONE = 2.0
_OPEN_TIMEOUT = 10.0
_LARGEST_EVENT = 4 * 1024 * 1024
_RECONNECT = (0.2, 1.0, 2.0, 5.0, 15.0, 30.0)

# websockets logs headers and events. A filter stays when levels are changed.
_SILENT = logging.getLogger(f"{__name__}.silent")
_SILENT.addFilter(lambda _: False)


class WakeUps:
    """Wakes those who wait, whenever an event comes and whenever the connection was made anew.

    Args:
        url: `ws://` or `wss://`.
        headers: those that show who listens.
    """

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._url = url
        self._headers = dict(headers)
        self._waiting: set[asyncio.Event] = set()
        self._connected = False
        self._task: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None

    async def wait(self, look: Callable[[], Awaitable[bool]], timeout: float, *, push: bool = True) -> bool:
        """Look again after every event, and at times without one; see `look_until`.

        Args:
            push: False = only look at times.
        """
        event = asyncio.Event()
        self._enter(event, push)
        try:
            return await look_until(look, event, timeout, lambda: LOOK_CONNECTED if self._connected else LOOK_ALONE)
        finally:
            self._leave(event)

    async def close(self) -> None:
        """Close the connection."""
        task = self._stop()
        if task is not None:
            await asyncio.wait({task})

    def _enter(self, event: asyncio.Event, push: bool) -> None:
        self._waiting.add(event)
        if self._idle is not None:
            self._idle.cancel()
        if push and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._run(), name="mail-websocket")

    def _leave(self, event: asyncio.Event) -> None:
        self._waiting.discard(event)
        if not self._waiting:
            self._idle = asyncio.get_running_loop().call_later(LINGER, self._stop)

    def _stop(self) -> asyncio.Task[None] | None:
        if self._idle is not None:
            self._idle.cancel()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        return task

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                async with connect(
                    self._url,
                    additional_headers=self._headers,
                    compression=None,
                    open_timeout=_OPEN_TIMEOUT,
                    max_size=_LARGEST_EVENT,
                    proxy=None if is_loopback(urlsplit(self._url).hostname or "") else True,
                    logger=_SILENT,
                ) as connection:
                    failures = 0
                    self._connected = True
                    self._wake()
                    async for _ in connection:
                        self._wake()
            except (OSError, WebSocketException, ValueError):
                # The list, which is asked anyway, says what is wrong.
                pass
            finally:
                self._connected = False
            self._wake()
            await asyncio.sleep(_RECONNECT[min(failures, len(_RECONNECT) - 1)] * random.uniform(1.0, 1.2))
            failures += 1

    def _wake(self) -> None:
        for event in self._waiting:
            event.set()
