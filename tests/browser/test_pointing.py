"""Plain words name one element, or none."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page

from seezar.browser.pointing import Wish, point, wish_of
from tests.chromium import loopback, make_pool

pytestmark = pytest.mark.browser
in_module = pytest.mark.asyncio(loop_scope="module")

HTML = """
<h1>Orders</h1>
<button>Close the day</button> <button>Close</button> <button hidden>Export</button> <a href="/csv">Export as CSV</a>
<label>Customer <input name="c"></label> <input placeholder="Search orders" aria-label="Search orders">
<label>Region <select><option>North</option><option>South</option></select></label>
<label><input type="checkbox"> Only open</label>
<div role="tab" tabindex="0">History</div>
<button>Delete</button><button>Delete</button>
<input type="submit" value="Apply filters"> <button aria-label="Next page">›</button>
"""


@pytest.mark.parametrize(
    ("words", "wish"),
    [
        ("press the button that says Close the day", Wish("click", "Close the day", kind="button")),
        ("press the button “Close the day”", Wish("click", "Close the day", kind="button")),
        ("Click on the Export as CSV link.", Wish("click", "Export as CSV", kind="link")),
        ("click Close", Wish("click", "Close")),
        ("please click the tab called History", Wish("click", "History", kind="tab")),
        ("fill Customer with Northwind Ltd", Wish("fill", "Customer", "Northwind Ltd")),
        ("type 'late ships' into the Search orders field", Wish("fill", "Search orders", "late ships")),
        ("set the Customer field to Lakeside", Wish("fill", "Customer", "Lakeside")),
        ("select South in Region", Wish("selectOptionFromDropdown", "Region", "South")),
        ("tick the Only open checkbox", Wish("check", "Only open")),
        ("untick Only open", Wish("uncheck", "Only open")),
        ("what is the total?", None),
        ("", None),
    ],
)
def test_what_words_ask_for(words: str, wish: Wish | None) -> None:
    assert wish_of(words) == wish


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page() -> AsyncIterator[Page]:
    async with make_pool() as pool, pool.context(loopback()) as context:
        shown = await pool.new_page(context)
        await shown.set_content(HTML)
        yield shown


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("press the button Close the day", "Close the day"),
        # Exactly that, though another one begins with it.
        ("click Close", "Close"),
        ("click Export", "Export as CSV"),
        ("click the History tab", "History"),
        ("click Next page", "›"),
        ("fill Customer with x", ""),
        ("fill Search orders with x", ""),
        ("select South in Region", "North\nSouth"),
        ("tick Only open", ""),
        ("click Apply filters", ""),
    ],
)
@in_module
async def test_the_one_element_that_is_called_so(page: Page, words: str, found: str) -> None:
    wish = wish_of(words)
    assert wish is not None
    element = await point(page, wish)
    assert element is not None
    assert (await element.inner_text()).strip() == found


@pytest.mark.parametrize("words", ["click Delete", "click Import", "press the link Close", "fill Close with x"])
@in_module
async def test_two_that_are_called_so_or_none(page: Page, words: str) -> None:
    wish = wish_of(words)
    assert wish is not None
    assert await point(page, wish) is None
