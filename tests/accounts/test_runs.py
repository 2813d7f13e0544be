"""Runs and their timelines, live: pushed by a notification, found without one, and complete either way."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from seezar.accounts import RunEvent, Runs
from seezar.accounts.runs import CHANNEL
from seezar.database import Database
from seezar.errors import DatabaseUnavailable, RunTimedOut, RunUnknown

# Far above what is needed, and far below the pause between looks of a follower that nobody notifies.
PATIENCE = 60.0


@pytest.fixture(autouse=True)
async def _run(runs: Runs) -> None:
    await runs.create("r1", kind="sign_in", account="a")


async def listeners(database: Database) -> int:
    row = await database.one(
        "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'seezar-listen'"
        " AND datname = current_database() AND query LIKE 'LISTEN%%'"
    )
    assert row is not None
    return row["n"]


async def collect(events: AsyncIterator[RunEvent]) -> list[str]:
    return [event.message async for event in events]


async def test_from_queued_to_finished(runs: Runs) -> None:
    run = await runs.get("r1")
    assert (run.kind, run.account, run.status, run.finished, run.result) == ("sign_in", "a", "queued", False, None)
    await runs.create("r1", kind="other", account="b")
    assert (await runs.get("r1")).kind == "sign_in"
    await runs.start("r1")
    assert (await runs.get("r1")).status == "running"
    await runs.finish("r1", "signed_in", reason="well", result={"n": [1, None]})
    run = await runs.get("r1")
    assert (run.status, run.reason, run.result, run.finished) == ("signed_in", "well", {"n": [1, None]}, True)


async def test_what_has_ended_stays_ended(runs: Runs) -> None:
    await runs.finish("r1", "cancelled", reason="first", result={})
    await runs.finish("r1", "signed_in", reason="second", result={})
    await runs.start("r1")
    assert ((await runs.get("r1")).status, (await runs.get("r1")).reason) == ("cancelled", "first")


async def test_an_ended_run_is_reopened_unless_its_account_is_busy(runs: Runs) -> None:
    await runs.finish("r1", "cancelled", reason="", result={})
    await runs.create("r2", kind="sign_in", account="a")
    assert not await runs.reopen("r1")
    await runs.finish("r2", "signed_in", reason="", result={})
    assert await runs.reopen("r1")
    run = await runs.get("r1")
    assert (run.status, run.finished, run.result) == ("running", False, None)


async def test_the_newest_come_first(runs: Runs) -> None:
    for number in (2, 3):
        await runs.create(f"r{number}", kind="sign_in", account=None)
    assert [run.id for run in await runs.list()] == ["r3", "r2", "r1"]
    assert [run.id for run in await runs.list(limit=1)] == ["r3"]


async def test_only_what_never_started_is_discarded(runs: Runs) -> None:
    await runs.create("r2", kind="sign_in", account=None)
    await runs.start("r2")
    await runs.discard("r1")
    await runs.discard("r2")
    assert [run.id for run in await runs.list()] == ["r2"]


async def test_unknown_runs(runs: Runs) -> None:
    for ask in (runs.get("r9"), runs.wait("r9"), collect(runs.follow("r9"))):
        with pytest.raises(RunUnknown, match="r9"):
            await ask


async def test_the_timeline(runs: Runs) -> None:
    await runs.event("r1", "open", "Opening", url="https://a.example", n=1)
    await runs.event("r1", "done", "Done")
    first, second = await runs.events("r1")
    assert (first.step, first.message, first.detail) == ("open", "Opening", {"url": "https://a.example", "n": 1})
    assert second.id > first.id
    assert second.at >= first.at
    assert await runs.events("r1", after=first.id) == [second]


async def test_a_run_that_has_ended_is_told_whole_at_once(runs: Runs) -> None:
    for message in ("one", "two"):
        await runs.event("r1", "step", message)
    await runs.finish("r1", "signed_in", reason="", result={})
    assert await collect(runs.follow("r1", timeout=0)) == ["one", "two"]
    assert (await runs.wait("r1", timeout=0)).status == "signed_in"


async def test_followers_are_told_by_notifications(
    runs: Runs, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seezar.accounts.runs._LOOK_AGAIN", 10 * PATIENCE)
    await runs.event("r1", "step", "one")
    followed = runs.follow("r1")
    async with asyncio.timeout(PATIENCE):
        assert (await anext(followed)).message == "one"
        for message in ("two", "three"):
            later = asyncio.ensure_future(anext(followed))
            await runs.event("r1", "step", message)
            # The run of somebody else must not end the wait.
            await database.run("SELECT pg_notify(%s, 'r9')", CHANNEL)
            assert (await later).message == message
        rest = asyncio.ensure_future(collect(followed))
        await runs.finish("r1", "signed_in", reason="", result={})
        assert await rest == []


async def test_a_lost_notification_costs_a_moment_and_nothing_else(
    runs: Runs, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seezar.accounts.runs._LOOK_AGAIN", 0.05)
    followed = asyncio.ensure_future(collect(runs.follow("r1")))
    async with asyncio.timeout(PATIENCE):
        while not await listeners(database):
            assert not followed.done()
        # As `event` and `finish` write, but nobody is notified.
        await database.run("INSERT INTO app.run_event (run_id, step, message) VALUES ('r1', 'step', 'silent')")
        await database.run("UPDATE app.run SET finished_at = now() WHERE id = 'r1'")
        assert await followed == ["silent"]


async def test_watching_ends_in_time_and_the_run_goes_on(runs: Runs) -> None:
    with pytest.raises(RunTimedOut, match="goes on") as told:
        await runs.wait("r1", timeout=0.01)
    assert told.value.retryable
    assert not (await runs.get("r1")).finished


async def test_a_database_that_goes_away_is_told(runs: Runs, database: Database) -> None:
    followed = asyncio.ensure_future(collect(runs.follow("r1")))
    async with asyncio.timeout(PATIENCE):
        while not await listeners(database):
            assert not followed.done()
        await database.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'seezar-listen'"
            " AND datname = current_database()"
        )
        with pytest.raises(DatabaseUnavailable):
            await followed
