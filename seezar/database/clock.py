"""The one clock that all workers agree on: what is due is told by the server that has written down when it was done."""

from datetime import datetime

from seezar.database.pool import Connection


async def server_now(connection: Connection) -> datetime:
    """The time of the database server, at the beginning of the transaction of `connection`.

    Raises:
        psycopg.OperationalError: it does not answer.
    """
    row = await (await connection.execute("SELECT now() AS now")).fetchone()
    assert row is not None
    return row["now"]
