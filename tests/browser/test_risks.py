"""What a person has to agree to before it is done on a page."""

import pytest

from seezar.browser.pool import BrowserPool
from seezar.browser.risks import risk_of
from tests.chromium import loopback
from tests.site import page, serve

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

BODY = page(
    """<a id="orders" href="/orders">Orders</a> <a id="next" href="?page=2">2</a>
    <a id="away" href="http://evil.test/?q=secret">Orders</a> <a id="drop" href="/drop?id=1">Delete order</a>
    <a id="quiet" href="/account/delete">Details</a> <a id="file" href="/orders.csv" download>Orders</a>
    <a id="script" href="#" onclick="go()">Orders</a> <a id="js" href="javascript:go()">Orders</a>
    <a id="de" href="/x">Konto löschen</a>
    <details><summary id="more">More</summary>x</details> <div id="tab" role="tab">Week</div>
    <div id="div">Anything</div> <button id="plain">Refresh</button>
    <form action="/pay" method="post"><input id="note" aria-label="Note">
    <input id="go" type="submit" value="Pay \u202e17">
    <select id="state"><option>open</option></select></form>"""
)


async def test_only_looking_and_filling_in_needs_nobody(pool: BrowserPool) -> None:
    async with serve({"/": BODY}) as site, pool.context(loopback()) as context:
        visit = await pool.new_page(context)
        await visit.goto(site.url)

        async def risk(element: str, method: str = "click", *arguments: str) -> str | None:
            return await risk_of(visit.locator(f"#{element}").first, method, arguments, (site.url,))

        for element in ("orders", "next", "more", "tab"):
            assert await risk(element) is None, element
        for method in ("hover", "scrollTo", "fill", "type"):
            assert await risk("note", method, "some words") is None
        assert await risk("note", "press", "Tab") is None
        for element in ("drop", "quiet", "file", "script", "js", "de", "div", "plain", "go"):
            assert await risk(element), element
        assert await risk("note", "press", "Enter")
        assert await risk("note", "type", "some words\n")
        assert await risk("state", "selectOptionFromDropdown", "open")
        assert await risk("away") == "click the link “Orders”, which leads to http://evil.test/"
        assert await risk("go") == f"click the submit field “Pay 17”, which sends to {site.url}/pay"
        assert (
            await risk("note", "type", "a\n") == f"type the text field “Note” with “a”, which sends to {site.url}/pay"
        )
