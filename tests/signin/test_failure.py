"""A sign-in that comes to a stop leaves a picture of the page, in which no value can be read."""

import base64
from pathlib import Path

import pytest
from playwright.async_api import Page

from seezar.browser.pool import BrowserPool
from seezar.errors import InvalidInput
from tests.browser.test_screenshot import COLOURS, COVER
from tests.signin.driving import HOME, PASSWORD, USER, WRONG, check_password, protected
from tests.signin.ground import ground
from tests.site import Response, serve

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

# Shows what was typed, where no form field is, at places that are known.
TELLING = WRONG.replace(
    "<form",
    f"""<style>.t {{ position: absolute; left: 600px; width: 300px; height: 40px; background: #fff }}</style>
    <p class="t" id="password" style="top: 0">{PASSWORD}</p><p class="t" style="top: 50px">Hello {USER}</p>
    <p class="t" style="top: 100px">Your code 483 920 is wrong</p>
    <p class="t" style="top: 150px">plain words</p><form""",
)


async def colours(page: Page, png: bytes, top: int) -> set[tuple[int, ...]]:
    area = [603, top + 3, 60, 14]
    return {tuple(c) for c in await page.evaluate(COLOURS, [base64.b64encode(png).decode(), *area])}


async def test_the_page_is_kept_and_its_values_are_covered(
    pool: BrowserPool, page: Page, database_url: str, tmp_path: Path
) -> None:
    async with (
        serve({"/": WRONG, "/login": TELLING, "/home": protected}) as site,
        ground(pool, database_url, tmp_path) as made,
    ):
        assert (await made.sign_in(site)).status == "bad_credentials"
        assert made.lines[-1] == (
            "picture: A picture of the page is kept: seezar runs picture run --attempt 1 --output FILE"
        )
        detail = made.details[-1]
        assert (detail["picture"], detail["page"]) == (1, f"{site.url}/login")
        evidence = detail["evidence"]
        assert isinstance(evidence, list)
        assert evidence[:2] == ["the form in a new document", "page: login"]
        picture = await made.app.pictures.get("run")
        assert (picture.attempt, picture.status) == (1, "bad_credentials")
        assert picture.image.startswith(b"\x89PNG")
        await page.goto("about:blank")
        for top in (0, 50, 100):
            assert await colours(page, picture.image, top + 20) == {COVER}
        assert COVER not in await colours(page, picture.image, 170)


async def test_a_sign_in_that_works_leaves_none(pool: BrowserPool, database_url: str, tmp_path: Path) -> None:
    async with (
        serve({"/": WRONG.replace("<p role", "<p hidden role"), "/login": check_password, "/home": protected}) as site,
        ground(pool, database_url, tmp_path) as made,
    ):
        assert (await made.sign_in(site)).status == "signed_in"
        with pytest.raises(InvalidInput):
            await made.app.pictures.get("run")


async def test_a_site_that_does_not_load_leaves_none(pool: BrowserPool, database_url: str, tmp_path: Path) -> None:
    async with (
        serve({"/": Response(close=True), "/home": HOME}) as site,
        ground(pool, database_url, tmp_path) as made,
    ):
        assert (await made.sign_in(site)).status == "site_error"
        assert await made.app.pictures.attempts("run") == []
