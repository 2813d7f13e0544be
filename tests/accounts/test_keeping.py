"""Which sessions are due: by their interval or their end, once, and not where it would do harm."""

from datetime import UTC, datetime, timedelta

import pytest

from seezar.accounts import Accounts, NewAccount, Runs, Sessions, SessionState
from seezar.accounts.keeping import Due, Keeping
from seezar.accounts.pauses import Pauses
from seezar.database import Database


@pytest.fixture
async def keeping(database: Database, accounts: Accounts, sessions: Sessions) -> Keeping:
    await accounts.add(NewAccount(name="kept", url="https://a.example", username="a", keep_alive_s=600))
    await accounts.add(NewAccount(name="plain", url="https://a.example", username="a"))
    for name in ("kept", "plain"):
        await sessions.store(name, SessionState({"cookies": []}, {}), run_id="r")
    return Keeping(database)


async def verified(database: Database, account: str, minutes: int) -> None:
    await database.run(
        "UPDATE app.session SET verified_at = now() - make_interval(mins => %s) WHERE account = %s", minutes, account
    )


async def expires(database: Database, account: str, *, life_s: int, left_s: int) -> None:
    await database.run(
        "UPDATE app.session SET expires_at = now() + make_interval(secs => %s),"
        " renewed_at = now() - make_interval(secs => %s) WHERE account = %s",
        left_s,
        life_s - left_s,
        account,
    )


async def test_by_the_interval_of_the_account(keeping: Keeping, database: Database) -> None:
    assert await keeping.claim() == []
    for name in ("kept", "plain"):
        await verified(database, name, 11)
    assert await keeping.claim() == [Due("kept", expiring=False)]
    assert await keeping.claim() == [], "it was claimed twice"


async def test_a_short_interval_is_not_kept_to(keeping: Keeping, database: Database) -> None:
    await database.run("UPDATE app.account SET keep_alive_s = 1 WHERE name = 'kept'")
    await database.run("UPDATE app.session SET verified_at = now() - interval '10 seconds'")
    assert await keeping.claim() == []


@pytest.mark.parametrize(
    ("life_s", "left_s", "due"),
    [
        (36_000, 3700, False),
        (36_000, 3500, True),
        (1800, 310, False),
        (1800, 290, True),
        (240, 130, False),
        (240, 110, True),
        (1800, -5, False),
    ],
)
async def test_before_its_end(keeping: Keeping, database: Database, life_s: int, left_s: int, due: bool) -> None:
    await expires(database, "plain", life_s=life_s, left_s=left_s)
    assert await keeping.claim() == ([Due("plain", expiring=True)] if due else [])
    assert await keeping.claim() == []


async def test_not_where_it_would_do_harm(keeping: Keeping, database: Database, runs: Runs) -> None:
    await verified(database, "kept", 60)
    pauses = Pauses(database)
    await pauses.begin("kept", "locked", reason="", retry_after_s=None)
    assert await keeping.claim() == []
    await pauses.clear("kept")

    await runs.create("r1", kind="sign_in", account="kept")
    await database.run("UPDATE app.run SET question = 'code', status = 'needs_person'")
    assert await keeping.claim() == []
    await runs.finish("r1", "bad_credentials", reason="", result={})
    assert await keeping.claim() == []

    await runs.create("r2", kind="sign_in", account="kept")
    await runs.finish("r2", "signed_in", reason="", result={})
    assert await keeping.claim() == [Due("kept", expiring=False)]


async def test_an_end_that_no_visit_moves_is_not_run_after(keeping: Keeping, database: Database) -> None:
    """A session of 30 days has a window of three days: not a visit every few minutes of them."""
    day = 86_400
    visits = 0
    for hour in range(72):
        await expires(database, "plain", life_s=30 * day, left_s=3 * day - 60 - hour * 3600)
        visits += len(await keeping.claim())
        # An hour later.
        await database.run("UPDATE app.session SET kept_at = kept_at - interval '1 hour'")
    assert 1 <= visits <= 3


async def signed_in(database: Database, runs: Runs, run_id: str, *, status: str = "signed_in") -> None:
    """A sign-in of the account that was made an hour ago."""
    await runs.create(run_id, kind="sign_in", account="kept")
    await runs.finish(run_id, status, reason="", result={})
    await database.run("UPDATE app.run SET attempts = 1, created_at = created_at - interval '1 hour'")


