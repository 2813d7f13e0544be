"""Numbered worker slots, held by session-level advisory locks: they are free again the moment their holder is gone.

The slot is the DBOS executor id. DBOS recovers the runs of its own id when it launches; the runs of a slot that nobody
holds any more are adopted by a live worker (notes of DBOS: open-source DBOS recovers no other id).
"""

from contextlib import suppress

import psycopg
from psycopg import AsyncConnection, OperationalError
from psycopg.rows import DictRow, dict_row

from seezar.database.pool import unavailable
from seezar.database.urls import with_options
from seezar.errors import WorkerUnavailable
from workflows.names import LOCK_MAIL, LOCK_READY, LOCK_SLOT

MOST_SLOTS = 64


class SlotHolder:
    """The connection that holds this worker's locks.

    Args:
        url: the `seezar` database.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: AsyncConnection[DictRow] | None = None
        self.slot = -1

    async def take(self) -> int:
        """Take the lowest free slot, or after a lost connection the one held before; returns it.

        Raises:
            DatabaseUnavailable: the server does not answer.
            WorkerUnavailable: all slots are taken, or the slot held before is.
        """
        url = with_options(self._url, application_name="seezar-worker-slot")
        try:
            self._connection = await AsyncConnection[DictRow].connect(url, autocommit=True, row_factory=dict_row)
        except OperationalError as error:
            raise unavailable(self._url, error) from error
        for slot in range(MOST_SLOTS) if self.slot < 0 else (self.slot,):
            if await self._try(LOCK_SLOT, slot):
                self.slot = slot
                return slot
        raise WorkerUnavailable(
            "Another worker has taken this worker's place."
            if self.slot >= 0
            else f"All {MOST_SLOTS} worker slots are taken.",
            kept="Its runs go on there.",
            next_step="Stop a worker that is not needed.",
        )

    async def ready(self) -> None:
        """Tell that this worker takes runs now."""
        await self._try(LOCK_READY, self.slot)

    async def not_ready(self) -> None:
        """Tell that this worker takes no more runs."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                await self._connection.execute("SELECT pg_advisory_unlock(%s, %s)", (LOCK_READY, self.slot))

    async def take_mail(self) -> bool:
        """Become the worker that serves SMTP; True when it is this one (now or already)."""
        return await self._try(LOCK_MAIL, 0)

    async def alive(self) -> bool:
        """Whether the locks are still held."""
        if self._connection is None or self._connection.closed:
            return False
        try:
            await self._connection.execute("SELECT 1")
        except OperationalError:
            return False
        return True

    async def dead_slots(self) -> list[int]:
        """The slots below the highest possible one that no worker holds."""
        assert self._connection is not None
        cursor = await self._connection.execute(_HELD, (LOCK_SLOT,))
        held = {row["slot"] for row in await cursor.fetchall()}
        return [slot for slot in range(MOST_SLOTS) if slot not in held]

    async def release(self) -> None:
        """Give all locks back."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _try(self, kind: int, number: int) -> bool:
        assert self._connection is not None
        # The server counts repeated grants to one session, so what is held already is not asked for again.
        cursor = await self._connection.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s"
            " AND pid = pg_backend_pid() AND granted) OR pg_try_advisory_lock(%s, %s) AS got",
            (kind, number, kind, number),
        )
        row = await cursor.fetchone()
        return bool(row and row["got"])


_HELD = (
    "SELECT objid::int AS slot FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY objid"
)
