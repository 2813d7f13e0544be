"""A small asynchronous pool; every use is one transaction."""

import errno
import os
import select
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection, AsyncCursor, sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import FeatureNotSupported
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from seezar.database.urls import with_options, without_password
from seezar.errors import DatabaseFull, DatabaseUnavailable, KeyUnusable

type Row = dict[str, Any]
type Connection = AsyncConnection[DictRow]

# With less room than this, PostgreSQL starts and goes on no more: it takes its log by 16 MB.
LEAST_FREE = 32 * 1024**2
# Of 0021_vault.sql.
_KEY_RETIRED = "SZK01"
_NO_ROOM = os.strerror(errno.ENOSPC)
# A process that stopped answering must not hold a worker's lock for the two hours of TCP's default keep-alive.
_KEEPALIVE = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}


class Database:
    """Connections to the `seezar` database, bound to the event loop that opened it."""

    def __init__(self, url: str, pool: "AsyncConnectionPool[Connection]") -> None:
        self.url = url
        self._pool = pool

    @classmethod
    async def open(cls, url: str, *, application_name: str, max_size: int = 4, timeout: float = 10.0) -> Self:
        """Open a pool of one to `max_size` connections.

        Args:
            url: PostgreSQL URL that names the database.
            application_name: shown in `pg_stat_activity`; names starting with `seezar-client` count as clients.
            max_size: most connections at the same time.
            timeout: seconds to wait for the first connection.

        Raises:
            DatabaseUnavailable: no connection in time.
        """
        pool: AsyncConnectionPool[Connection] = AsyncConnectionPool[Connection](
            with_options(url, application_name=application_name, **_KEEPALIVE),
            min_size=1,
            max_size=max_size,
            timeout=timeout,
            # The pause between attempts doubles for as long as this says (five minutes by default), and nobody is
            # served in a pause. After giving up, the next request tries at once.
            reconnect_timeout=timeout,
            open=False,
            # A statement of its own is one way to the server instead of three: no BEGIN, no COMMIT.
            kwargs={"row_factory": dict_row, "autocommit": True},
            check=_check,
        )
        try:
            await pool.open(wait=True, timeout=timeout)
        except (PoolTimeout, psycopg.Error) as error:
            await pool.close()
            raise unavailable(url, error) from None
        return cls(url, pool)

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """One connection in one transaction: committed at the end of the block, rolled back on an exception.

        Raises:
            DatabaseUnavailable: no connection could be had, or it broke.
        """
        async with self._taken() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def _taken(self) -> AsyncGenerator[Connection]:
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise unavailable(self.url, error) from error
        except psycopg.DatabaseError as error:
            if error.sqlstate != _KEY_RETIRED:
                raise
            raise KeyUnusable(
                "This process still encrypts under a master key that was retired.",
                kept="What was stored before is kept; this was not stored.",
                next_step="Give it the new key (the key file, or SEEZAR_MASTER_KEY), start it again, and try again.",
            ) from error

    async def one(self, query: str, *args: Any) -> Row | None:
        """The first row of `query`, or None. Arguments fill `%s` placeholders."""
        async with self._taken() as connection:
            return await (await _execute(connection, query, args)).fetchone()

    async def all(self, query: str, *args: Any) -> list[Row]:
        """All rows of `query`."""
        async with self._taken() as connection:
            return await (await _execute(connection, query, args)).fetchall()

    async def run(self, query: str, *args: Any) -> int:
        """Execute `query`; returns the number of rows it touched."""
        async with self._taken() as connection:
            return (await _execute(connection, query, args)).rowcount

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[Connection]:
        """One connection outside of a transaction, for statements that cannot be in one; what is SET is reset after it.

        Raises:
            DatabaseUnavailable: as `connection`.
        """
        async with self._taken() as connection:
            try:
                yield connection
            finally:
                if not connection.broken:
                    await connection.execute("RESET ALL")

    @asynccontextmanager
    async def listen(self, channel: str) -> AsyncGenerator[Connection]:
        """A connection of its own, in autocommit, that listens on `channel`; read it with `connection.notifies()`.

        Raises:
            DatabaseUnavailable: the server cannot be reached, or went away.
        """
        try:
            connection: Connection = await AsyncConnection[DictRow].connect(
                with_options(self.url, application_name="seezar-listen"), autocommit=True, row_factory=dict_row
            )
            async with connection:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                yield connection
        except psycopg.OperationalError as error:
            raise unavailable(self.url, error) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def _execute(connection: Connection, query: str, args: tuple[Any, ...]) -> AsyncCursor[DictRow]:
    try:
        return await connection.execute(query, args)  # pyright: ignore[reportArgumentType]
    except FeatureNotSupported:
        # A newer version has added a column to a table that a prepared `SELECT *` names, while this process runs on.
        # The server has refused to plan it, so nothing was done; this connection prepares nothing any more.
        connection.prepare_threshold = None
        return await connection.execute(query, args)  # pyright: ignore[reportArgumentType]


async def _check(connection: Connection) -> None:
    # A server that has gone has closed its end, which can be read. One that has said nothing is not asked: that would
    # be a second way to the server for each statement.
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        await connection.execute("SELECT 1")


def _full(url: str) -> bool:
    """Whether the disk of a server whose socket lies beside its files has no room; others are not known."""
    try:
        host = str(conninfo_to_dict(url).get("host", ""))
        return host.startswith("/") and shutil.disk_usage(host).free < LEAST_FREE
    except (psycopg.ProgrammingError, OSError):
        return False


def unavailable(url: str, error: Exception) -> DatabaseUnavailable:
    """The typed error for a connection that failed, without the password of `url`."""
    # What the server says comes with the place in the statement below it; libpq indents its advice ("Is the server
    # running…?"), and what happened stands before it.
    said = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("\t")]
    reason = (said or (lines[-1] if lines else type(error).__name__)).rstrip(".")
    # A server that cannot write its log ends, and then only says that it is gone.
    if isinstance(error, psycopg.errors.DiskFull) or _NO_ROOM in reason or _full(url):
        return DatabaseFull(
            f"The disk of the database at {without_password(url)} is full: {reason}.",
            kept="Everything that was stored is still there; this was not.",
            next_step="Make room there (seezar doctor says where, seezar db clean deletes what is old) and try again.",
        )
    return DatabaseUnavailable(
        f"The database at {without_password(url)} cannot be used: {reason}.",
        kept="Everything that was stored is still there.",
        next_step="Check that it runs (seezar db start, seezar doctor) and try again.",
    )
