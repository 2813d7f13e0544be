"""Sessions: one current row an account, encrypted, the same id when one run stores twice."""

import pytest

from seezar.accounts import Accounts, NewAccount, PlainCheck, Sessions, SessionState
from seezar.database import Database
from seezar.errors import KeyUnusable, NotSignedIn

STATE = SessionState(
    storage={"cookies": [{"name": "sid", "value": "geheim-cookie"}], "origins": []},
    session_storage={"https://a.example": {"tokén": "geheim-€"}},
    user_agent="agent",
    plain_check=PlainCheck(200, "https://a.example/"),
)
OTHER = SessionState({"cookies": []}, {})


@pytest.fixture(autouse=True)
async def _two_accounts(accounts: Accounts) -> None:
    for name in ("a", "b"):
        await accounts.add(NewAccount(name=name, url="https://a.example", username=name))


async def test_nothing_is_stored_at_first(sessions: Sessions) -> None:
    assert await sessions.info("a") is None
    assert await sessions.list() == []
    assert not await sessions.forget("a")
    with pytest.raises(NotSignedIn, match="seezar sign-in a"):
        await sessions.load("a")


async def test_stored_and_loaded(sessions: Sessions, database: Database) -> None:
    session_id = await sessions.store("a", STATE, run_id="r1")
    assert await sessions.load("a") == STATE
    info = await sessions.info("a")
    assert info is not None
    assert (info.id, info.account, info.run_id) == (session_id, "a", "r1")
    await sessions.store("b", OTHER, run_id="r2")
    assert await sessions.load("b") == OTHER
    assert [entry.account for entry in await sessions.list()] == ["a", "b"]
    row = await database.one("SELECT s::text AS text, state FROM app.session s WHERE account = 'a'")
    assert row is not None
    assert b"geheim" not in bytes(row["state"])
    assert "geheim" not in row["text"]


async def test_the_same_run_keeps_its_id_and_another_gets_a_new_one(sessions: Sessions, database: Database) -> None:
    first = await sessions.store("a", OTHER, run_id="r1")
    assert await sessions.store("a", STATE, run_id="r1") == first
    assert await sessions.load("a") == STATE
    second = await sessions.store("a", OTHER, run_id="r2")
    assert second != first
    assert await sessions.load("a") == OTHER
    assert await database.one("SELECT count(*) AS n FROM app.session") == {"n": 1}


async def test_the_state_of_another_account_does_not_open(sessions: Sessions, database: Database) -> None:
    await sessions.store("a", STATE, run_id="r")
    await sessions.store("b", OTHER, run_id="r")
    await database.run(
        "UPDATE app.session SET state = (SELECT state FROM app.session WHERE account = 'a') WHERE account = 'b'"
    )
    with pytest.raises(KeyUnusable):
        await sessions.load("b")


async def test_verified_keeps_the_id_and_takes_the_renewed_state(sessions: Sessions) -> None:
    session_id = await sessions.store("a", OTHER, run_id="r")
    before = await sessions.info("a")
    await sessions.verified("a", STATE)
    after = await sessions.info("a")
    assert await sessions.load("a") == STATE
    assert before is not None
    assert after is not None
    assert after.id == session_id
    assert after.obtained_at == before.obtained_at
    assert after.verified_at > before.verified_at


async def test_a_check_of_an_older_session_changes_nothing(sessions: Sessions) -> None:
    """A sign-in may store a new session while the old one is still being looked at."""
    old = await sessions.store("a", OTHER, run_id="r1")
    new = await sessions.store("a", STATE, run_id="r2")
    await sessions.verified("a", OTHER, session_id=old)
    assert await sessions.load("a") == STATE
    assert not await sessions.forget("a", session_id=old)
    assert await sessions.load("a") == STATE
    await sessions.verified("a", OTHER, session_id=new)
    assert await sessions.load("a") == OTHER
    assert await sessions.forget("a", session_id=new)
    assert await sessions.info("a") is None


async def test_verified_stores_nothing_anew(sessions: Sessions) -> None:
    await sessions.verified("a", STATE)
    assert await sessions.info("a") is None


async def test_forget_leaves_the_others(sessions: Sessions) -> None:
    await sessions.store("a", STATE, run_id="r")
    await sessions.store("b", STATE, run_id="r")
    assert await sessions.forget("a")
    assert not await sessions.forget("a")
    assert [entry.account for entry in await sessions.list()] == ["b"]