async def test_how_often_the_worker_signs_in_by_itself(keeping: Keeping, database: Database, runs: Runs) -> None:
    assert not await keeping.may_sign_in("kept"), "nobody has signed in yet"
    await signed_in(database, runs, "r1")
    assert await keeping.may_sign_in("kept")
    await database.run("UPDATE app.run SET created_at = now()")
    assert not await keeping.may_sign_in("kept"), "twice within a quarter of an hour"
    await database.run("UPDATE app.run SET created_at = now() - interval '1 hour'")
    await runs.create("check", kind="check_session", account="kept")
    assert not await keeping.may_sign_in("kept"), "somebody is at work"
    assert await keeping.may_sign_in("kept", asking="check")


async def test_the_worker_signs_in_only_where_it_was_asked_to(keeping: Keeping, database: Database, runs: Runs) -> None:
    await signed_in(database, runs, "r1")
    await database.run("UPDATE app.account SET keep_alive_s = NULL")
    assert not await keeping.may_sign_in("kept")


@pytest.mark.parametrize("status", ["bad_code", "unknown", "site_error", "needs_person", "cancelled"])
async def test_one_failure_ends_it(keeping: Keeping, database: Database, runs: Runs, status: str) -> None:
    await signed_in(database, runs, "r1")
    await signed_in(database, runs, "r2", status=status)
    assert not await keeping.may_sign_in("kept")
    await signed_in(database, runs, "r3")
    await signed_in(database, runs, "r4")
    await database.run("UPDATE app.run SET created_at = now() - interval '2 hours' WHERE id IN ('r1', 'r2')")
    assert await keeping.may_sign_in("kept"), "somebody has signed in again"


async def test_nobody_is_asked_at_night(keeping: Keeping, database: Database, runs: Runs) -> None:
    await signed_in(database, runs, "r1")
    await database.run("INSERT INTO app.answer (run_id, number, question) VALUES ('r1', 1, 'terms')")
    assert await keeping.may_sign_in("kept")
    await database.run("UPDATE app.answer SET question = 'approval'")
    assert not await keeping.may_sign_in("kept")
    # A look at the stored session says nothing about what a sign-in asks.
    await signed_in(database, runs, "r2")
    await database.run("UPDATE app.run SET attempts = 0 WHERE id = 'r2'")
    assert not await keeping.may_sign_in("kept")


async def test_a_session_that_is_gone_is_found_again(
    keeping: Keeping, database: Database, runs: Runs, sessions: Sessions
) -> None:
    await signed_in(database, runs, "r1")
    assert await keeping.lost() == []
    # As a check that found it ended, and was killed before anything else.
    await sessions.forget("kept")
    assert await keeping.lost() == ["kept"]
    await runs.create("r2", kind="sign_in", account="kept")
    assert await keeping.lost() == []


async def test_who_has_signed_out_stays_signed_out(
    keeping: Keeping, database: Database, runs: Runs, sessions: Sessions
) -> None:
    await signed_in(database, runs, "r1")
    await sessions.forget("kept")
    await runs.create("out", kind="sign_out", account="kept")
    await runs.finish("out", "signed_out", reason="", result={})
    assert await keeping.lost() == []


async def test_the_end_moves_with_what_the_site_renews(sessions: Sessions, keeping: Keeping) -> None:
    soon, later = (datetime.now(UTC) + timedelta(hours=hours) for hours in (1, 2))

    def state(at: datetime) -> SessionState:
        cookie = {"name": "sid", "value": "1", "domain": "a.example", "path": "/", "expires": at.timestamp()}
        return SessionState({"cookies": [cookie]}, {}, kept_by=(("sid", "a.example", "/"),))

    await sessions.store("plain", state(soon), run_id="r2")
    info = await sessions.info("plain")
    assert info is not None
    assert info.expires_at == soon.replace(microsecond=0)
    await sessions.verified("plain", state(later))
    info = await sessions.info("plain")
    assert info is not None
    assert info.expires_at == later.replace(microsecond=0)
