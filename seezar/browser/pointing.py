"""The element of a page that plain words name: no model, and no guess where two are called so.

What it is called is its accessible name (WAI-ARIA, "Accessible Name and Description Computation 1.2"), the one that a
screen reader reads aloud; Playwright computes it.
"""

import re
from dataclasses import dataclass
from typing import Any, Final, Literal

from playwright.async_api import Locator, Page

type Method = Literal["click", "fill", "selectOptionFromDropdown", "check", "uncheck"]

_PRESSED: Final = ("button", "link", "tab", "menuitem", "checkbox", "radio", "switch", "option")
_FILLED: Final = ("textbox", "searchbox", "combobox", "spinbutton")
_KINDS: Final = {
    "button": ("button",),
    "link": ("link",),
    "tab": ("tab",),
    "menu item": ("menuitem",),
    "checkbox": ("checkbox", "switch"),
    "check box": ("checkbox", "switch"),
    "switch": ("switch", "checkbox"),
    "option": ("radio", "option"),
    "radio button": ("radio",),
}
_KIND: Final = "|".join(sorted(map(re.escape, _KINDS), key=len, reverse=True))
_QUOTES: Final = "\"'`“”‘’„«»"
_PLACE: Final = r"(?:\s+(?:field|box|input|menu|list|drop-?down))?"
_POLITE: Final = re.compile(r"^(?:please|now|then|can you|could you)\s+", re.IGNORECASE)


def _rule(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


_SENTENCES: Final[tuple[tuple[Method, re.Pattern[str]], ...]] = (
    ("fill", _rule(rf"^fill(?:\s+in)?\s+(?:the\s+)?(?P<name>.+?){_PLACE}\s+with\s+(?P<value>.+)$")),
    ("fill", _rule(rf"^set\s+(?:the\s+)?(?P<name>.+?){_PLACE}\s+to\s+(?P<value>.+)$")),
    (
        "fill",
        _rule(rf"^(?:type|enter|write|put)\s+(?P<value>.+?)\s+(?:in|into|to)\s+(?:the\s+)?(?P<name>.+?){_PLACE}$"),
    ),
    (
        "selectOptionFromDropdown",
        _rule(rf"^(?:select|choose|pick)\s+(?P<value>.+?)\s+(?:in|from|as|for)\s+(?:the\s+)?(?P<name>.+?){_PLACE}$"),
    ),
    ("uncheck", _rule(r"^(?:uncheck|untick|clear)\s+(?:the\s+)?(?P<name>.+?)(?:\s+(?:checkbox|check box|switch))?$")),
    ("check", _rule(r"^(?:check|tick)\s+(?:the\s+)?(?P<name>.+?)(?:\s+(?:checkbox|check box|switch))?$")),
    (
        "click",
        _rule(
            r"^(?:click|press|push|tap|hit|choose|follow|activate)(?:\s+on)?\s+(?:the\s+)?"
            rf"(?:(?P<kind>{_KIND})\s+(?:called\s+|named\s+|labell?ed\s+|(?:that|which)\s+says\s+)?(?P<name>.+)|"
            rf"(?P<named>.+?)\s+(?P<of_kind>{_KIND})|(?P<bare>.+))$"
        ),
    ),
)


@dataclass(frozen=True)
class Wish:
    """What plain words ask for.

    Attributes:
        method: what is done, in the words of Stagehand.
        name: what the element is called.
        value: what is filled in or chosen.
        kind: what it is, where the words say that: a key of ARIA roles.
    """

    method: Method
    name: str
    value: str = ""
    kind: str = ""


def wish_of(instruction: str) -> Wish | None:
    """What an instruction asks for; None when it is not put in such plain words."""
    text = _POLITE.sub("", " ".join(instruction.split()).rstrip(".!"))
    for method, pattern in _SENTENCES:
        match = pattern.match(text)
        if match is None:
            continue
        parts = match.groupdict()
        name = parts.get("name") or parts.get("named") or parts.get("bare") or ""
        kind = (parts.get("kind") or parts.get("of_kind") or "").lower()
        name, value = _bare(name), _bare(parts.get("value") or "")
        return Wish(method, name, value, kind) if name else None
    return None


async def point(page: Page, wish: Wish) -> Locator | None:
    """The one visible element that the words name; None when there is none, or more than one."""
    for exact in (True, False):
        found = [one for locator in _called(page, wish, exact=exact) for one in await _visible(locator)]
        if len(found) == 1:
            return found[0]
        if found:
            return await _same(found)
    return None


def _called(page: Page, wish: Wish, *, exact: bool) -> list[Locator]:
    roles = (
        _KINDS.get(wish.kind, ())
        or {
            "click": _PRESSED,
            "fill": _FILLED,
            "selectOptionFromDropdown": ("combobox", "listbox"),
            "check": ("checkbox", "switch", "radio"),
            "uncheck": ("checkbox", "switch"),
        }[wish.method]
    )
    found: list[Locator] = [page.get_by_role(role, name=wish.name, exact=exact) for role in roles]  # pyright: ignore[reportArgumentType] - ARIA roles all
    if wish.method == "fill":
        found.append(page.get_by_placeholder(wish.name, exact=exact))
    return found


async def _visible(locator: Locator) -> list[Locator]:
    return [each for each in await locator.all() if await each.is_visible()]


async def _same(found: list[Locator]) -> Locator | None:
    """The one element that all of them are: some are found by their role and their placeholder."""
    first = await found[0].element_handle()
    for other in found[1:]:
        handle: Any = await other.element_handle()
        if not await first.evaluate("(one, other) => one === other", handle):
            return None
    return found[0]


def _bare(words: str) -> str:
    return words.strip().strip(_QUOTES).strip()
