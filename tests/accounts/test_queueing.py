"""The order of queued runs, how many there may be, requests that are repeated, and the pace of a site."""

import asyncio
import time

import pytest

from seezar.accounts import Run, Runs
from seezar.accounts.idempotency_keys import IdempotencyKeys, checked_key, digest_of
from seezar.accounts.records import INTERACTIVE, SCHEDULED
from seezar.accounts.site_turns import SiteTurns
from seezar.database import Database
from seezar.errors import IdempotencyConflict, InvalidInput, QueueFull


@pytest.fixture
def keys(database: Database) -> IdempotencyKeys:
    return IdempotencyKeys(database)


async def create(runs: Runs, run_id: str, account: str | None = "a", kind: str = "open_page", **more) -> int | None:
    return await runs.create(run_id, kind=kind, account=account, **more)


async def positions(runs: Runs) -> dict[str, int | None]:
    return {run.id: run.position for run in await runs.list()}


async def test_an_account_with_much_to_do_does_not_keep_others_waiting(runs: Runs) -> None:
    given = [await create(runs, f"a{number}") for number in range(12)]
    assert given == [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 19, 19]
    assert await create(runs, "b", "b") == 10
    assert await create(runs, "by-itself", "c", priority=SCHEDULED) == 20
    # Sign-ins have a queue of their own, and one that waits for a person is no work.
    assert await create(runs, "in", kind="sign_in") == 10
    where = await positions(runs)
    assert (where["a0"], where["b"], where["a1"], where["a11"], where["by-itself"]) == (1, 2, 3, 13, 14)
    assert where["in"] == 1

    await runs.start("a0")
    run = await runs.get("b")
    assert (run.position, run.priority, run.started_at) == (1, INTERACTIVE, None)
    began = await runs.get("a0")
    assert began.position is None
    assert began.started_at is not None


async def test_what_has_ended_or_waits_for_a_person_counts_for_nothing(runs: Runs, database: Database) -> None:
    for number in range(3):
        await create(runs, f"r{number}")
    await runs.finish("r1", "opened", reason="", result={})
    await database.run("UPDATE app.run SET question = 'code', status = 'needs_person' WHERE id = 'r2'")
    assert await create(runs, "r3") == 11
    assert (await positions(runs))["r3"] == 2


async def test_a_run_does_not_overtake_what_its_account_has_queued_before(runs: Runs) -> None:
    for number in range(4):
        await create(runs, f"r{number}")
    for number in range(3):
        await runs.finish(f"r{number}", "opened", reason="", result={})
    assert await create(runs, "r4") == 13
    assert await create(runs, "by-itself", priority=SCHEDULED) == 22
    assert await create(runs, "r5") == 13
    where = await positions(runs)
    assert (where["r3"], where["r4"], where["r5"], where["by-itself"]) == (1, 2, 3, 4)


async def test_a_full_queue_takes_no_more(runs: Runs) -> None:
    for number in range(2):
        await create(runs, f"r{number}", most=2)
    with pytest.raises(QueueFull, match=r"2 runs are queued.*stay queued.*seezar worker"):
        await create(runs, "r2", most=2)
    assert await create(runs, "r3", most=0) is not None
    await runs.start("r0")
    await runs.start("r1")
    assert await create(runs, "r4", most=2) is not None
    assert await runs.queued() == 2
    assert [run.id for run in await runs.list()].count("r2") == 0


async def test_one_key_is_one_run(runs: Runs, keys: IdempotencyKeys) -> None:
    named = ("k", digest_of("open_page", "a", ["/x"]))
    assert await keys.run_of(*named) is None
    made = await asyncio.gather(*(create(runs, f"r{number}", key=named) for number in range(4)))
    assert sum(priority is not None for priority in made) == 1
    (run,) = await runs.list()
    assert await keys.run_of(*named) == run.id
    await runs.finish(run.id, "opened", reason="", result={})
    assert await keys.run_of(*named) == run.id
    with pytest.raises(IdempotencyConflict, match=run.id):
        await keys.run_of("k", digest_of("open_page", "a", ["/y"]))
    assert not await keys.attach(*named, run.id)
    assert not await keys.attach("other", "digest", "no-such-run")
    assert await keys.attach("other", "digest", run.id)
    assert await keys.run_of("other", "digest") == run.id


