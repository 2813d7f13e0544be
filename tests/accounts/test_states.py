"""The state of an account: told from what the tables say, written once, with its history and its notices."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from seezar.accounts import Accounts, NewAccount, Runs, Sessions, SessionState
from seezar.accounts.facts import Facts
from seezar.accounts.notices import Notices
from seezar.accounts.states import State, States, sign_in_at, state_of
from seezar.database import Database

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
GONE = Facts("a", kept=True, last_run="r", last_status="signed_in", last_at=NOW - HOUR, last_ended_at=NOW - HOUR)
STORED = replace(GONE, stored=True, check_at=NOW + HOUR)
NEAR = replace(STORED, expires_at=NOW + HOUR, expiring_from=NOW - HOUR, renew_at=NOW)


def failed(facts: Facts, status: str, *, strikes: int) -> Facts:
    refused = status == "bad_credentials"
    return replace(facts, last_status=status, strikes=strikes, refused=refused, last_strike_at=NOW - HOUR)


@pytest.mark.parametrize(
    ("facts", "state", "reason"),
    [
        (Facts("a"), "signed_out", "Nobody has signed in yet."),
        (replace(GONE, kept=False), "signed_out", "The site has ended the session."),
        (failed(replace(GONE, kept=False), "bad_credentials", strikes=1), "signed_out", "bad_credentials"),
        (replace(GONE, signed_out=True), "signed_out", "Somebody signed out."),
        (failed(GONE, "cancelled", strikes=0), "signed_out", "cancelled"),
        (GONE, "signing_in", "The session is gone"),
        (failed(GONE, "no_code", strikes=3), "signing_in", "no_code. The worker tries again."),
        (failed(GONE, "no_code", strikes=4), "broken", "failed 4 times in a row, the last time as no_code"),
        (replace(failed(GONE, "no_code", strikes=1), broken=True), "broken", "again and again"),
        (replace(GONE, broken=True), "signing_in", "The session is gone"),
        (failed(GONE, "bad_credentials", strikes=1), "broken", "not sent again"),
        # A person has tried again, and the site did not answer: what it said of the password holds.
        (replace(failed(GONE, "bad_credentials", strikes=2), last_status="site_error"), "broken", "not sent again"),
        (replace(failed(GONE, "parked", strikes=0), parked=True), "broken", "put aside"),
        (replace(STORED, parked=True), "broken", "put aside"),
        (replace(failed(GONE, "site_error", strikes=9), unanswered=9), "signing_in", "site_error"),
        (replace(failed(GONE, "site_error", strikes=9), unanswered=5), "broken", "failed 9 times"),
        (failed(GONE, "captcha", strikes=1), "needs_person", "captcha"),
        (replace(GONE, asked=True), "needs_person", "as it did the last time"),
        (replace(GONE, faults=30, last_fault_at=NOW, last_status="site_error"), "signing_in", "site_error"),
        (replace(GONE, open_run="o"), "signing_in", "under way"),
        (replace(STORED, open_run="o", question="code"), "needs_person", "waits for a code"),
        (STORED, "signed_in", "good"),
        (failed(STORED, "bad_credentials", strikes=1), "signed_in", "good"),
        (replace(STORED, expires_at=NOW + 9 * HOUR, expiring_from=NOW + 8 * HOUR), "signed_in", "good"),
        (NEAR, "expiring", "ends at 2026-01-01 13:00:00 UTC"),
        (replace(NEAR, kept=False), "expiring", "unless it is renewed"),
        (replace(NEAR, expires_at=NOW - HOUR), "expiring", "the next look tells"),
        (replace(NEAR, expires_at=NOW - HOUR, kept=False, check_at=None), "expiring", "the next use tells"),
        (replace(failed(NEAR, "bad_credentials", strikes=1), visited=True), "broken", "not sent again"),
        # Not before a visit has told that it does not help.
        (replace(NEAR, asked=True), "expiring", "unless"),
        (replace(NEAR, asked=True, visited=True), "needs_person", "as it did the last time"),
        (replace(failed(NEAR, "bad_code", strikes=4), visited=True), "broken", "failed 4 times"),
        (replace(failed(NEAR, "bad_code", strikes=2), visited=True), "expiring", "unless"),
        (replace(NEAR, asked=True, visited=True, open_runs=("check",)), "expiring", "unless"),
    ],
)
def test_state_of(facts: Facts, state: str, reason: str) -> None:
    told = state_of(facts, NOW)
    assert told.name == state
    assert reason in told.reason


def test_what_comes_next() -> None:
    assert state_of(STORED, NOW).next_at == NOW + HOUR
    assert state_of(replace(STORED, expires_at=NOW + HOUR, expiring_from=NOW + HOUR / 2), NOW).next_at == NOW + HOUR / 2
    # A look sends no password.
    assert state_of(failed(STORED, "bad_credentials", strikes=1), NOW).next_at == NOW + HOUR
    assert state_of(failed(GONE, "no_code", strikes=3), NOW).next_at == NOW + 3 * HOUR
    assert state_of(failed(GONE, "no_code", strikes=4), NOW).next_at is None
    paused = replace(GONE, paused_until=NOW + 5 * HOUR)
    assert state_of(paused, NOW).next_at == NOW + 5 * HOUR


def test_when_the_worker_may_sign_in_by_itself() -> None:
    assert sign_in_at(replace(GONE, kept=False)) is None
    assert sign_in_at(replace(GONE, signed_out=True)) is None
    assert sign_in_at(GONE) == NOW - HOUR + timedelta(minutes=15)


@pytest.fixture
def notices(database: Database) -> Notices:
    return Notices(database, channels=("webhook",))


@pytest.fixture
async def states(database: Database, accounts: Accounts, notices: Notices) -> States:
    await accounts.add(NewAccount(name="kept", url="https://a.example", username="a", keep_alive_s=600))
    return States(database, notices)


async def told(notices: Notices) -> list[str]:
    """The kinds of the notices, the oldest first."""
    return [notice.kind for notice, _ in reversed(await notices.list())]


async def path(states: States) -> list[str]:
    return [entry.state for entry in reversed(await states.history("kept", limit=100))]


async def test_a_life(
    states: States, runs: Runs, sessions: Sessions, database: Database, notices: Notices, accounts: Accounts
) -> None:
    await states.refresh("kept")
    await runs.create("r1", kind="sign_in", account="kept")
    await states.refresh("kept")
    await database.run("UPDATE app.run SET question = 'code', status = 'needs_person', reason = 'It texted 4711.'")
    await states.refresh("kept")
    ((notice, (delivery,)),) = await notices.list()
    assert (notice.kind, notice.run_id, delivery.channel) == ("needs_person", "r1", "webhook")
    assert "4711" not in notice.text, "what the run says is not sent anywhere"
    assert notice.next_step == "Answer it: seezar runs answer r1"
    # A wrong code: the same run asks again.
    await database.run("UPDATE app.run SET question = NULL, status = 'running'")
    await states.refresh("kept")
    await database.run("UPDATE app.run SET question = 'code', status = 'needs_person'")
    await states.refresh("kept")
    assert await told(notices) == ["needs_person"]

    await sessions.store("kept", SessionState({"cookies": []}, {}), run_id="r1")
    await runs.finish("r1", "signed_in", reason="", result={})
    await states.refresh("kept")
    assert await told(notices) == ["needs_person", "works_again"]
    await sessions.forget("kept")
    await runs.create("r2", kind="sign_in", account="kept")
    await runs.finish("r2", "bad_credentials", reason="", result={})
    await states.refresh()
    assert await told(notices) == ["needs_person", "works_again", "broken"]
    # A caller tries, and it fails again: he knows.
    await runs.create("r3", kind="sign_in", account="kept")
    await states.refresh()
    await runs.finish("r3", "bad_credentials", reason="", result={})
    await states.refresh()
    assert await told(notices) == ["needs_person", "works_again", "broken"]
    assert await path(states) == [
        "signed_out", "signing_in", "needs_person", "signing_in", "needs_person", "signed_in", "broken", "signing_in",
        "broken",
    ]  # fmt: skip
    (now,) = await states.all("kept")
    assert (now.state, now.next_at) == ("broken", None)
    await accounts.remove("kept")
    assert await states.refresh() == []
    assert await states.all() == []


async def test_a_state_keeps_its_beginning(states: States, database: Database) -> None:
    (first,) = await states.refresh()
    await database.run("UPDATE app.account_state SET reason = 'something else'")
    assert await states.refresh() == []
    (again,) = await states.all("kept")
    assert again == first
    assert await path(states) == ["signed_out"]


async def test_many_writers_write_a_change_once(states: States, runs: Runs, notices: Notices) -> None:
    await runs.create("r1", kind="sign_in", account="kept")
    await runs.finish("r1", "bad_credentials", reason="", result={})
    await asyncio.gather(*(states.refresh() for _ in range(8)))
    assert await path(states) == ["broken"]
    assert await told(notices) == ["broken"]


async def test_the_history_does_not_grow_for_ever(states: States, runs: Runs, database: Database) -> None:
    await database.run(
        "INSERT INTO app.account_history (account, state, reason) SELECT 'kept', 'signed_in', '' FROM"
        " generate_series(1, 700)"
    )
    await runs.create("r1", kind="sign_in", account="kept")
    await states.refresh()
    (row,) = await database.all("SELECT count(*) AS n FROM app.account_history")
    assert row["n"] == 500
    assert (await states.history("kept", limit=1))[0].state == "signing_in"


def test_a_state_says_who_needs_a_person() -> None:
    assert state_of(replace(GONE, open_run="o", question="approval"), NOW) == State(
        "needs_person", "A sign-in waits for an approval on another device.", None, "o"
    )
