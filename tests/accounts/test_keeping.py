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


async def test_how_often_the_worker_signs_in_by_itself(keeping: Keeping, database: Database, runs: Runs) -> None:
    assert await keeping.may_sign_in("kept")
    await runs.create("r1", kind="sign_in", account="kept")
    await database.run("UPDATE app.run SET created_at = now() - interval '1 day'")
    assert not await keeping.may_sign_in("kept")
    await runs.finish("r1", "signed_in", reason="", result={})
    assert await keeping.may_sign_in("kept")
    await database.run("UPDATE app.run SET created_at = now()")
    assert not await keeping.may_sign_in("kept")


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
