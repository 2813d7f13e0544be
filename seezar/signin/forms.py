"""From a look at a frame to forms: fields and buttons of each group, with what their words mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from seezar.signin.fields import FieldView, merged
from seezar.signin.scan import Button, FrameScan, Group
from seezar.signin.words import concepts_of, concepts_of_identifier

_FOLLOWING: Final = 12  # how far, in running numbers, a loose button may stand behind the last field
_CONTROL_MAX_CHARS: Final = 40
_SHORT_PAGE: Final = 1_200  # characters of visible text
_SPLIT_MIN: Final = 4
_SPLIT_MAX: Final = 8
_SPLIT_MAX_WIDTH_PX: Final = 80


@dataclass(eq=False)
class ButtonView:
    """A button with its meaning."""

    raw: Button

    @cached_property
    def said(self) -> Mapping[str, float]:
        raw = self.raw
        words = raw.text or raw.aria or raw.title
        # An arrow or an icon as the text: the ARIA name says it.
        if raw.aria and not any(c.isalpha() for c in raw.text):
            words = raw.aria
        said = concepts_of(words)
        if "sso" in said and said.keys() & {"password_way", "passkey"}:
            # "Continue with a passkey", "Log in with a password": with something of our own, not with a provider.
            return {concept: share for concept, share in said.items() if concept != "sso"}
        return said

    @cached_property
    def named(self) -> dict[str, float]:
        raw = self.raw
        return merged(*(concepts_of_identifier(t) for t in (raw.name, raw.id, raw.data) if t))

    @cached_property
    def target(self) -> Mapping[str, float]:
        """Concepts of the path that a link leads to."""
        return concepts_of_identifier(self.raw.href.partition("?")[0][-80:]) if self.raw.link else {}

    @cached_property
    def leads_away(self) -> bool:
        """A link to another page, not a button drawn as a link."""
        href = self.raw.href.strip().lower()
        return self.raw.link and bool(href) and not href.startswith(("#", "javascript:"))

    @cached_property
    def submits(self) -> bool:
        return not self.raw.link and self.raw.type in ("submit", "image") and self.raw.tag in ("button", "input")

    @cached_property
    def nameless(self) -> bool:
        """Nothing says what it does."""
        raw = self.raw
        return not (raw.text or raw.aria or raw.title) and raw.type != "image"

    @cached_property
    def usable(self) -> bool:
        return not self.raw.why and bool(self.raw.path)

    def means(self, concept: str) -> bool:
        return concept in self.said


@dataclass(eq=False)
class FormView:
    """A form, or what works as one: its usable fields and buttons in document order.

    `following` are loose buttons between its last field and the next form; `veiled` forms are drawn but aria-hidden,
    as when
    an overlay is open; `controls` are all short buttons and links of the frame.
    """

    index: int
    raw: Group
    scan: FrameScan
    fields: list[FieldView]
    buttons: list[ButtonView]
    following: list[ButtonView]
    controls: list[ButtonView]
    hidden_passwords: int
    veiled: bool

    @cached_property
    def split_code(self) -> list[FieldView]:
        """Boxes of one character each, left to right, or empty."""
        boxes = [f for f in self.fields if f.raw.type in ("text", "tel", "number", "password") and not f.is_search]
        run: list[FieldView] = []
        for box in boxes:
            if run and not _beside(run[-1], box):
                if _SPLIT_MIN <= len(run) <= _SPLIT_MAX:
                    break
                run = []
            if _narrow(box):
                run.append(box)
        return run if _SPLIT_MIN <= len(run) <= _SPLIT_MAX else []

    @cached_property
    def ticks(self) -> int:
        """How many of the fields are boxes to tick."""
        return sum(f.raw.type in ("checkbox", "radio") for f in self.fields)

    @cached_property
    def passwords(self) -> list[FieldView]:
        boxes = set(map(id, self.split_code))
        return [f for f in self.fields if f.is_password and id(f) not in boxes and f.code_score < 0.85]

    @cached_property
    def code_fields(self) -> list[FieldView]:
        """Where a one-time code would go: the split boxes, or the one best box."""
        if self.split_code:
            return self.split_code
        scored = [(f.code_score, -f.raw.pos, f) for f in self.fields if f.code_score > 0 and f not in self.passwords]
        return [max(scored, key=lambda s: s[:2])[2]] if scored else []

    @cached_property
    def words(self) -> dict[str, float]:
        """Concepts of the form's text and headings, and on a short page of all its text."""
        scan = self.scan
        near = scan.text if len(scan.text) + scan.longer < _SHORT_PAGE else ""
        return merged(
            *(concepts_of(t) for t in (self.raw.text, self.raw.heading, self.raw.aria, scan.title, near) if t)
        )

    @cached_property
    def texts(self) -> list[FieldView]:
        boxes = set(map(id, self.split_code))
        return [f for f in self.fields if f.is_text and id(f) not in boxes]


def _narrow(box: FieldView) -> bool:
    raw = box.raw
    return raw.max == 1 or (raw.max in (0, 4, 5, 6, 7, 8) and raw.box[2] <= _SPLIT_MAX_WIDTH_PX)


def _beside(a: FieldView, b: FieldView) -> bool:
    """Same kind of box in the same row (or stacked without style, but declared as one character)."""
    left, right = a.raw, b.raw
    if left.type != right.type or left.group != right.group:
        return False
    if left.max == 1 and right.max == 1:
        return True
    return abs(left.box[1] - right.box[1]) <= 6 and abs(left.box[2] - right.box[2]) <= 6


def forms_of(scan: FrameScan) -> list[FormView]:
    """The forms of a frame that have at least one field a person can use, in document order."""
    fields: dict[int, list[FieldView]] = {}
    veiled: dict[int, list[FieldView]] = {}
    hidden: dict[int, int] = {}
    for raw in scan.fields:
        view = FieldView(raw)
        if view.usable:
            fields.setdefault(raw.group, []).append(view)
        elif raw.why == "veiled":
            veiled.setdefault(raw.group, []).append(view)
        elif raw.type == "password" and raw.why in ("hidden", "size", "offscreen", "clipped", "opacity"):
            hidden[raw.group] = hidden.get(raw.group, 0) + 1
    fallen = {group: found for group, found in veiled.items() if group not in fields}
    buttons: dict[int, list[ButtonView]] = {}
    loose: list[ButtonView] = []
    controls: list[ButtonView] = []
    for raw_button in scan.buttons:
        if raw_button.why and not (raw_button.why == "veiled" and raw_button.group in fallen):
            continue
        view_of_button = ButtonView(raw_button)
        if not raw_button.why and len(raw_button.text) <= _CONTROL_MAX_CHARS:
            controls.append(view_of_button)
        if raw_button.group >= 0:
            buttons.setdefault(raw_button.group, []).append(view_of_button)
        elif not raw_button.link:
            loose.append(view_of_button)
    starts = sorted(found[0].raw.pos for found in (*fields.values(), *fallen.values()))
    forms: list[FormView] = []
    for index, group in enumerate(scan.groups):
        members = fields.get(index) or fallen.get(index)
        if not members:
            continue
        last = members[-1].raw.pos
        until = next((start for start in starts if start > last), last + _FOLLOWING)
        following = [b for b in loose if last < b.raw.pos < min(until, last + _FOLLOWING)]
        forms.append(
            FormView(
                index,
                group,
                scan,
                members,
                buttons.get(index, []),
                following,
                controls,
                hidden.get(index, 0),
                index in fallen,
            )
        )
    return forms
