"""Reports of the analytics site: what is told is the truth of the playground, with pictures and sources."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from playground.customers import TROUBLES, customers
from playground.extractions import EVENTS
from playground.world import DEMO_METRICS
from seezar.extraction.definitions import definition_of
from seezar.reporting.requests import request_of
from seezar.reporting.schedules import schedule_of
from seezar.webhooks import NewWebhook
from tests.world import World, make_world

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: str) -> AsyncIterator[World]:
    async with make_world(postgres, accounts=[DEMO_METRICS]) as made:
        await made.application.extractions.save(definition_of(EVENTS))
        yield made


async def reported(world: World, **asked: Any) -> tuple[dict[str, Any], str]:
    run_id = await world.client.report(request_of({"extraction": "events", **asked}))
    result = await world.client.result(run_id, timeout=180)
    if result["status"] != "reported":
        return result, ""
    return result, await world.application.reports.text(result["report_id"])


async def test_who_needs_attention_is_read_first_and_told_with_evidence(world: World) -> None:
    result, text = await reported(world, kind="attention")

    assert result["status"] == "reported", result
    told = {line.split("**")[1].partition(" ·")[0] for line in text.splitlines() if line[:1].isdigit() and "**" in line}
    assert told == set(TROUBLES)
    assert f"{len(TROUBLES)} of 48 customers need attention" in text
    assert "/metrics/customers/northwind, read " in text
    report = await world.application.reports.get(result["report_id"])
    names = {file.name for file in report.files}
    assert {"chart.png", "chart-dark.png", "chart.svg", "chart.html", "data.csv", "page-1.jpg"} <= names
    assert (await world.application.reports.file(report.id, "chart.png")).content.startswith(b"\x89PNG")


async def test_top_events_are_the_truth_and_nothing_is_read_twice(world: World) -> None:
    before = world.state.counters("metrics").dashboards
    result, text = await reported(world, kind="top", item="northwind")

    assert result["status"] == "reported", result
    assert world.state.counters("metrics").dashboards == before
    today = datetime.fromtimestamp(world.state.clock.now(), UTC).date()
    northwind = next(each for each in customers(today) if each.name == "Northwind")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")][2:]
    assert [(event, int(count.replace(",", ""))) for event, count, _ in rows] == northwind.top(7)


async def test_an_item_that_was_never_read_is_said_to_be(world: World) -> None:
    result, _ = await reported(world, kind="trend", item="Northwynd")

    assert result["status"] == "unknown_item"
    assert "Northwind" in result["reason"]


async def test_comparing_says_what_is_notable(world: World) -> None:
    _, text = await reported(world, kind="compare", item="Thornbury Law")

    line = next(line for line in text.splitlines() if line.startswith("| all "))
    assert "**-" in line


async def test_a_refresh_that_fails_is_told_and_the_old_rows_are_used(world: World) -> None:
    world.state.locked.add(("metrics", DEMO_METRICS.username))
    world.state.sessions.drop_all("metrics")
    await world.application.sessions.forget(DEMO_METRICS.name)
    try:
        result, text = await reported(world, kind="top", item="Northwind", max_age_h=0)
    finally:
        world.state.unlock("metrics", DEMO_METRICS.username)

    assert result["status"] == "reported", result
    assert text.startswith("**The rows of demo-metrics are not new** (locked)")


async def test_the_clock_makes_a_report_and_tells_when_it_cannot(world: World) -> None:
    webhook = await world.application.webhooks.add(NewWebhook("https://203.0.114.7/hook", events=("schedule.failed",)))
    request = {"extraction": "events", "kind": "top", "item": "Northwind"}
    every_second = {"name": "often", "kind": "report", "request": request, "cron": "* * * * * *"}
    await world.client.schedule(schedule_of(every_second))
    await _until(world, "often", "done")
    await world.client.schedule(schedule_of({**every_second, "request": {**request, "item": "Nobody"}}))
    await _until(world, "often", "failed")
    await world.client.unschedule("often")

    reports = await world.application.reports.list()
    assert reports[0].title.startswith("Top events of Northwind")
    notices = [notice.text for notice, _ in await world.application.notices.list()]
    assert any("often failed" in text and "unknown_item" in text for text in notices)
    deliveries = await world.application.outbox.list(webhook.webhook.id)
    assert deliveries[0].event == "schedule.failed"


async def _until(world: World, name: str, status: str) -> None:
    async with asyncio.timeout(60):
        history = world.application.schedules.history
        while status not in [each.status for each in await history(name)]:  # noqa: ASYNC110 - rows of a table
            await asyncio.sleep(0.2)
