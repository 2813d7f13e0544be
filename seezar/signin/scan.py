"""Looking at every frame of a page once: structure, names, wording and geometry, never what was typed.

The look itself is the JavaScript in `look/`, evaluated once a frame. Positions and sizes are CSS pixels in the frame's
own document.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from playwright.async_api import Error, Frame, Locator, Page

from seezar.browser.shadow import OPEN_SHADOW_ROOTS as OPEN_SHADOW_ROOTS

# Caps of one look. An ordinary page stays far below; a huge or endless one is cut off and says so (`truncated`).
_LIMITS: Final = {
    "elements": 40_000,
    "fields": 1_000,
    "buttons": 500,
    "links": 200,
    "paths": 80,
    "headings": 40,
    "detailed": 150,
    "text": 4_000,
    "milliseconds": 400,
}
_MAX_FRAMES: Final = 20
_MAIN_FRAME_S: Final = 10.0
_CHILD_FRAME_S: Final = 1.5
_MIN_FRAME_PX: Final = 30

# A selector for each tree on the way to the element: (CSS path, index among its matches).
type Path = list[tuple[str, int]]
type Box = tuple[int, int, int, int]  # left, top, width, height


@dataclass(slots=True)
class Field:
    """An input, select, text area or editable box. `why` is empty when a person can see and use it, else why not:
    hidden, size, offscreen, opacity, clipped, background (behind a modal dialog or inert), veiled (aria-hidden, yet
    drawn).
    """

    tag: str
    type: str
    name: str
    id: str
    cls: str
    ac: str
    placeholder: str
    aria: str
    title: str
    label: str
    before: str
    after: str
    data: str
    described: str
    max: int
    pattern: str
    mode: str
    readonly: bool
    disabled: bool
    required: bool
    filled: bool
    checked: bool
    invalid: bool
    tabindex: str
    focused: bool
    masked: bool
    why: str
    box: Box
    group: int
    pos: int
    path: Path = field(default_factory=list[tuple[str, int]])


@dataclass(slots=True)
class Button:
    """A button, a submit input, a link, or an element that acts as one. `layer`: what the dialog or banner that it is
    in is called and says; empty for one of the page itself.
    """

    tag: str
    type: str
    role: str
    link: bool
    text: str
    aria: str
    title: str
    name: str
    id: str
    cls: str
    data: str
    href: str
    expanded: str
    selected: str
    popup: str
    disabled: bool
    why: str
    box: Box
    group: int
    pos: int
    path: Path = field(default_factory=list[tuple[str, int]])
    layer: str = ""


@dataclass(slots=True)
class Group:
    """A form, or the smallest element that holds the fields and the button of what works as one."""

    real: bool
    id: str
    name: str
    cls: str
    around: str
    action: str
    method: str
    role: str
    aria: str
    dialog: str
    heading: str
    text: str
    box: Box
    onsubmit: bool
    landmark: str
    pos: int


@dataclass(slots=True)
class Heading:
    """A visible heading."""

    text: str
    level: str
    box: Box
    pos: int


@dataclass(slots=True)
class FrameScan:
    """What one frame holds. `tucked` are links of closed menus: words, a tab, and where they lead. `still`: nothing in
    it can change it by itself (no script, no inline handler).
    """

    url: str
    title: str
    lang: str
    width: int
    height: int
    elements: int
    truncated: bool
    modal: bool
    ready: str
    fields: list[Field]
    buttons: list[Button]
    tucked: list[str]
    groups: list[Group]
    headings: list[Heading]
    alerts: list[dict[str, Any]]
    challenges: list[dict[str, Any]]
    frames: list[dict[str, Any]]
    text: str
    longer: int
    milliseconds: float
    still: bool = False


_ROWS: Final[dict[str, type[Any]]] = {"fields": Field, "buttons": Button, "groups": Group, "headings": Heading}


# Parts of the look in the order they are joined; each uses what those before it define.
_PARTS: Final = ("dom", "visibility", "tree", "selectors", "wording", "fields", "groups", "buttons", "result")


@lru_cache(maxsize=1)
def script() -> str:
    """Source of the page's look: a JavaScript function of `arguments()`, without its comments and indentation."""
    folder = files("seezar.signin").joinpath("look")
    source = "\n".join(folder.joinpath(f"{part}.js").read_text(encoding="utf-8") for part in _PARTS)
    return "(limits) => {\n" + re.sub(r"(?m)^\s*(//.*)?\n?", "", source) + "}"


@lru_cache(maxsize=1)
def arguments() -> dict[str, Any]:
    """What the look is told: its caps, and the order of the values in each row."""
    keys = {name: [f.name for f in fields(row)] for name, row in _ROWS.items()}
    return {**_LIMITS, "keys": keys}


def parse(raw: str | dict[str, Any]) -> FrameScan:
    """What the look returned, typed."""
    data: dict[str, Any] = json.loads(raw) if isinstance(raw, str) else dict(raw)
    data.update({name: [row(*values) for values in data[name]] for name, row in _ROWS.items()})
    return FrameScan(**data)


async def scan_page(page: Page) -> list[tuple[Frame, FrameScan]]:
    """Look at the main frame and at every frame that is large enough to be used, all at the same time.

    Frames that are gone, blocked or too slow are left out.

    Raises:
        playwright.async_api.Error: the main frame cannot be looked at (the page is closed or crashed).
    """
    main = page.main_frame
    others = [frame for frame in page.frames if frame is not main and not frame.is_detached()][: _MAX_FRAMES - 1]
    first, *rest = await asyncio.gather(_scan_main(page), *(_scan_child(frame) for frame in others))
    looks: list[tuple[Frame, FrameScan]] = [(main, first)] if first is not None else []
    return looks + [(frame, look) for frame, look in zip(others, rest, strict=True) if look is not None]


async def _scan_main(page: Page) -> FrameScan | None:
    try:
        return parse(await asyncio.wait_for(page.main_frame.evaluate(script(), arguments()), _MAIN_FRAME_S))
    except TimeoutError:
        return None
    except Error as error:
        if page.is_closed() or "crash" in str(error):
            raise
        # A navigation in the middle, or a page that broke what the look stands on: the next look may see more.
        return None


async def _scan_child(frame: Frame) -> FrameScan | None:
    with contextlib.suppress(Error, TimeoutError):
        look = parse(await asyncio.wait_for(frame.evaluate(script(), arguments()), _CHILD_FRAME_S))
        if look.width >= _MIN_FRAME_PX and look.height >= _MIN_FRAME_PX:
            return look
    return None


def locator(frame: Frame, path: Sequence[tuple[str, int]]) -> Locator | None:
    """A locator for an element of a look, or None when the look gave no path to it.

    It says where the element is (through open shadow roots), not which object it is: it survives a re-rendering of the
    same
    page, and matches nothing when the page became another one.
    """
    if not path:
        return None
    found = frame.locator(f"css:light={path[0][0]}")
    for inner, index in path[1:]:
        found = found.locator(f"css={inner}").nth(index)
    return found
