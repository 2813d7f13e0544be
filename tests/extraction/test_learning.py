"""Selectors are learnt from values that stand on a page, and from nothing else."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from seezar.extraction.definitions import definition_of
from seezar.extraction.learning import Selectors, learn, request_for, shape_of
from tests.chromium import loopback, make_pool

pytestmark = pytest.mark.browser
in_module = pytest.mark.asyncio(loop_scope="module")

DEFINITION = definition_of(
    {
        "name": "orders",
        "accounts": ["ops"],
        "items": "orders",
        "schema": {
            "type": "object",
            "required": ["name", "price"],
            "properties": {
                "name": {"type": "string"},
                "price": {"type": "number", "x-label": "Price"},
                "note": {"type": "string"},
            },
        },
    }
)
CARDS = """<main><h1>Orders</h1><div class="promo"><b>Anchor</b> is on sale</div><div class="grid">
<div class="card hot"><div><b>Anchor</b></div><p><span>12.50 EUR</span></p></div>
<div class="card"><div><b>Buoy</b></div><p><span>3.00 EUR</span></p></div>
<div class="card"><div><b>Chain</b></div><p><span>1,204.10 EUR</span></p></div>
</div></main>"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page() -> AsyncIterator[Page]:
    async with make_pool() as pool, pool.context(loopback()) as context:
        yield await pool.new_page(context)


async def learnt(page: Page, html: str, *rows: dict[str, str]) -> Selectors | None:
    await page.set_content(html)
    answered: Any = shape_of(DEFINITION.fields).model_validate({"rows": list(rows)})
    return await learn(page, answered, DEFINITION.fields)


async def texts(page: Page, found: Selectors) -> list[tuple[str, ...]]:
    rows = await page.locator(found.rows).all()
    return [tuple([await row.locator(css).inner_text() for css in found.fields.values()]) for row in rows]


@in_module
async def test_two_rows_are_enough_for_all_of_them(page: Page) -> None:
    found = await learnt(page, CARDS, {"name": "Anchor", "price": "12.50 EUR"}, {"name": "Buoy", "price": "3.00 EUR"})
    assert found is not None
    assert await texts(page, found) == [
        ("Anchor", "12.50 EUR"),
        ("Buoy", "3.00 EUR"),
        ("Chain", "1,204.10 EUR"),
    ]


@in_module
async def test_what_a_model_has_made_up_points_at_nothing(page: Page) -> None:
    assert await learnt(page, CARDS, {"name": "Anchor", "price": "13 EUR"}, {"name": "Rope", "price": "1"}) is None
    # One row that stands there, and one that does not.
    invented = {"name": "Rope", "price": "1.00 EUR"}
    assert await learnt(page, CARDS, {"name": "Anchor", "price": "12.50 EUR"}, invented) is None
    right = [{"name": "Anchor", "price": "12.50 EUR"}, {"name": "Buoy", "price": "3.00 EUR"}]
    found = await learnt(page, CARDS, *right, invented)
    assert found is not None
    assert len(await texts(page, found)) == 3


@in_module
async def test_columns_that_are_swapped_between_rows_are_not_learnt(page: Page) -> None:
    html = "<div><p><b>Anchor</b><i>12</i></p><p><i>3</i><b>Buoy</b></p><p><i>4</i><u>Chain</u></p></div>"
    assert await learnt(page, html, {"name": "Anchor", "price": "12"}, {"name": "Chain", "price": "4"}) is None


@in_module
async def test_a_table_without_words_and_the_same_number_twice(page: Page) -> None:
    html = "<table><tr><td>7</td><td>7</td></tr><tr><td>8</td><td>9</td></tr></table>"
    found = await learnt(page, html, {"name": "7", "price": "7"}, {"name": "8", "price": "9"})
    assert found is not None
    assert await texts(page, found) == [("7", "7"), ("8", "9")]


@in_module
async def test_nothing_and_one_row_are_not_enough(page: Page) -> None:
    assert await learnt(page, CARDS) is None
    assert await learnt(page, CARDS, {"name": "Anchor", "price": "12.50 EUR"}) is None
    assert await learnt(page, CARDS, {"name": "Anchor", "price": ""}, {"name": "Buoy", "price": ""}) is None


def test_the_definition_is_then_read_by_selectors() -> None:
    applied = Selectors("div.card", {"name": "b", "price": "span"}).applied(DEFINITION)
    assert applied.rows == "div.card"
    assert [field.select for field in applied.fields] == ["b", "span", ""]


def test_the_request_names_the_fields() -> None:
    assert "orders" in request_for(DEFINITION)
    assert "price (Price" in request_for(DEFINITION)
