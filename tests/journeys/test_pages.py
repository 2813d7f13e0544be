"""The detector on every labelled page of the journeys, and the journal that must see every key."""

import pytest

from playground.journeys import JOURNEYS
from playground.server import PlaygroundServer
from playground.shape import PageLabel, Shape
from playground.shapes import all_shapes
from seezar.browser.pool import BrowserPool
from tests.journeys.pages import opened, problems_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

PAGES = [
    pytest.param(shape, path, label, id=path.strip("/"))
    for shape in (all_shapes()[account.shape] for account in JOURNEYS)
    for path, label in shape.labels.items()
]

# Fields that nothing may be typed into: page, the frame they are in (empty for the page itself), selector.
BAITED = [
    ("side-by-side", "login", "", "#new-password"),
    ("side-by-side", "login", "", "[type=search]"),
    ("dialog", "login", "", "#new-password"),
    ("signup-start", "start", "", "[name=password]"),
    ("signup-only", "login", "", "[name=email]"),
    ("phished", "login", "/phished/foreign", "#password"),
    ("decoy", "login", "/decoy/foreign", "#username"),
    ("captcha", "login", "", "[name=robot]"),
]


@pytest.mark.parametrize(("shape", "path", "label"), PAGES)
async def test_page_is_read_right(
    server: PlaygroundServer, pool: BrowserPool, shape: Shape, path: str, label: PageLabel
) -> None:
    async with opened(server, pool, shape, path) as page:
        assert await problems_of(page, label) == []


@pytest.mark.parametrize(("name", "step", "frame", "selector"), BAITED)
async def test_bait_tells_of_a_single_key(
    server: PlaygroundServer, pool: BrowserPool, name: str, step: str, frame: str, selector: str
) -> None:
    shape = all_shapes()[name]
    server.state.journal.clear(name)
    async with opened(server, pool, shape, f"{shape.home}/{step}") as page:
        place = page.frame_locator(f"iframe[src$='{frame}']").locator(selector) if frame else page.locator(selector)
        if name == "dialog":
            await page.locator("#open").click()
        async with page.expect_event("requestfinished", lambda request: request.url.endswith("/_watch")):
            await (place.check() if selector == "[name=robot]" else place.press_sequentially("x"))
        [entry] = server.state.journal.bait(name)
        assert entry.how == "typed"
