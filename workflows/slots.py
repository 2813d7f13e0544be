"""Numbered worker slots, held by session-level advisory locks: they are free again the moment their holder is gone.

The slot is the DBOS executor id. The lock says who lives; the token in `app.worker` says whether anybody took the slot,
or the runs of it, since it was taken. A holder that lost its connection takes its slot again where the token is still
there, and has nothing more to do with its runs where it is not.
"""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID, uuid4

import psycopg
from psycopg import AsyncConnection, OperationalError
from psycopg.rows import DictRow, dict_row

from seezar.database.pool import unavailable
from seezar.database.urls import with_options
from seezar.errors import WorkerUnavailable
from workflows.names import APPLICATION_VERSION, LOCK_MAIL, LOCK_READY, LOCK_SLOT, QUEUES

MOST_SLOTS = 64

# A machine that is switched off says no goodbye. Both sides notice within seconds, the holder first.
_CLIENT_SIDE = {
    "keepalives_idle": "2",
    "keepalives_interval": "1",
    "keepalives_count": "2",
    "tcp_user_timeout": "3000",
    "connect_timeout": "5",
}
_SERVER_SIDE = (
    "SELECT set_config('tcp_keepalives_idle', '3', false), set_config('tcp_keepalives_interval', '1', false),"
    " set_config('tcp_keepalives_count', '3', false)"
)
# Whoever has the lock of our slot is looking through its runs, or is our own connection of before.
_BUSY_TRIES = 25
_BUSY_PAUSE_S = 0.2

_HELD = (
    "SELECT objid::int AS slot FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_REGISTER = (
    "INSERT INTO app.worker (slot, token, host, pid, version, queues, browsers) VALUES (%s, %s, %s, %s, %s, %s, %s)"
    " ON CONFLICT (slot) DO UPDATE SET token = excluded.token, host = excluded.host, pid = excluded.pid,"
    " version = excluded.version, queues = excluded.queues, browsers = excluded.browsers, started_at = now()"
)


class SlotLost(Exception):
    """The slot is held by another worker, or its runs were adopted."""


class SlotHolder:
    """The connection that holds this worker's locks.

    Args:
        url: the `seezar` database.
        queues: those that this worker serves.
        browsers: how many pages it lets work at the same time.
    """

    def __init__(self, url: str, *, queues: Sequence[str] = QUEUES, browsers: int = 1) -> None:
        self._url = url
        self._queues = list(queues)
        self._browsers = browsers
        self._connection: AsyncConnection[DictRow] | None = None
        self.slot = -1
        self.token: UUID = uuid4()

    async def take(self) -> int:
        """Take the lowest free slot; returns it.

        Raises:
            DatabaseUnavailable: the server does not answer.
            WorkerUnavailable: all slots are taken.
        """
        await self._connect()
        for slot in range(MOST_SLOTS):
            if await self._try(LOCK_SLOT, slot):
                self.slot = slot
                await self._register()
                return slot
        await self.release()
        raise WorkerUnavailable(
            f"All {MOST_SLOTS} worker slots are taken.",
            kept="The runs go on in the workers that there are.",
            next_step="Stop a worker that is not needed.",
        )

    async def take_again(self) -> None:
        """After a lost connection: take the slot that was held before, if nobody has had it meanwhile.

        Raises:
            DatabaseUnavailable: the server does not answer.
            SlotLost: somebody has.
        """
        await self._connect()
        for _ in range(_BUSY_TRIES):
            # Where the connection broke on our side only, the server still has the old one.
            await self._execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = %s AND pid <> pg_backend_pid()",
                self._name,
            )
            taken = await self._try(LOCK_SLOT, self.slot)
            if not await self._registered():
                raise SlotLost
            if taken:
                return
            await asyncio.sleep(_BUSY_PAUSE_S)
        raise SlotLost

    async def ready(self) -> None:
        """Tell that this worker takes runs now."""
        await self._try(LOCK_READY, self.slot)

    async def not_ready(self) -> None:
        """Tell that this worker takes no more runs."""
        with suppress(psycopg.Error):
            await self._unlock(LOCK_READY, self.slot)

    async def take_mail(self) -> bool:
        """Become the worker that serves SMTP; True when it is this one (now or already)."""
        return await self._try(LOCK_MAIL, 0)

    async def alive(self) -> bool:
        """Whether the locks are still held."""
        try:
            await self._execute("SELECT 1")
        except OperationalError:
            return False
        return True

    async def held(self) -> set[int]:
        """The slots that some worker holds."""
        return {row["slot"] for row in await self._execute(_HELD, LOCK_SLOT)}

    @asynccontextmanager
    async def of_the_dead(self, slot: int) -> AsyncGenerator[bool]:
        """Hold a slot whose worker is dead for the block, so that nobody else has it or adopts its runs meanwhile.

        Its holder, should he live, is told by then that it is not his any more.

        Yields:
            False when somebody else has it.
        """
        if not await self._try(LOCK_SLOT, slot):
            yield False
            return
        try:
            await self._execute("DELETE FROM app.worker WHERE slot = %s RETURNING slot", slot)
            yield True
        finally:
            with suppress(psycopg.Error):
                await self._unlock(LOCK_SLOT, slot)

    async def release(self) -> None:
        """Give all locks back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                await connection.execute("DELETE FROM app.worker WHERE token = %s", (self.token,))
                # The server notices the end of a connection a moment later.
                await connection.execute("SELECT pg_advisory_unlock_all()")
            await connection.close()

    @property
    def _name(self) -> str:
        return f"seezar-worker-slot-{self.token.hex[:12]}"

    async def _connect(self) -> None:
        if self._connection is not None:
            await self._connection.close()
        url = with_options(self._url, application_name=self._name, **_CLIENT_SIDE)
        try:
            self._connection = await AsyncConnection[DictRow].connect(url, autocommit=True, row_factory=dict_row)
            await self._connection.execute(_SERVER_SIDE)
        except OperationalError as error:
            raise unavailable(self._url, error) from error

    async def _register(self) -> None:
        assert self._connection is not None
        about = (socket.gethostname(), os.getpid(), APPLICATION_VERSION, self._queues, self._browsers)
        await self._connection.execute(_REGISTER, (self.slot, self.token, *about))

    async def _registered(self) -> bool:
        return bool(await self._execute("SELECT 1 FROM app.worker WHERE token = %s", self.token))

    async def _try(self, kind: int, number: int) -> bool:
        # The server counts repeated grants to one session, so what is held already is not asked for again.
        rows = await self._execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s"
            " AND pid = pg_backend_pid() AND granted) OR pg_try_advisory_lock(%s, %s) AS got",
            *(kind, number, kind, number),
        )
        return bool(rows[0]["got"])

    async def _unlock(self, kind: int, number: int) -> None:
        await self._execute("SELECT pg_advisory_unlock(%s, %s)", kind, number)

    async def _execute(self, query: str, *args: object) -> list[DictRow]:
        connection = self._connection
        if connection is None or connection.closed:
            raise OperationalError("the connection of the slot is closed")
        cursor = await connection.execute(query, args)  # pyright: ignore[reportArgumentType]
        return await cursor.fetchall()
