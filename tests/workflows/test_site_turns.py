"""A site is given so many sign-ins a minute, whoever asks for them and whatever dies meanwhile."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio

from seezar.accounts import RunEvent
from tests.workflows.test_sign_in import wait_for_event
from tests.world import World, make_world
from workflows.engine import dbos_url

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

# One each ten seconds, after six at once.
PER_MINUTE = 6
HOST = "127.0.0.1"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: str) -> AsyncIterator[World]:
    async with make_world(postgres, site_sign_ins_per_minute=PER_MINUTE, page_timeout=60.0) as made:
        yield made


async def book(world: World, seconds: float) -> None:
    """Give the turns of the site away, so that the next one is in `seconds`."""
    await world.application.database.run(
        "INSERT INTO app.site_turn VALUES (%s, now() + make_interval(secs => %s))"
        " ON CONFLICT (site) DO UPDATE SET booked_until = excluded.booked_until",
        HOST,
        60.0 - 60.0 / PER_MINUTE + seconds,
    )


async def waits(world: World, run_id: str) -> list[RunEvent]:
    return [event for event in await world.application.runs.events(run_id) if event.step == "turn"]


async def waited(world: World, run_id: str) -> bool:
    """Whether the one attempt of the run began when its turn had come, and its deadline moved by as much."""
    (event,) = await waits(world, run_id)
    (attempt,) = await world.application.attempts.all(run_id)
    run = await world.application.runs.get(run_id)
    assert run.deadline is not None
    assert run.started_at is not None
    given = (run.deadline - run.started_at).total_seconds() - world.settings.sign_in_timeout
    assert given == pytest.approx(event.detail["wait_s"], abs=0.5)
    # The clock of the database and that of the worker are the same here; a sleep is at least as long as it says.
    return (attempt.started_at - event.at).total_seconds() >= event.detail["wait_s"] - 0.2


async def test_a_sign_in_waits_for_its_turn_and_says_so(world: World) -> None:
    first = await world.client.sign_in("demo-password", fresh=True)
    assert (await world.client.result(first, timeout=90))["status"] == "signed_in"
    assert await waits(world, first) == []
    await book(world, 5.0)
    second = await world.client.sign_in("demo-password", fresh=True)
    assert (await world.client.result(second, timeout=90))["status"] == "signed_in"
    (event,) = await waits(world, second)
    assert event.message.endswith("s: the site is given 6 sign-ins a minute")
    assert 0 < event.detail["wait_s"] <= 5
    assert await waited(world, second)


async def test_a_session_that_still_works_needs_no_turn(world: World) -> None:
    await book(world, 3600.0)
    run_id = await world.client.sign_in("demo-password")
    result = await world.client.result(run_id, timeout=90)
    assert (result["status"], result["attempts"]) == ("signed_in", 0)
    assert await waits(world, run_id) == []


async def test_what_the_worker_does_by_itself_waits_as_well(world: World) -> None:
    await book(world, 4.0)
    run_id = await world.client._queueing.sign_in("demo-totp", fresh=True, scheduled=True)
    assert (await world.client.result(run_id, timeout=90))["status"] == "signed_in"
    assert await waited(world, run_id)


async def test_a_turn_outlives_the_worker(world: World) -> None:
    before = world.state.counters("plain").password_submissions
    await book(world, 12.0)
    run_id = await world.client.sign_in("demo-password", fresh=True)
    await wait_for_event(world, run_id, "turn")
    await asyncio.to_thread(wait_for_sleep, world.url, run_id)
    world.kill_worker()
    assert (await world.client.result(run_id, timeout=120))["status"] == "signed_in"
    assert await waited(world, run_id)
    assert world.state.counters("plain").password_submissions == before + 1


def wait_for_sleep(url: str, run_id: str) -> None:
    """Wait until DBOS has recorded that the run sleeps; the turn is booked for good then."""
    with psycopg.connect(dbos_url(url), autocommit=True) as connection:
        for _ in range(600):
            found = connection.execute(
                "SELECT 1 FROM dbos.operation_outputs WHERE workflow_uuid = %s AND function_name = 'DBOS.sleep'",
                (run_id,),
            ).fetchone()
            if found is not None:
                return
            connection.execute("SELECT pg_sleep(0.1)")
    raise AssertionError("the run does not sleep")
