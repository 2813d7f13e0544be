"""Sites that are left alone: as long as they say, within reason, and longer each time where they do not say."""

from datetime import UTC, datetime, timedelta

import pytest

from seezar.accounts import Accounts, NewAccount
from seezar.accounts.pauses import Pauses
from seezar.database import Database

NOW = datetime.now(UTC)


@pytest.fixture
async def pauses(database: Database, accounts: Accounts) -> Pauses:
    await accounts.add(NewAccount(name="a", url="https://a.example", username="a"))
    return Pauses(database)


async def length(pauses: Pauses, status: str, said: float | None, *, at: datetime = NOW) -> float:
    pause = await pauses.begin("a", status, reason="Too many.", retry_after_s=said, now=at)
    return (pause.until - at).total_seconds()


async def test_what_the_site_says(pauses: Pauses) -> None:
    assert await length(pauses, "rate_limited", 7.0) == 7
    assert await length(pauses, "locked", 3600.0) == 3600
    assert await length(pauses, "rate_limited", 0.0) == 1
    assert await length(pauses, "rate_limited", 1e12) == 86_400


async def test_what_it_does_not_say_grows(pauses: Pauses) -> None:
    assert [await length(pauses, "rate_limited", None) for _ in range(8)] == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    await pauses.clear("a")
    assert await length(pauses, "rate_limited", None) == 60
    assert await length(pauses, "rate_limited", None, at=NOW + timedelta(days=3)) == 60
    assert await length(pauses, "locked", None) == 900


async def test_on_and_over(pauses: Pauses) -> None:
    assert await pauses.current("a") is None
    await pauses.begin("a", "locked", reason="Too many.", retry_after_s=None)
    pause = await pauses.current("a")
    assert pause is not None
    assert (pause.status, pause.reason) == ("locked", "Too many.")
    assert f"until {pause.until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" in pause.sentence
    await pauses.begin("a", "locked", reason="", retry_after_s=None, now=NOW - timedelta(hours=1))
    assert await pauses.current("a") is None
