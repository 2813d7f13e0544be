"""Pages: text and picture come back as they were, encrypted in between."""

from dataclasses import replace

import pytest

from seezar.accounts.pages import NewPage, Pages
from seezar.database import Database
from seezar.errors import KeyUnusable, PageUnknown

PAGE = NewPage(
    run_id="r",
    account="a",
    url="https://a.example/",
    title="Títle",
    text="geheim €\n| 1 |",
    screenshot=b"\x89PNG geheim",
)


async def test_stored_and_found(pages: Pages) -> None:
    page_id = await pages.store(PAGE)
    page = await pages.get(page_id)
    assert (page.id, page.run_id, page.account) == (page_id, "r", "a")
    assert (page.url, page.title, page.text) == (PAGE.url, PAGE.title, PAGE.text)
    assert page.has_screenshot
    assert await pages.screenshot(page_id) == PAGE.screenshot


async def test_without_a_picture(pages: Pages) -> None:
    page_id = await pages.store(replace(PAGE, screenshot=None))
    assert not (await pages.get(page_id)).has_screenshot
    assert await pages.screenshot(page_id) is None


async def test_encrypted_and_bound_to_its_id(pages: Pages, database: Database) -> None:
    first, second = await pages.store(PAGE), await pages.store(replace(PAGE, text="other", screenshot=b"other"))
    for row in await database.all("SELECT body, screenshot FROM app.page"):
        assert b"geheim" not in bytes(row["body"]) + bytes(row["screenshot"])
    await database.run(
        "UPDATE app.page SET body = o.body, screenshot = o.screenshot FROM app.page o"
        " WHERE app.page.id::text = %s AND o.id::text = %s",
        first,
        second,
    )
    with pytest.raises(KeyUnusable):
        await pages.get(first)
    with pytest.raises(KeyUnusable):
        await pages.screenshot(first)


async def test_the_latest_of_an_account(pages: Pages) -> None:
    assert await pages.latest("a") is None
    await pages.store(PAGE)
    newest = await pages.store(replace(PAGE, title="newest"))
    await pages.store(replace(PAGE, account="b"))
    latest = await pages.latest("a")
    assert latest is not None
    assert (latest.id, latest.title) == (newest, "newest")


@pytest.mark.parametrize("page_id", ["", "nonsense", "00000000-0000-0000-0000-000000000000", "'; --"])
async def test_an_id_that_is_not_there(pages: Pages, page_id: str) -> None:
    with pytest.raises(PageUnknown, match="no page"):
        await pages.get(page_id)
    assert await pages.screenshot(page_id) is None
