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
    await database.run("UPDATE app.account SET created_at = now() - interval '1 year'")
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
        await verified(database, name, 12)
    assert await keeping.claim() == [Due("kept", expiring=False)]
    assert await keeping.claim() == [], "it was claimed twice"


async def test_a_short_interval_is_not_kept_to(keeping: Keeping, database: Database) -> None:
    await database.run("UPDATE app.account SET keep_alive_s = 1 WHERE name = 'kept'")
    await database.run("UPDATE app.session SET verified_at = now() - interval '10 seconds'")
    assert await keeping.claim() == []


@pytest.mark.parametrize(
    ("life_s", "left_s", "due"),
    [
        (36_000, 4400, False),
        (36_000, 3500, True),
        (1800, 370, False),
        (1800, 290, True),
        (240, 150, False),
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
    await runs.finish("r1", "cancelled", reason="", result={})
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
    assert 1 <= visits <= 4


async def test_sessions_obtained_together_are_not_visited_together(
    keeping: Keeping, database: Database, accounts: Accounts, sessions: Sessions
) -> None:
    """Within 15 % of the interval, and the same for everybody who looks."""
    for number in range(40):
        await accounts.add(
            NewAccount(name=f"n{number}", url=f"https://s{number}.example", username="a", keep_alive_s=1000)
        )
        await sessions.store(f"n{number}", SessionState({"cookies": []}, {}), run_id="r")
    await database.run("UPDATE app.session SET verified_at = '2026-01-01Z' WHERE account LIKE 'n%%'")
    query = (
        "SELECT account, extract(epoch FROM check_at - '2026-01-01Z')::float AS s FROM app.session_round"
        " WHERE account LIKE 'n%%'"
    )
    after = {row["account"]: row["s"] for row in await database.all(query)}
    assert all(850 <= s <= 1150 for s in after.values())
    assert max(after.values()) - min(after.values()) > 200
    assert len(set(after.values())) == 40
    assert {row["account"]: row["s"] for row in await database.all(query)} == after
    # Another round, another moment.
    await database.run("UPDATE app.session SET verified_at = '2026-01-02Z' WHERE account = 'n1'")
    (row,) = await database.all(f"{query} AND account = 'n1'")
    assert abs(row["s"] - 86_400 - after["n1"]) > 0.001


async def test_few_looks_at_one_site_at_a_time(
    keeping: Keeping, database: Database, accounts: Accounts, sessions: Sessions, runs: Runs
) -> None:
    for number in range(5):
        url = "https://many.example" if number < 4 else "https://other.example"
        await accounts.add(NewAccount(name=f"n{number}", url=url, username="a", keep_alive_s=1000))
        await sessions.store(f"n{number}", SessionState({"cookies": []}, {}), run_id="r")
    await database.run("UPDATE app.session SET verified_at = now() - interval '1 hour' WHERE account LIKE 'n%%'")
    claimed = [due.account for due in await keeping.claim()]
    assert len(claimed) == 3
    assert "n4" in claimed
    for account in claimed:
        await runs.create(f"check-{account}", kind="check_session", account=account)
    assert await keeping.claim() == [], "two are under way"
    await runs.finish(
        f"check-{claimed[0]}" if claimed[0] != "n4" else f"check-{claimed[1]}", "signed_in", reason="", result={}
    )
    assert len(await keeping.claim()) == 1


async def signed_in(
    database: Database, runs: Runs, run_id: str, *, status: str = "signed_in", submitted: bool = True, ago_s: int = 3600
) -> None:
    """A sign-in of the account that was made, and ended, so long ago."""
    await runs.create(run_id, kind="sign_in", account="kept")
    await database.run("INSERT INTO app.attempt (run_id, number, submitted) VALUES (%s, 1, %s)", run_id, submitted)
    await runs.finish(run_id, status, reason="", result={})
    await database.run(
        "UPDATE app.run SET attempts = 1, created_at = now() - make_interval(secs => %s),"
        " finished_at = now() - make_interval(secs => %s) WHERE id = %s",
        ago_s,
        ago_s,
        run_id,
    )


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


MINUTE, HOUR = 60, 3600


@pytest.mark.parametrize("status", ["bad_credentials", "needs_person", "captcha", "passkey_only", "cancelled"])
async def test_what_ends_it(keeping: Keeping, database: Database, runs: Runs, status: str) -> None:
    day = 24 * HOUR
    await signed_in(database, runs, "r1", ago_s=30 * day)
    await signed_in(database, runs, "r2", status=status, ago_s=20 * day)
    assert not await keeping.may_sign_in("kept")
    await signed_in(database, runs, "r3")
    assert await keeping.may_sign_in("kept"), "somebody has signed in again"


@pytest.mark.parametrize("status", ["bad_code", "no_code", "unknown", "locked"])
async def test_after_failures_the_pauses_grow(keeping: Keeping, database: Database, runs: Runs, status: str) -> None:
    await signed_in(database, runs, "r0", ago_s=1000 * HOUR)
    at = 900 * HOUR
    for number, pause in enumerate((15 * MINUTE, HOUR, 4 * HOUR)):
        await signed_in(database, runs, f"r{number + 1}", status=status, ago_s=at)
        ended = "UPDATE app.run SET finished_at = now() - make_interval(secs => %s) WHERE id = %s"
        await database.run(ended, pause - 5, f"r{number + 1}")
        assert not await keeping.may_sign_in("kept"), f"too early after failure {number + 1}"
        await database.run(ended, pause + 5, f"r{number + 1}")
        assert await keeping.may_sign_in("kept"), f"not any more after failure {number + 1}"
        await database.run(ended, at - 10, f"r{number + 1}")
        at -= HOUR
    await signed_in(database, runs, "r4", status=status, ago_s=at)
    assert not await keeping.may_sign_in("kept"), "four in a row"
    await signed_in(database, runs, "r5")
    assert await keeping.may_sign_in("kept"), "somebody has signed in again"


async def test_a_site_that_does_not_answer(keeping: Keeping, database: Database, runs: Runs) -> None:
    await signed_in(database, runs, "r0", ago_s=1000 * HOUR)
    for number in range(1, 20):
        await signed_in(database, runs, f"r{number}", status="site_error", ago_s=(200 - 5 * number) * HOUR)
        assert await keeping.may_sign_in("kept"), f"given up after {number}"
    # The password was sent each time: not oftener than is good where the site counts.
    await database.run("UPDATE app.run SET finished_at = now() - interval '230 minutes' WHERE id = 'r19'")
    assert not await keeping.may_sign_in("kept")


async def test_what_is_not_the_fault_of_the_password(keeping: Keeping, database: Database, runs: Runs) -> None:
    status = "browser_missing"
    await signed_in(database, runs, "r0", ago_s=1000 * HOUR)
    for number in range(1, 20):
        await signed_in(database, runs, f"r{number}", status=status, submitted=False, ago_s=(100 - number) * HOUR)
        assert await keeping.may_sign_in("kept"), f"given up after {number}"
    await database.run("UPDATE app.run SET finished_at = now() - interval '50 minutes' WHERE id = 'r19'")
    assert not await keeping.may_sign_in("kept"), "an hour at most, but that"
    await database.run("DELETE FROM app.run WHERE id NOT IN ('r0', 'r1')")
    await database.run("UPDATE app.run SET finished_at = now() - interval '50 seconds' WHERE id = 'r1'")
    assert not await keeping.may_sign_in("kept")
    await database.run("UPDATE app.run SET finished_at = now() - interval '70 seconds' WHERE id = 'r1'")
    assert await keeping.may_sign_in("kept")


async def test_a_refused_password_stays_refused(keeping: Keeping, database: Database, runs: Runs) -> None:
    await signed_in(database, runs, "r0", ago_s=1000 * HOUR)
    await signed_in(database, runs, "r1", status="bad_credentials", ago_s=100 * HOUR)
    await signed_in(database, runs, "r2", status="site_error", ago_s=50 * HOUR)
    await verified(database, "kept", 60)
    assert not await keeping.may_sign_in("kept"), "a person tried while the site was down"
    assert await keeping.claim() == [Due("kept", expiring=False)], "a look sends no password"
    await signed_in(database, runs, "r3")
    assert await keeping.may_sign_in("kept")


@pytest.mark.parametrize("kind", ["sign_in", "check_session"])
async def test_what_is_parked_is_left_alone(keeping: Keeping, database: Database, runs: Runs, kind: str) -> None:
    await signed_in(database, runs, "r0", ago_s=1000 * HOUR)
    await runs.create("r1", kind=kind, account="kept")
    await runs.finish("r1", "parked", reason="", result={})
    await database.run("UPDATE app.run SET finished_at = now() - interval '50 hours' WHERE id = 'r1'")
    await verified(database, "kept", 60)
    assert not await keeping.may_sign_in("kept")
    assert await keeping.claim() == []


async def test_an_account_of_a_removed_name_begins_anew(
    keeping: Keeping, database: Database, runs: Runs, accounts: Accounts
) -> None:
    await signed_in(database, runs, "r1", status="bad_credentials", ago_s=100 * HOUR)
    await accounts.remove("kept")
    await accounts.add(NewAccount(name="kept", url="https://a.example", username="a", keep_alive_s=600))
    assert not await keeping.may_sign_in("kept"), "nobody has signed it in yet"
    await signed_in(database, runs, "r2", ago_s=0)
    await database.run("UPDATE app.account SET created_at = created_at - interval '2 hours'")
    await database.run("UPDATE app.run SET created_at = now() - interval '1 hour' WHERE id = 'r2'")
    assert await keeping.may_sign_in("kept")


async def test_nobody_is_asked_at_night(keeping: Keeping, database: Database, runs: Runs) -> None:
    await signed_in(database, runs, "r1")
    await database.run("INSERT INTO app.answer (run_id, number, question) VALUES ('r1', 1, 'terms')")
    assert await keeping.may_sign_in("kept")
    await database.run("UPDATE app.answer SET question = 'approval'")
    assert not await keeping.may_sign_in("kept")
    # A look at the stored session says nothing about what a sign-in asks.
    await signed_in(database, runs, "r2", ago_s=1800)
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
    assert await keeping.lost() == [], "two workers got it"
    await database.run("UPDATE app.account_state SET began_at = now() - interval '1 minute'")
    assert await keeping.lost() == ["kept"]
    await database.run("UPDATE app.account_state SET began_at = NULL")
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
