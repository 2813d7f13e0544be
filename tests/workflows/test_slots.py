"""Slots: one holder each, whatever happens to the connections that hold them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NoReturn
from uuid import uuid4

import psycopg
import pytest

from seezar.accounts import Runs
from seezar.accounts.lease import Lease
from seezar.database import Database
from seezar.errors import WorkerUnavailable
from workflows.ground import worker_ready
from workflows.names import LOCK_SLOT, QUEUE_BROWSER, QUEUE_SIGN_IN
from workflows.slots import MOST_SLOTS, SlotHolder, SlotLost


@asynccontextmanager
async def holder(url: str, **options: object) -> AsyncIterator[SlotHolder]:
    slots = SlotHolder(url, **options)  # pyright: ignore[reportArgumentType]
    await slots.take()
    try:
        yield slots
    finally:
        await slots.release()


def cut(url: str, slot: int) -> None:
    """End the connection that holds a slot, and wait until the slot is free."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s"
            " AND objid = %s AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            (LOCK_SLOT, slot),
        )
        connection.execute("SELECT pg_advisory_lock(%s, %s)", (LOCK_SLOT, slot))
        connection.execute("SELECT pg_advisory_unlock_all()")


async def test_each_worker_has_a_slot_of_its_own(database_url: str) -> None:
    async with holder(database_url) as first, holder(database_url) as second:
        assert {first.slot, second.slot} == {0, 1}
        assert await first.held() == {0, 1}
        await first.release()
        assert await second.held() == {1}
        async with holder(database_url) as third:
            assert third.slot == 0


async def test_no_slot_is_left(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT pg_advisory_lock(%s, n) FROM generate_series(0, %s) n", (LOCK_SLOT, MOST_SLOTS - 1))
        with pytest.raises(WorkerUnavailable, match="taken"):
            await SlotHolder(database_url).take()


async def test_a_lost_connection_is_replaced(database_url: str) -> None:
    async with holder(database_url) as slots:
        cut(database_url, slots.slot)
        assert not await slots.alive()
        await slots.take_again()
        assert await slots.alive()
        assert await slots.held() == {0}


async def test_a_connection_that_only_the_server_still_has_is_replaced(database_url: str) -> None:
    async with holder(database_url) as slots:
        # What is left of a connection that broke on the way: the server waits on its end, with the lock.
        left = slots._connection
        assert left is not None
        slots._connection = None
        await slots.take_again()
        assert await slots.held() == {0}
        with pytest.raises(psycopg.OperationalError):
            await left.execute("SELECT 1")
        await left.close()


async def test_slot_that_another_worker_took_is_lost(database_url: str) -> None:
    async with holder(database_url) as slow:
        cut(database_url, slow.slot)
        async with holder(database_url) as quick:
            assert quick.slot == slow.slot
            with pytest.raises(SlotLost):
                await slow.take_again()
            assert await quick.alive(), "the connection of the other worker was cut"


async def test_slot_whose_runs_were_adopted_is_lost(database_url: str) -> None:
    """Its lock is free again by then: only the token tells."""
    async with holder(database_url) as slow, holder(database_url) as other:
        async with other.of_the_dead(slow.slot) as mine:
            assert not mine, "a live worker was taken for dead"
        cut(database_url, slow.slot)
        async with other.of_the_dead(slow.slot) as mine:
            assert mine
        assert await other.held() == {other.slot}
        with pytest.raises(SlotLost):
            await slow.take_again()


async def test_only_one_of_many_adopts_a_slot(database_url: str) -> None:
    async with holder(database_url) as dead, AsyncExitStack() as stack:
        others = [await stack.enter_async_context(holder(database_url)) for _ in range(5)]
        cut(database_url, dead.slot)
        together = asyncio.Barrier(len(others))
        alone = 0

        async def adopt(slots: SlotHolder) -> bool:
            nonlocal alone
            await together.wait()
            async with slots.of_the_dead(dead.slot) as mine:
                alone += mine
                assert alone <= 1
                # All have tried before the first one lets go.
                await together.wait()
                alone -= mine
                return mine

        assert sum(await asyncio.gather(*(adopt(slots) for slots in others))) == 1


class Ended(Exception):
    pass


def lost() -> NoReturn:
    raise Ended


async def test_nothing_is_accepted_from_a_worker_that_was_taken_for_dead(database_url: str, database: Database) -> None:
    async with holder(database_url) as slow, holder(database_url) as other:
        runs = Runs(database, worker=Lease("worker-0", slow.token, lost))
        await runs.create("run-1", kind="sign_in", account="a")
        await database.run("UPDATE app.run SET attempts = 2")
        await runs.event("run-1", "password", "Submitting")
        (event,) = await runs.events("run-1")
        assert (event.worker, event.attempt) == ("worker-0", 2)
        assert (await runs.get("run-1")).worker == "worker-0"

        cut(database_url, slow.slot)
        async with other.of_the_dead(slow.slot) as mine:
            assert mine
        with pytest.raises(Ended):
            await runs.event("run-1", "code", "Typing the code")
        assert len(await runs.events("run-1")) == 1


async def test_event_of_a_client_names_no_worker(database: Database) -> None:
    runs = Runs(database)
    await runs.create("run-1", kind="sign_in", account="a")
    await runs.event("run-1", "resume", "Taken up", note=1)
    (event,) = await runs.events("run-1")
    assert (event.worker, event.attempt, event.detail) == (None, None, {"note": 1})
    await Runs(database, worker=Lease("worker-3", uuid4(), lost)).start("run-1")
    assert (await runs.get("run-1")).worker == "worker-3"


async def test_ready_when_every_queue_is_served(database_url: str) -> None:
    async with holder(database_url, queues=[QUEUE_BROWSER]) as pages:
        await pages.ready()
        assert not worker_ready(database_url), "nobody signs in"
        async with holder(database_url, queues=[QUEUE_SIGN_IN]) as forms:
            assert not worker_ready(database_url), "it takes no runs yet"
            await forms.ready()
            assert worker_ready(database_url)
            await forms.not_ready()
            assert not worker_ready(database_url)


@pytest.mark.parametrize("version", ["1", "99"])
async def test_worker_of_another_version_is_none(database_url: str, database: Database, version: str) -> None:
    async with holder(database_url) as slots:
        await slots.ready()
        assert worker_ready(database_url)
        await database.run("UPDATE app.worker SET version = %s", version)
        assert not worker_ready(database_url)
