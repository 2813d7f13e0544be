"""What a model is shown of a page: references to the elements that a person could use, and their wording, redacted.

No value of a field is in it: the look (`seezar.signin.scan`) does not read any. What the page says passes the redaction
gate and is cut; what looks like a code is left out, whoever's it may be.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.async_api import Frame, Locator, Page

from seezar.accounts.recipes import Part
from seezar.errors import InvalidInput
from seezar.redaction import Redactor
from seezar.signin.address import template
from seezar.signin.fields import FieldView
from seezar.signin.forms import ButtonView
from seezar.signin.scan import FrameScan, locator, scan_page
from seezar.vault.origins import is_secure, origin_of

MAX_ELEMENTS: Final = 80
MAX_CHARACTERS: Final = 9_000
_MAX_FIELDS: Final = 40
_MAX_WORDING: Final = 80
_MAX_HEADINGS: Final = 8
# A word with a digit in it, of the length of a code; and digits in groups.
_CODE: Final = re.compile(r"\d[\d\s\u00a0-]{2,}\d|\b(?=\w*\d)\w{4,}\b")


@dataclass(frozen=True, eq=False)
class Element:
    """An element that a person could use. `look` is the index of its frame's look in the snapshot."""

    ref: str
    view: FieldView | ButtonView
    look: int
    frame: Frame

    @property
    def locator(self) -> Locator:
        """Where it is."""
        found = locator(self.frame, self.view.raw.path)
        assert found is not None, "elements without a path are not part of a snapshot"
        return found

    @property
    def part(self) -> Part:
        """Where it is, for a recipe."""
        return Part(template(self.frame.url), tuple((css, nth) for css, nth in self.view.raw.path))


@dataclass(frozen=True, eq=False)
class PageSnapshot:
    """Elements by their references, the text for the model, and a hash of the page's shape.

    Attributes:
        text: one JSON object a line, so that no wording of the page can look like another line.
        signature: the same on every visit of a page of the same shape.
        looks: of the frames whose elements are in it.
    """

    elements: dict[str, Element]
    text: str
    signature: str
    looks: list[FrameScan]


async def take_snapshot(page: Page, redact: Redactor, origins: Sequence[str]) -> PageSnapshot:
    """Look at the frames of `page` that belong to `origins`; the others have nothing that we would use.

    Raises:
        playwright.async_api.Error: the page is gone.
    """
    seen = [(frame, scan) for frame, scan in await scan_page(page) if _registered(frame.url, origins)]
    words = _Wording(redact)
    elements: dict[str, Element] = {}
    lines: list[str] = []
    size = 0
    for number, (_, scan) in enumerate(seen):
        lines.append(_line(_of_frame(number, scan, words)))
    for look, view in _chosen([scan for _, scan in seen]):
        element = Element(f"e{len(elements) + 1}", view, look, seen[look][0])
        if isinstance(view, FieldView):
            line = _line(_of_field(element, view, words, told=_tells_labels(seen[look][1])))
        else:
            line = _line(_of_button(element, view, words))
        if len(elements) >= MAX_ELEMENTS or size + len(line) > MAX_CHARACTERS:
            break
        elements[element.ref] = element
        lines.append(line)
        size += len(line)
    return PageSnapshot(elements, "\n".join(lines), _signature(page.url, elements), [scan for _, scan in seen])


async def find_parts(page: Page, parts: Iterable[Part], origins: Sequence[str]) -> PageSnapshot | None:
    """A snapshot, without text, of the elements at `parts` alone; None unless exactly one that a person can use stands
    at each, in a frame of `origins`.

    Raises:
        playwright.async_api.Error: the page is gone.
    """
    seen = [(frame, scan) for frame, scan in await scan_page(page) if _registered(frame.url, origins)]
    usable = [Element("", view, look, seen[look][0]) for look, view in _chosen([scan for _, scan in seen])]
    elements: dict[str, Element] = {}
    for part in parts:
        at = [element for element in usable if element.part == part]
        if len(at) != 1:
            return None
        ref = f"e{len(elements) + 1}"
        elements[ref] = replace(at[0], ref=ref)
    return PageSnapshot(elements, "", _signature(page.url, elements), [scan for _, scan in seen])