def test_what_cannot_be_a_key() -> None:
    for key in ("", "  ", "a\nb", "x" * 301):
        with pytest.raises(InvalidInput):
            checked_key(key)
    assert checked_key("order 4711/ä") == "order 4711/ä"


def test_another_request_has_another_digest() -> None:
    digests = {
        digest_of("open_page", "a", ["/x"]),
        digest_of("open_page", "b", ["/x"]),
        digest_of("act_on_page", "a", ["/x"]),
        digest_of("open_page", "a", [None]),
        digest_of("sign_in", "a", [{"fresh": True, "timeout": None}]),
        digest_of("sign_in", "a", [{"fresh": False, "timeout": None}]),
    }
    assert len(digests) == 6
    one, other = {"fresh": True, "timeout": 1.0}, {"timeout": 1.0, "fresh": True}
    assert digest_of("sign_in", "a", [one]) == digest_of("sign_in", "a", [other])


async def test_a_site_is_given_a_burst_and_then_its_pace(database: Database) -> None:
    turns = SiteTurns(database, per_minute=6)
    assert [await turns.book("a.example") for _ in range(6)] == [0.0] * 6
    waits = [await turns.book("a.example") for _ in range(3)]
    for number, wait in enumerate(waits, start=1):
        assert 10 * number - 8 < wait <= 10 * number
    assert waits[1] - waits[0] == pytest.approx(10, abs=5)
    assert await turns.book("b.example") == 0.0
    # Another worker, or the same after a crash, goes on from the table.
    assert await SiteTurns(database, per_minute=6).book("a.example") > waits[-1]
    # Time without sign-ins gives a whole burst again, and no more.
    await database.run("UPDATE app.site_turn SET booked_until = now() - interval '1 day'")
    assert [await turns.book("a.example") for _ in range(6)] == [0.0] * 6
    assert await turns.book("a.example") > 0


async def test_two_at_once_do_not_get_one_turn(database: Database) -> None:
    turns = SiteTurns(database, per_minute=1)
    waits = sorted(await asyncio.gather(*(turns.book("a.example") for _ in range(4))))
    assert waits[0] == 0.0
    for number in (1, 2, 3):
        assert 60 * number - 30 < waits[number] <= 60 * number


async def test_without_a_limit_nothing_is_written(database: Database) -> None:
    assert await SiteTurns(database, per_minute=0).book("a.example") == 0.0
    assert await database.all("SELECT * FROM app.site_turn") == []


async def test_a_run_that_hangs_is_found(runs: Runs, database: Database) -> None:
    async def overdue() -> list[str]:
        return [run.id for run in await runs.overdue(grace=60)]

    for run_id, deadline in (("hangs", time.time() - 100), ("soon", time.time() - 10), ("endless", None)):
        await create(runs, run_id)
        await runs.start(run_id, deadline=deadline)
    assert await overdue() == ["hangs"]
    run: Run = await runs.get("hangs")
    assert run.deadline is not None
    # What was just heard of it, an answer that is waited for, or being taken up again, shows that it does not.
    await runs.event("hangs", "open", "Opening")
    assert await overdue() == []
    await database.run("UPDATE app.run_event SET at = at - interval '2 minutes'")
    assert await overdue() == ["hangs"]
    await database.run("UPDATE app.run SET reopened_at = now() WHERE id = 'hangs'")
    assert await overdue() == []
    await database.run("UPDATE app.run SET reopened_at = NULL, question = 'code' WHERE id = 'hangs'")
    assert await overdue() == []
