"""A page as text for people and models: headings, paragraphs, lists and tables, without the values of form fields."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Locator, Page

from seezar.redaction import Redactor
from seezar.telemetry.spans import traced

# What a model can use; the rest of a very long page is cut, and the text says so.
MAX_CHARACTERS = 20_000
# Read beyond that before redaction: a secret that the end cuts in two would not be recognised.
_MARGIN = 2_000
_MAX_TITLE = 300
# Text stays readable.
_QUALITY = 70

_FIELDS = (
    "input:not([type=submit]):not([type=button]):not([type=checkbox]):not([type=radio]), textarea, select, output,"
    " [contenteditable]:not([contenteditable=false])"
)
# A word of the length of a one-time or backup code with a digit in it, and digits in groups. JavaScript reads it, too.
_CODES = re.compile(r"\b(?=[A-Za-z]*[0-9])[A-Za-z0-9]{4,12}\b|[0-9][0-9\s\u00a0-]{2,}[0-9]")

# Everything that stands in the page, shown or not, and whether a field is among it.
_ALL = """(fields) => {
  const texts = [];
  let found = false;
  const visit = (root) => {
    found = found || [...root.querySelectorAll(fields)].some((e) => e.type !== 'hidden');
    texts.push(root.textContent);
    for (const e of root.querySelectorAll('*')) if (e.shadowRoot) visit(e.shadowRoot);
  };
  visit(document.documentElement);
  return [found, texts.join(' ')];
}"""
_READ = (Path(__file__).parent / "read.js").read_text(encoding="utf-8")


@dataclass(frozen=True)
class PageText:
    """A page that was read. `url` has no query and no fragment: they may carry tokens."""

    url: str
    title: str
    text: str


@traced("browser.read_text")
async def read_text(page: Page, redact: Redactor) -> PageText:
    """The visible text of `page`, redacted.

    Raises:
        playwright.async_api.Error: the page is gone.
    """
    got = await page.evaluate(_READ, MAX_CHARACTERS + _MARGIN)
    text = redact(got["text"])
    if len(text) > MAX_CHARACTERS:
        text = text[:MAX_CHARACTERS] + "\n[the page is longer; the rest was left out]"
    return PageText(url=redact(got["url"]), title=redact(got["title"])[:_MAX_TITLE], text=text)


@traced("browser.screenshot")
async def screenshot(page: Page, redact: Redactor, *, codes: bool = False, quick: bool = False) -> bytes:
    """A picture of what is visible; form fields and every element that shows a known secret are covered.

    Args:
        codes: also cover what looks like a one-time or backup code, known or not.
        quick: of a page that has come to rest; a JPEG, made sooner than the PNG that it is otherwise.

    Raises:
        playwright.async_api.Error: the page is gone.
    """
    form: dict[str, Any] = {}
    if quick:
        form = {"type": "jpeg", "quality": _QUALITY}
        if not codes and await _nothing_to_cover(page, redact):
            return await page.screenshot(animations="disabled", timeout=10_000, **form)
    covered: list[Locator] = []
    for frame in page.frames:
        covered.append(frame.locator(_FIELDS))
        if redact.pattern is not None:
            covered.append(frame.get_by_text(redact.pattern))
        if codes:
            covered.append(frame.get_by_text(_CODES))
    return await page.screenshot(mask=covered, mask_color="#6b7280", animations="disabled", timeout=10_000, **form)


async def _nothing_to_cover(page: Page, redact: Redactor) -> bool:
    """Whether the page certainly has no field and no known secret: to cover costs as much as the picture itself."""
    if len(page.frames) > 1:
        return False
    fields, text = await page.evaluate(_ALL, _FIELDS)
    return not fields and (redact.pattern is None or redact.pattern.search(text) is None)
