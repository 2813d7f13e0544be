"""A page as text for people and models: headings, paragraphs, lists and tables, without the values of form fields."""

from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Locator, Page

from seezar.browser.redaction import Redactor

# What a model can use; the rest of a very long page is cut, and the text says so.
MAX_CHARACTERS = 20_000

_READ = (Path(__file__).parent / "read.js").read_text(encoding="utf-8")


@dataclass(frozen=True)
class PageText:
    """A page that was read. `url` has no query and no fragment: they may carry tokens."""

    url: str
    title: str
    text: str


async def read_text(page: Page, redact: Redactor) -> PageText:
    """The visible text of `page`, redacted.

    Raises:
        playwright.async_api.Error: the page is gone.
    """
    got = await page.evaluate(_READ, MAX_CHARACTERS)
    text = redact(got["text"])
    if got["cut"]:
        text += "\n[the page is longer; the rest was left out]"
    return PageText(url=redact(got["url"]), title=redact(got["title"]), text=text)


async def screenshot(page: Page, redact: Redactor) -> bytes:
    """A PNG of what is visible; form fields and every element that shows a known secret are covered.

    Raises:
        playwright.async_api.Error: the page is gone.
    """
    covered: list[Locator] = [
        page.locator("input:not([type=submit]):not([type=button]):not([type=checkbox]), textarea")
    ]
    covered += [page.get_by_text(pattern) for pattern in redact.patterns]
    return await page.screenshot(mask=covered, mask_color="#6b7280", animations="disabled", timeout=10_000)
