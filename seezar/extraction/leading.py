"""Where a page leads on to: the items of a list, and the next page of it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag

from playwright.async_api import Error, Page

from seezar.errors import InvalidInput
from seezar.extraction.checkpoints import Lead
from seezar.extraction.definitions import Definition

_LEADS = (Path(__file__).parent / "leads.js").read_text(encoding="utf-8")
_MAX_ITEM = 300


@dataclass(frozen=True)
class Leading:
    """What a page leads on to.

    Attributes:
        items: addresses of the links of `each`, with their texts.
        next_address: of the next page; empty when there is none, or when it has to be clicked.
        next_click: selector of what has to be clicked for it, for as long as the page stands.
    """

    items: tuple[tuple[str, str], ...] = ()
    next_address: str = field(default="", repr=False)
    next_click: str = ""

    def leads(self, at: Lead) -> list[Lead]:
        """The pages to read after the page of `at`."""
        found = [Lead(address, "rows", item=text) for address, text in self.items] if at.role == "list" else []
        if self.next_address:
            found.append(Lead(self.next_address, at.role, item=at.item))
        elif self.next_click:
            found.append(Lead(at.address, at.role, at.clicks + 1, at.item))
        return found


async def leading(page: Page, definition: Definition, at: Lead) -> Leading:
    """What `page`, which was opened as `at`, leads on to.

    Raises:
        InvalidInput: a selector of the definition cannot be used.
        playwright.async_api.Error: the page is gone.
    """
    each = definition.each if at.role == "list" else ""
    # Behind a list, `next` is of the list and not of its items.
    onward = definition.next if at.role == "list" or not definition.each else ""
    if not each and not onward:
        return Leading()
    try:
        found: dict[str, Any] = await page.evaluate(_LEADS, {"each": each, "next": onward})
    except Error as error:
        if "is not a valid selector" in error.message:
            raise InvalidInput(
                "`each` or `next` of the extraction is no CSS selector.",
                kept="What was read before is kept.",
                next_step="Correct it, store the extraction again and run it.",
            ) from None
        raise
    there: list[dict[str, str]] = found["items"]
    items = {_address(item["href"]): item["text"][:_MAX_ITEM] for item in reversed(there)}
    after: dict[str, str] = found["next"] or {}
    return Leading(tuple(reversed(items.items())), _address(after.get("href", "")), after.get("click", ""))


def _address(href: str) -> str:
    """`href` without a place on the page; what a program of the page goes by stays (`#/customers/7`)."""
    bare, fragment = urldefrag(href)
    return href if fragment.startswith(("/", "!")) else bare


async def next_click(page: Page, definition: Definition) -> str:
    """Selector of what is clicked for the page after the one that `page` shows; empty when there is nothing."""
    role = "list" if definition.each else "rows"
    return (await leading(page, definition, Lead(page.url, role))).next_click
