"""Extractions of the analytics site: every value right, each page once, sessions that end, workers that die."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import pytest_asyncio

from playground.customers import customers, days
from playground.extractions import ALL, CUSTOMERS, EVENTS, WINDOWS
from playground.world import DEMO_METRICS
from seezar.extraction.definitions import definition_of
from tests.world import World, make_world
from workflows.registry import live_workers

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Each costs a start of the worker and its browser; `benchmarks.extract` kills more.
KILLS = 6


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: str) -> AsyncIterator[World]:
    async with make_world(postgres, accounts=[DEMO_METRICS], max_adoptions=5) as made:
        for definition in ALL:
            await made.application.extractions.save(definition_of(definition))
        yield made


def today(world: World) -> date:
    return datetime.fromtimestamp(world.state.clock.now(), UTC).date()


async def extracted(world: World, name: str) -> dict[str, Any]:
    run_id = await world.client.extract(name, DEMO_METRICS.name)
    return await world.client.result(run_id, timeout=120)


async def rows(world: World, definition: dict[str, Any], **of: Any) -> list[dict[str, Any]]:
    async with world.application.history.rows(definition_of(definition), **of) as reader:
        return [row async for portion in reader.portions() for row in portion]


def truth_of_windows(world: World) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (each.name, event): (each.total(7, event), each.total(30, event))
        for each in customers(today(world))
        for event in each.counts
    }


async def test_a_table_over_several_pages_is_read_right_in_every_field(world: World) -> None:
    # Nobody is signed in yet: the run does it.
    result = await extracted(world, "customers")

    assert (result["status"], result["pages"], result["rows"], result["bad"]) == ("extracted", 4, 48, 0), result
    found = {
        (r["customer"], r["plan"], r["country"], r["since"], r["events"], r["revenue"])
        for r in await rows(world, CUSTOMERS)
    }
    assert found == {(c.name, c.plan, c.country, c.since, c.total(7), c.revenue) for c in customers(today(world))}


async def test_each_item_of_a_list_is_read_with_where_it_comes_from(world: World) -> None:
    result = await extracted(world, "windows")

    assert (result["status"], result["pages"]) == ("extracted", 4 + 48), result
    there = await rows(world, WINDOWS)
    assert {(r["_item"], r["event"]): (r["last_7_days"], r["last_30_days"]) for r in there} == truth_of_windows(world)
    one = next(row for row in there if row["_item"] == "Northwind")
    assert one["_url"].endswith("/metrics/customers/northwind")
    assert one["_source"] == "table #events"
    assert one["_run"] == result["run_id"]
    picture = await world.application.checkpoints.picture(result["run_id"], one["_page"])
    assert picture is not None
    assert picture.startswith(b"\xff\xd8\xff")


async def test_the_answers_to_a_page_s_own_requests_are_read_before_its_tables(world: World) -> None:
    result = await extracted(world, "events")

    assert (result["status"], result["rows"]) == ("extracted", 48 * 6 * 60), result
    there = await rows(world, EVENTS)
    truth = {
        (each.name, event, day): counts[index]
        for each in customers(today(world))
        for event, counts in each.counts.items()
        for index, day in enumerate(days(today(world)))
    }
    assert {(r["_item"], r["event"], r["day"]): r["count"] for r in there} == truth
    assert there[0]["_source"].startswith("response ")


async def test_rows_read_again_are_the_same_rows_and_as_they_were_before(world: World) -> None:
    first = await extracted(world, "customers")
    between = datetime.now(UTC)
    second = await extracted(world, "customers")

    assert {row["_run"] for row in await rows(world, CUSTOMERS)} == {second["run_id"]}
    assert {row["_run"] for row in await rows(world, CUSTOMERS, as_of=between)} == {first["run_id"]}
    assert len(await rows(world, CUSTOMERS, run=first["run_id"])) == 48
    assert await rows(world, CUSTOMERS, as_of=datetime(2020, 1, 1, tzinfo=UTC)) == []


async def test_a_session_that_ends_in_the_middle_is_signed_in_again(world: World) -> None:
    run_id = await world.client.extract("windows", DEMO_METRICS.name)
    await _until_pages(world, run_id, 10)
    world.state.sessions.drop_all("metrics")
    result = await world.client.result(run_id, timeout=120)

    assert (result["status"], result["rows"]) == ("extracted", 48 * 6), result
    steps = [event.step for event in await world.application.runs.events(run_id)]
    assert "sign_in" in steps
    there = await rows(world, WINDOWS, run=run_id)
    assert {(r["_item"], r["event"]): (r["last_7_days"], r["last_30_days"]) for r in there} == truth_of_windows(world)
    assert len(there) == 48 * 6


async def test_whoever_asks_twice_has_one_run(world: World) -> None:
    one, other = await asyncio.gather(
        world.client.extract("customers", DEMO_METRICS.name), world.client.extract("customers", DEMO_METRICS.name)
    )

    assert one == other
    assert (await world.client.result(one, timeout=60))["status"] == "extracted"


async def test_killed_workers_lose_and_double_no_row(world: World) -> None:
    dice = random.Random(20)
    kills = 0
    while kills < KILLS:
        run_id = await world.client.extract("windows", DEMO_METRICS.name)
        # Whoever waits for a run replaces its worker.
        waiting = asyncio.create_task(world.client.result(run_id, timeout=300))
        killed_at = -1
        while kills < KILLS and not waiting.done():
            done = (await world.application.checkpoints.progress(run_id)).done
            if done > killed_at and live_workers(world.settings):
                # Somewhere in one of the next pages, not always at the same place of it.
                await asyncio.wait([waiting], timeout=dice.uniform(0, 0.7))
                if waiting.done():
                    break
                killed_at = (await world.application.checkpoints.progress(run_id)).done
                world.kill_worker()
                kills += 1
            await asyncio.wait([waiting], timeout=0.05)
        result = await waiting
        assert (result["status"], result["rows"]) == ("extracted", 48 * 6), result
        there = await rows(world, WINDOWS, run=run_id)
        assert len(there) == 48 * 6
        found = {(r["_item"], r["event"]): (r["last_7_days"], r["last_30_days"]) for r in there}
        assert found == truth_of_windows(world)
    print(f"figures: extraction: {kills} workers killed, no row missing, none doubled")  # noqa: T201 - the figure


async def _until_pages(world: World, run_id: str, pages: int) -> None:
    async with asyncio.timeout(60):
        while (await world.application.checkpoints.progress(run_id)).done < pages:  # noqa: ASYNC110 - rows of a table
            await asyncio.sleep(0.05)
