"""The regression set of page shapes: each file in `pages/` says what it is, and marks the parts that must be found.

`data-kind` on <html> is the kind; `data-part` on an element is the part it plays. The marks are not among what the
detector
looks at. The shapes are not used for training.
"""

import re
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import ElementHandle, Locator, Page

from seezar.signin.detector import Reading, detect
from seezar.signin.policy import SURE
from seezar.signin.reading import LOGIN_KINDS

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

PAGES: Final = sorted((Path(__file__).parent / "pages").glob("*.html"))
_PARTS: Final = ("username", "password", "submit", "otp", "remember")
# Parts that a page may offer without being marked for it.
_OFFERS: Final = ("opener", "resend", "send_code", "trust", "skip", "device")


def _kind(path: Path) -> str:
    found = re.search(r'data-kind="(\w+)"', path.read_text(encoding="utf-8"))
    assert found, "a page says its kind"
    return found.group(1)


async def _marked(page: Page, part: str) -> list[ElementHandle]:
    return [handle for frame in page.frames for handle in await frame.locator(f"[data-part={part}]").element_handles()]


def _found(reading: Reading, part: str) -> list[Locator]:
    value = getattr(reading, part)
    return list(value) if isinstance(value, list) else [value] if value is not None else []


async def _same(wanted: list[ElementHandle], found: list[Locator]) -> bool:
    if len(wanted) != len(found):
        return False
    for element, locator in zip(wanted, found, strict=True):
        handle = await locator.element_handle(timeout=5_000)
        if not await element.evaluate("(a, b) => a === b", handle):
            return False
    return True


async def test_the_set_is_large_enough() -> None:
    assert len(PAGES) >= 60


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
async def test_page_shape(page: Page, path: Path) -> None:
    await page.goto(path.as_uri())
    reading = await detect(page)
    kind = _kind(path)
    assert reading.kind == kind, reading.evidence
    if kind in LOGIN_KINDS or kind == "otp":
        assert reading.confidence >= SURE, reading.evidence
        assert reading.signature
    for part in _PARTS:
        assert await _same(await _marked(page, part), _found(reading, part)), part
    for part in _OFFERS:
        if wanted := await _marked(page, part):
            assert await _same(wanted, _found(reading, part)), part
