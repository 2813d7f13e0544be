"""The pool: one transaction a use, and a database that goes away is told, survived and found again."""

import asyncio

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from seezar.database import Database
from seezar.database.embedded import EmbeddedServer
from seezar.errors import DatabaseUnavailable

PASSWORD = "geheim-4711"


def with_password(url: str) -> str:
    """The same server; it trusts its socket and so ignores the password."""
    return url.replace("postgres@/", f"postgres:{PASSWORD}@/", 1)


async def test_a_use_is_one_transaction(database: Database) -> None:
    await database.run("CREATE TABLE app.note (text text PRIMARY KEY)")
    async with database.connection() as connection:
        await connection.execute("INSERT INTO app.note VALUES ('kept')")

    async def insert_and_fail() -> None:
        async with database.connection() as connection:
            await connection.execute("INSERT INTO app.note VALUES ('lost')")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        await insert_and_fail()
    with pytest.raises(psycopg.errors.UniqueViolation):
        await database.run("INSERT INTO app.note VALUES ('lost'), ('kept')")
    assert await database.all("SELECT text FROM app.note") == [{"text": "kept"}]
    assert await database.one("SELECT text FROM app.note WHERE text = %s", "lost") is None
    assert await database.run("UPDATE app.note SET text = text") == 1


async def test_the_name_of_the_application_is_shown(database: Database) -> None:
    row = await database.one("SELECT current_setting('application_name') AS name")
    assert row == {"name": "seezar-test"}


async def test_a_server_that_nobody_runs() -> None:
    url = f"postgresql://someone:{PASSWORD}@127.0.0.1:1/seezar"
    with pytest.raises(DatabaseUnavailable) as told:
        await Database.open(url, application_name="seezar-test", timeout=1)
    assert told.value.status == "database_unavailable"
    assert "someone:***@127.0.0.1" in str(told.value)
    assert PASSWORD not in str(told.value)


async def test_a_connection_that_is_cut_is_told_and_replaced(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable):
        async with database.connection() as connection:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert await database.one("SELECT 1 AS one") == {"one": 1}


async def test_connections_that_were_cut_while_nobody_used_them_are_replaced_unseen(database: Database) -> None:
    async with database.connection(), database.connection():
        pass
    with psycopg.connect(database.url, autocommit=True) as other:
        cut = other.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    assert len(cut) >= 2
    for _ in cut:
        assert await database.one("SELECT 1 AS one") == {"one": 1}


async def test_the_server_stops_and_comes_back(own_server: EmbeddedServer) -> None:
    url = await asyncio.to_thread(own_server.start)
    async with await Database.open(with_password(url), application_name="seezar-test", timeout=2) as database:
        assert conninfo_to_dict(database.url)["password"] == PASSWORD
        assert await database.one("SELECT 1 AS one") == {"one": 1}
        await asyncio.to_thread(own_server.stop)
        for _ in range(3):
            with pytest.raises(DatabaseUnavailable) as told:
                await database.one("SELECT 1 AS one")
            assert PASSWORD not in str(told.value)
        # It gives up trying between requests: a pause that has grown to minutes would shut out the server's return.
        async with asyncio.timeout(60):
            while database._pool.get_stats()["pool_size"]:  # noqa: ASYNC110 - the pool announces nothing
                await asyncio.sleep(0.05)
        await asyncio.to_thread(own_server.start)
        async with asyncio.timeout(60):
            while not await answers(database):
                pass


async def answers(database: Database) -> bool:
    try:
        return await database.one("SELECT 1 AS one") == {"one": 1}
    except DatabaseUnavailable:
        return False


async def test_a_listener_hears_and_is_told_when_the_server_goes(database: Database) -> None:
    heard: list[str] = []

    async def listen() -> None:
        async with database.listen("seezar test") as connection:
            await database.run("SELECT pg_notify('seezar test', 'hello')")
            async for notification in connection.notifies(timeout=60):
                heard.append(notification.payload)
                await database.run("SELECT pg_terminate_backend(%s)", connection.info.backend_pid)

    with pytest.raises(DatabaseUnavailable):
        await listen()
    assert heard == ["hello"]


async def test_nobody_listens_at_a_server_that_is_gone() -> None:
    database = Database(f"postgresql://someone:{PASSWORD}@127.0.0.1:1/seezar", None)  # pyright: ignore[reportArgumentType]
    with pytest.raises(DatabaseUnavailable) as told:
        async with database.listen("seezar"):
            pass
    assert PASSWORD not in str(told.value)