def _registered(url: str, origins: Sequence[str]) -> bool:
    try:
        origin = origin_of(url)
    except InvalidInput:
        return False
    return origin in origins and is_secure(origin)


def _chosen(looks: list[FrameScan]) -> Iterator[tuple[int, FieldView | ButtonView]]:
    """What a person could use, in the order of worth: fields, buttons of forms, other buttons, links."""
    fields = [(i, FieldView(raw)) for i, look in enumerate(looks) for raw in look.fields if raw.path]
    yield from [(i, view) for i, view in fields if view.usable][:_MAX_FIELDS]
    buttons = [(i, ButtonView(raw)) for i, look in enumerate(looks) for raw in look.buttons]
    usable = [(i, view) for i, view in buttons if view.usable]
    yield from sorted(usable, key=lambda found: 0 if found[1].raw.group >= 0 else 2 if found[1].raw.link else 1)


class _Wording:
    """Page text on its way to a model."""

    def __init__(self, redact: Redactor) -> None:
        self._redact = redact

    def __call__(self, text: str) -> str:
        """Redacted before it is cut, because half a secret is not recognised. The look has cut longer texts already
        (buttons after 100 characters, most others sooner): what its cut leaves of a secret passes.
        """
        return _CODE.sub("#", self._redact(text))[:_MAX_WORDING].strip()


def _of_frame(number: int, scan: FrameScan, words: _Wording) -> dict[str, Any]:
    headings = [words(heading.text) for heading in scan.headings[:_MAX_HEADINGS]]
    return {"frame": number, "title": words(scan.title), "headings": headings}


def _tells_labels(look: FrameScan) -> bool:
    """Whether the text around fields is only the page's: what somebody wrote into an editable element is text, too."""
    return not any(field.type == "editable" and field.filled for field in look.fields)


def _of_field(element: Element, view: FieldView, words: _Wording, *, told: bool) -> dict[str, Any]:
    raw = view.raw
    label = (raw.label or raw.aria or raw.title) if told else ""
    return {
        "ref": element.ref,
        "role": "field",
        "type": "password" if raw.masked else raw.type,
        "autocomplete": words(raw.ac),
        "name": words(raw.name or raw.id),
        "label": words(label),
        "placeholder": words(raw.placeholder),
        "near": words(raw.after or raw.before) if told and not label else "",
        "maxlength": raw.max,
        "readonly": raw.readonly,
        "form": _form(element, raw.group),
    }


def _of_button(element: Element, view: ButtonView, words: _Wording) -> dict[str, Any]:
    raw = view.raw
    return {
        "ref": element.ref,
        "role": "link" if raw.link else "button",
        "type": raw.type,
        "name": words(raw.name or raw.id),
        "text": words(raw.text or raw.aria or raw.title),
        "form": _form(element, raw.group),
    }


def _form(element: Element, group: int) -> str:
    return f"{element.look}.{group}" if group >= 0 else ""


def _line(values: dict[str, Any]) -> str:
    """Without what says nothing, to save tokens."""
    return json.dumps({k: v for k, v in values.items() if v or k == "frame"}, ensure_ascii=False)


def _signature(url: str, elements: dict[str, Element]) -> str:
    parts = urlsplit(url)
    shape = [f"{parts.scheme}://{parts.netloc}{parts.path}"]
    for element in elements.values():
        raw = element.view.raw
        ident = "".join("0" if c.isdigit() else c for c in raw.id)
        shape.append(f"{element.look},{raw.tag},{raw.type},{raw.name},{ident},{raw.group}")
    return hashlib.sha256("\n".join(shape).encode()).hexdigest()[:24]
