"""A page is still only when nothing in it can change it by itself; anything else is waited for."""

import pytest
from playwright.async_api import Page

from seezar.signin.detector import detect
from tests.signin.driving import LOGIN, Keys, account, check_password, drive, protected
from tests.site import Handler, Response, serve
from tests.site import page as html

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

SHADOW = '<div><template shadowrootmode="open">{}</template></div>'


@pytest.mark.parametrize(
    ("added", "still"),
    [
        ("", True),
        ('<script type="application/ld+json">{}</script>', True),
        (SHADOW.format("<p>Hello</p>"), True),
        ("<script>1</script>", False),
        ('<p onclick="1">x</p>', False),
        (SHADOW.format("<script>1</script>"), False),
        (SHADOW.format('<p onclick="1">x</p>'), False),
        ('<meta http-equiv="Refresh" content="9">', False),
        ('<iframe src="/small" style="width:5px;height:5px"></iframe>', False),
        ('<iframe src="/large"></iframe>', True),
        ("<i></i>" * 4000, False),
    ],
    ids=[
        "bare",
        "data",
        "shadow",
        "script",
        "handler",
        "shadow-script",
        "shadow-handler",
        "refresh",
        "frame-unseen",
        "frame-seen",
        "huge",
    ],
)
async def test_what_may_change_by_itself(page: Page, added: str, still: bool) -> None:
    routes: dict[str, Handler | Response | str] = {
        "/": LOGIN.replace("</body>", f"{added}</body>"),
        "/small": html("<p>x</p>"),
        "/large": html("<p>x</p>"),
    }
    async with serve(routes) as site:
        await page.goto(f"{site.url}/", wait_until="load")
        assert (await detect(page)).still is still


async def test_a_header_that_leads_on(page: Page, keys: Keys) -> None:
    """The answer shows the form, and leads on after a moment."""
    answer = Response(LOGIN, headers={"refresh": "1;url=/home", "set-cookie": "sid=1; Path=/"})

    async with serve({"/": LOGIN, "/login": answer, "/home": protected}) as site:
        assert (await drive(page, account(site), keys).run()).status == "submitted"
        assert [post.path for post in site.posts()] == ["/login"]


async def test_an_ordinary_page_is_still(page: Page, keys: Keys) -> None:
    async with serve({"/": LOGIN, "/login": check_password, "/home": protected}) as site:
        assert (await drive(page, account(site), keys).run()).status == "submitted"
        assert (await detect(page)).still
