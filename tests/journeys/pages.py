"""Opening a labelled page of a journey as a visitor who has got that far, and what the detector makes of it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Locator, Page

from playground.journeys import journey_of
from playground.server import PlaygroundServer
from playground.shape import PageLabel, Shape
from seezar.browser.pool import BrowserPool
from seezar.signin.detector import detect
from seezar.signin.reading import Reading
from tests.chromium import loopback

# A page may still be building itself when it is first looked at.
_BUILD_S = 8.0


@asynccontextmanager
async def opened(server: PlaygroundServer, pool: BrowserPool, shape: Shape, path: str) -> AsyncIterator[Page]:
    """The page at `path`, in a browser of its own, at the step that shows it."""
    walk = server.state.walks.begin(shape.name, path.removeprefix(f"{shape.home}/"))
    walk.username = journey_of(shape.name).username
    walk.signed_in = path.endswith("/dashboard")
    cookie = {"name": f"{shape.name}_session", "value": walk.id, "domain": "127.0.0.1", "path": shape.home}
    async with pool.context(loopback()) as context:
        await context.add_cookies([cookie])  # pyright: ignore[reportArgumentType]
        page = await pool.new_page(context)
        answer = await page.goto(f"{server.base_url}{path}", wait_until="load")
        assert answer is not None
        assert (answer.status, page.url) == (200, f"{server.base_url}{path}")
        yield page


async def problems_of(page: Page, label: PageLabel) -> list[str]:
    """What the detector gets wrong, once the page has had time to build itself; empty when it is all right."""
    deadline = time.monotonic() + _BUILD_S
    while True:
        reading = await detect(page)
        problems = await _compare(reading, label)
        if not problems or time.monotonic() > deadline:
            return problems
        await asyncio.sleep(0.2)


async def _compare(reading: Reading, label: PageLabel) -> list[str]:
    problems: list[str] = []
    if reading.kind != label.kind:
        problems.append(f"kind {reading.kind} ({reading.confidence:.2f}; {', '.join(reading.evidence)})")
    elif label.kind in ("login", "username", "password", "otp") and reading.confidence < 0.75:
        problems.append(f"not sure: {reading.confidence:.2f} ({', '.join(reading.evidence)})")
    for role in ("username", "password", "submit", "remember", "opener", "send_code", "trust", "skip"):
        wanted: str | None = getattr(label, role)
        found: Locator | None = getattr(reading, role)
        if wanted is not None:
            if found is None or not await _is(found, wanted):
                problems.append(f"{role}: {await _describe(found)} instead of {wanted}")
        elif found is not None and role in ("username", "password"):
            problems.append(f"{role}: {await _describe(found)} instead of none")
    if len(reading.otp) != len(label.otp) or not all(
        [await _is(box, wanted) for box, wanted in zip(reading.otp, label.otp, strict=True)]
    ):
        problems.append(f"otp: {[await _describe(box) for box in reading.otp]} instead of {list(label.otp)}")
    return problems


async def _is(found: Locator, selector: str) -> bool:
    return await found.evaluate("(element, selector) => element.matches(selector)", selector)


async def _describe(found: Locator | None) -> str:
    if found is None:
        return "none"
    return await found.evaluate("e => `${e.tagName.toLowerCase()}#${e.id}[${e.name ?? ''}]`")
