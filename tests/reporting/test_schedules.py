"""What is due when, what is done about missed times, and that two never run at once: against the tables, by hand."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from playground.extractions import CUSTOMERS
from seezar.accounts import NewAccount
from seezar.application import Application
from seezar.errors import InvalidInput
from seezar.extraction.definitions import definition_of
from seezar.extraction.store import ExtractionUnknown
from seezar.reporting.schedules import Schedule, schedule_of
from seezar.settings import Settings

HOURLY: dict[str, Any] = {
    "name": "hourly",
    "kind": "extract",
    "request": {"extraction": "customers"},
    "cron": "0 * * * *",
}
AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest_asyncio.fixture
async def app(settings: Settings, database_url: str) -> AsyncIterator[Application]:
    async with await Application.open(settings, database_url, application_name="test") as application:
        await application.accounts.add(
            NewAccount(name="demo-metrics", url="https://a.example", username="u", password="p4711-p4711")
        )
        await application.extractions.save(definition_of(CUSTOMERS))
        yield application


def soon(at: datetime) -> datetime:
    return at + timedelta(seconds=3)


async def stored(app: Application, **changes: Any) -> Schedule:
    schedule = schedule_of({**HOURLY, **changes})
    await app.schedules.save(schedule)
    return schedule


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"cron": "whenever"}, "names no time"),
        ({"cron": "0 0 30 2 *"}, "names no time"),
        ({"timezone": "Mars/Olympus"}, "no IANA time zone"),
        ({"name": "Not A Name"}, "name"),
        ({"request": {}}, "request"),
        ({"kind": "report", "request": {"extraction": "customers", "kind": "gossip"}}, "kind"),
        ({"missed": "perhaps"}, "missed"),
    ],
)
def test_what_cannot_be_is_said_before_it_is_stored(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        schedule_of({**HOURLY, **changes})


def test_fields_are_of_the_time_zone_also_when_its_clocks_change() -> None:
    daily = schedule_of({**HOURLY, "cron": "0 7 * * *", "timezone": "Europe/Berlin"})
    # Clocks went back on 25 October 2026.
    assert daily.next_after(datetime(2026, 10, 24, 12, tzinfo=UTC)).astimezone(UTC).hour == 6
    assert daily.next_after(datetime(2026, 10, 23, 12, tzinfo=UTC)).astimezone(UTC).hour == 5


async def test_what_reads_nothing_that_is_here_is_refused(app: Application) -> None:
    with pytest.raises(ExtractionUnknown):
        await stored(app, request={"extraction": "nothing"})
    assert await app.schedules.list() == []


async def test_a_time_is_begun_once_and_begun_again_after_a_crash(app: Application) -> None:
    await stored(app)

    assert await app.schedules.fire("hourly", AT, soon(AT)) is not None
    # Whoever began it died before it had started anything.
    assert await app.schedules.fire("hourly", AT, soon(AT)) is not None
    await app.runs.create("run-1", kind="extract", account="demo-metrics", arguments=["customers"])
    await app.schedules.started("hourly", AT, ["run-1"])
    await app.runs.finish("run-1", "extracted", reason="", result={})
    assert await app.schedules.settle() == 1

    assert await app.schedules.fire("hourly", AT, soon(AT)) is None
    assert [(each.status, each.runs) for each in await app.schedules.history("hourly")] == [("done", ("run-1",))]


async def test_never_two_at_once(app: Application) -> None:
    await stored(app)
    await app.schedules.fire("hourly", AT, soon(AT))
    await app.runs.create("run-1", kind="extract", account="demo-metrics", arguments=["customers"])
    await app.schedules.started("hourly", AT, ["run-1"])
    following = AT + timedelta(hours=1)

    assert await app.schedules.fire("hourly", following, soon(following)) is None

    newest = (await app.schedules.history("hourly"))[0]
    assert (newest.status, newest.reason) == ("skipped", "The time before is still being worked on.")


@pytest.mark.parametrize("missed", ["catch_up", "skip"])
async def test_missed_times_are_caught_up_once_or_not_at_all(app: Application, missed: str) -> None:
    await stored(app, missed=missed)
    now = AT + timedelta(hours=3, minutes=10)

    begun = [await app.schedules.fire("hourly", AT + timedelta(hours=n), now) is not None for n in range(4)]

    # The last of them has no other behind it yet.
    assert begun == [False, False, False, True]
    assert [each.status for each in await app.schedules.history("hourly")] == ["running", *["skipped"] * 3]


async def test_what_is_paused_or_gone_does_nothing(app: Application) -> None:
    await stored(app, paused=True)
    assert await app.schedules.fire("hourly", AT, soon(AT)) is None
    assert await app.schedules.fire("gone", AT, soon(AT)) is None
    assert await app.schedules.history("hourly") == []


async def test_a_failure_is_told(app: Application) -> None:
    await stored(app)
    await app.schedules.fire("hourly", AT, soon(AT))
    await app.runs.create("run-1", kind="extract", account="demo-metrics", arguments=["customers"])
    await app.schedules.started("hourly", AT, ["run-1"])
    assert await app.schedules.settle() == 0
    await app.runs.finish("run-1", "needs_person", reason="A captcha.", result={})
    assert await app.schedules.settle() == 1

    [(notice, _)] = await app.notices.list()
    assert notice.kind == "schedule_failed"
    assert "run-1 ended as needs_person: A captcha." in notice.text
    assert (await app.schedules.history("hourly"))[0].status == "failed"
