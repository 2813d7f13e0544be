"""Reading a list page by page: nothing is lost, whatever the order, and nothing old is taken for new."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from seezar.mail.providers.listing import FetchPage, Page, list_behind, newest, read_page, read_time

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAGE = 5


def row(number: int | str, seconds: float) -> dict[str, Any]:
    at = START + timedelta(seconds=seconds)
    sender = {"address": "A@Site.test", "name": "A"}
    return {"id": str(number), "createdAt": at.isoformat(), "from": sender, "subject": "s", "size": 1}


class Box:
    """A provider's list; newest first, as it was inserted."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = list(rows)
        self.asked = 0
        self.total = True

    async def page(self, number: int) -> Page:
        self.asked += 1
        ordered = sorted(self.rows, key=lambda entry: entry["createdAt"], reverse=True)
        chosen = ordered[(number - 1) * PAGE : number * PAGE]
        page = read_page({"hydra:member": chosen, "hydra:totalItems": len(self.rows)} if self.total else chosen)
        assert page is not None
        return page


async def ids(fetch: FetchPage, cursor: str) -> tuple[list[str], str]:
    refs, cursor = await list_behind(fetch, cursor, "box")
    return [ref.id for ref in refs], cursor


async def test_what_appears_late_and_out_of_order_is_found() -> None:
    box = Box(row(1, 0), row(2, 60))
    cursor = await newest(box.page)
    assert await ids(box.page, "") == (["1", "2"], cursor)
    box.rows.append(row("late", 10))
    found, cursor = await ids(box.page, cursor)
    assert found == ["late"]
    box.rows += [row(3, 61), row("same time", 60)]
    found, cursor = await ids(box.page, cursor)
    assert found == ["same time", "3"]
    assert await ids(box.page, cursor) == ([], cursor)


async def test_an_old_message_is_not_taken_for_a_new_one() -> None:
    box = Box(*(row(number, number * 200) for number in range(12)))
    cursor = await newest(box.page)
    # One behind the cursor moves up when newer ones are deleted.
    del box.rows[-6:]
    assert await ids(box.page, cursor) == ([], cursor)


async def test_a_time_in_the_future_hides_nothing() -> None:
    ahead = (datetime.now(UTC) - START).total_seconds() + 86400
    box = Box(row("future", ahead))
    found, cursor = await ids(box.page, "")
    assert found == ["future"]
    now = (datetime.now(UTC) - START).total_seconds()
    box.rows.append(row("now", now))
    found, cursor = await ids(box.page, cursor)
    assert found == ["now"]
    assert await ids(box.page, cursor) == ([], cursor)


async def test_a_message_deleted_while_pages_are_read() -> None:
    box = Box(*(row(number, number * 200) for number in range(12)))

    async def page(number: int) -> Page:
        if number == 2 and len(box.rows) == 12:
            box.rows.pop()
        return await box.page(number)

    found, _ = await ids(page, "")
    assert set(found) >= {str(number) for number in range(11)}


@pytest.mark.parametrize(("total", "requests"), [(True, 1), (False, 1)])
async def test_reading_stops_behind_the_cursor(total: bool, requests: int) -> None:
    box = Box(*(row(number, number * 200) for number in range(50)))
    box.total = total
    cursor = await newest(box.page)
    box.asked = 0
    box.rows.append(row("new", 50 * 200))
    assert (await ids(box.page, cursor))[0] == ["new"]
    assert box.asked == requests


async def test_a_server_that_knows_no_pages_ends() -> None:
    same = read_page([row(1, 0), row(2, 60)])
    assert same is not None

    async def page(number: int) -> Page:
        return same

    assert (await ids(page, ""))[0] == ["1", "2"]


async def test_a_cursor_of_somebody_else_is_before_all() -> None:
    box = Box(row(1, 0))
    for cursor in ("", "17", "[1]", '["never", []]', "nonsense"):
        assert (await ids(box.page, cursor))[0] == ["1"]


def test_rows_as_they_come() -> None:
    page = read_page(
        {"member": [row(1, 0), {"subject": "no id"}, "nothing", {"id": 2, "from": None}, {"id": 3, "isDeleted": True}]}
    )
    assert page is not None
    assert [(entry.id, entry.sender) for entry in page.rows] == [("1", "a@site.test"), ("2", "")]
    assert read_page({"error": "x"}) is None
    assert read_page("x") is None


def test_a_time_without_a_zone_is_utc() -> None:
    assert read_time("2026-03-01T12:00:00") == read_time("2026-03-01T14:00:00+02:00") == START
    assert abs((read_time("yesterday") - datetime.now(UTC)).total_seconds()) < 5
