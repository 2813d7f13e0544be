"""The outbox: whoever takes a delivery has it for a while; one that failed comes again, later and later."""

import asyncio

import pytest

from seezar.accounts import Accounts, NewAccount
from seezar.accounts.notices import Channel, Delivery, Notices
from seezar.accounts.retention import Keep, Retention
from seezar.database import Database


@pytest.fixture
async def notices(database: Database, accounts: Accounts) -> Notices:
    await accounts.add(NewAccount(name="a", url="https://a.example", username="a"))
    return Notices(database, channels=("webhook", "mail"))


async def broken(database: Database, notices: Notices) -> None:
    async with database.connection() as connection:
        await notices.state_changed(connection, "a", "broken", reason="Why.", run_id="r", waiting=False)


async def claimed(notices: Notices) -> dict[Channel, Delivery]:
    found: dict[Channel, Delivery] = {}
    while (delivery := await notices.claim()) is not None:
        assert delivery.channel not in found
        found[delivery.channel] = delivery
    return found


async def waits_s(database: Database) -> float:
    row = await database.one(
        "SELECT extract(epoch FROM next_at - now())::float AS s FROM app.notice_delivery WHERE channel = 'webhook'"
    )
    assert row is not None
    return row["s"]


async def test_each_way_by_itself(database: Database, notices: Notices) -> None:
    await broken(database, notices)
    found = await claimed(notices)
    assert set(found) == {"webhook", "mail"}
    assert found["webhook"].notice == found["mail"].notice
    await notices.delivered(found["mail"])
    await database.run("UPDATE app.notice_delivery SET next_at = now() WHERE next_at IS NOT NULL")
    assert set(await claimed(notices)) == {"webhook"}, "what was not recorded is due again, and nothing else"


async def test_one_delivery_goes_to_one_worker(database: Database, notices: Notices) -> None:
    await broken(database, notices)
    found = [d.channel for d in await asyncio.gather(*(notices.claim() for _ in range(6))) if d is not None]
    assert sorted(found) == ["mail", "webhook"]


async def test_pauses_grow_up_to_a_day(database: Database, notices: Notices) -> None:
    await broken(database, notices)
    pauses: list[int] = []
    for _ in range(10):
        await database.run("UPDATE app.notice_delivery SET next_at = now()")
        await notices.failed((await claimed(notices))["webhook"], "it is down")
        pauses.append(round(await waits_s(database)))
    assert pauses[:4] == [10, 40, 160, 640]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 86_400
    ((_, deliveries),) = await notices.list()
    assert [(d.tries, d.problem) for d in deliveries if d.channel == "webhook"] == [(10, "it is down")]


async def test_after_a_week_it_is_given_up(database: Database, notices: Notices) -> None:
    await broken(database, notices)
    delivery = (await claimed(notices))["webhook"]
    await database.run("UPDATE app.notice SET created_at = now() - interval '8 days'")
    await notices.failed(delivery, "it is down")
    ((_, deliveries),) = await notices.list()
    gone = next(d for d in deliveries if d.channel == "webhook")
    assert (gone.sent_at, gone.next_at) == (None, None)


async def test_without_a_way_it_is_only_listed(database: Database, notices: Notices) -> None:
    await broken(database, Notices(database, channels=()))
    assert await claimed(notices) == {}
    ((notice, deliveries),) = await notices.list()
    assert (notice.kind, deliveries) == ("broken", [])


async def test_what_is_long_past_is_not_delivered_any_more(database: Database, notices: Notices) -> None:
    """By a way that was switched off for weeks, say."""
    await broken(database, notices)
    await database.run("UPDATE app.notice SET created_at = now() - interval '10 days'")
    assert await claimed(notices) == {}
    ((_, deliveries),) = await notices.list()
    assert {(d.next_at, d.problem) for d in deliveries} == {(None, "not delivered in time")}


async def test_the_newest_notice_of_an_account_is_kept(database: Database, notices: Notices) -> None:
    async def none(_: object) -> set[str]:
        return set()

    for kind in ("broken", "works_again", "broken"):
        async with database.connection() as connection:
            state = "signed_in" if kind == "works_again" else kind
            await notices.state_changed(connection, "a", state, reason="Why.", run_id="r", waiting=False)
        await database.run("UPDATE app.notice SET created_at = created_at - interval '20 days'")
    cleaned = await Retention(database, Keep(30, 30, 30, 30)).clean(none)
    assert cleaned.counts["notices"] == 2
    ((left, _),) = await notices.list()
    assert left.kind == "broken"


async def test_what_people_were_told_is_known_when_it_works_again(database: Database, notices: Notices) -> None:
    """However long that took: the notice is far older than such are kept."""

    async def none(_: object) -> set[str]:
        return set()

    await broken(database, notices)
    await database.run("UPDATE app.notice SET created_at = now() - interval '90 days'")
    await Retention(database, Keep(30, 30, 30, 30)).clean(none)
    async with database.connection() as connection:
        await notices.state_changed(connection, "a", "signed_in", reason="", run_id=None, waiting=False)
    assert [notice.kind for notice, _ in await notices.list()] == ["works_again", "broken"]


async def test_a_way_that_was_switched_off_keeps_no_notice(database: Database, notices: Notices) -> None:
    async def none(_: object) -> set[str]:
        return set()

    await broken(database, notices)
    await database.run("UPDATE app.notice SET created_at = now() - interval '40 days'")
    async with database.connection() as connection:
        await notices.state_changed(connection, "a", "signed_in", reason="", run_id=None, waiting=False)
    cleaned = await Retention(database, Keep(30, 30, 30, 30)).clean(none)
    assert cleaned.counts["notices"] == 1
    assert [notice.kind for notice, _ in await notices.list()] == ["works_again"]
