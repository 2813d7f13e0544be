"""Wake-ups for those who wait for mail in this process: one LISTEN connection, however many wait."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Generator

import psycopg

from seezar.database import Connection, Database
from seezar.errors import DatabaseUnavailable

CHANNEL = "seezar_mail"
_RECONNECT = (0.1, 0.5, 1.0, 2.0, 5.0)

log = logging.getLogger(__name__)


class MailListener:
    """Listens on `seezar_mail`, whose payload is a message id, and wakes those who wait for that message's mailbox.

    A notification can be lost (the connection breaks); it can never be wrong. So whoever is woken looks at the list,
    and all are woken whenever the connection was renewed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._listening = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def ready(self, timeout: float) -> bool:
        """Start listening unless it does; True once the connection stands, False after `timeout` seconds without."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="mail-listener")
        try:
            async with asyncio.timeout(timeout):
                await self._listening.wait()
        except TimeoutError:
            return False
        return True

    @contextlib.contextmanager
    def subscribe(self, mailbox: str) -> Generator[asyncio.Event]:
        """An event that is set when mail came for `mailbox`, or may have come."""
        event = asyncio.Event()
        events = self._waiting.setdefault(mailbox, set())
        events.add(event)
        try:
            yield event
        finally:
            events.discard(event)
            if not events:
                self._waiting.pop(mailbox, None)

    async def close(self) -> None:
        """Stop listening. Those who wait go on by polling."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self._listening.clear()

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                async with self._connected() as connection:
                    failures = 0
                    async for notification in connection.notifies():
                        await self._announce(notification.payload)
            except (DatabaseUnavailable, psycopg.Error) as error:
                log.warning("mail wake-ups interrupted (%s); mail is found by polling meanwhile", type(error).__name__)
            await asyncio.sleep(_RECONNECT[min(failures, len(_RECONNECT) - 1)])
            failures += 1

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncGenerator[Connection]:
        async with self._database.listen(CHANNEL) as connection:
            self._listening.set()
            self._wake(*self._waiting)
            try:
                yield connection
            finally:
                self._listening.clear()

    async def _announce(self, payload: str) -> None:
        if not self._waiting:
            return
        row = await self._database.one("SELECT mailbox FROM app.message WHERE id = %s", int(payload))
        if row is not None:
            self._wake(row["mailbox"])

    def _wake(self, *mailboxes: str) -> None:
        for mailbox in mailboxes:
            for event in self._waiting.get(mailbox, ()):
                event.set()
