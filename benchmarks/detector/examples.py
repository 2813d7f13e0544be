"""From looks with labels to training examples: one form each."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.detector.collect import LabelledPage
from seezar.signin.features import form_features
from seezar.signin.forms import FormView, forms_of
from seezar.signin.scan import FrameScan, parse

CLASSES: Final = ("login", "signup", "change", "reset", "otp", "other")
_FORM_TYPES: Final = frozenset({"login", "signup", "change", "reset", "otp"})
_NEW: Final = frozenset({"new_password", "confirm_password"})


@dataclass
class Example:
    """Features of one form with its class."""

    page: str
    source: str
    features: dict[str, float]
    label: str


def read_looks(path: Path) -> Iterator[tuple[LabelledPage, FrameScan]]:
    """Labelled pages with their looks, as `collect` wrote them."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            raw: dict[str, Any] = json.loads(line)
            page = LabelledPage(**raw)
            yield page, parse(page.look)


def marks_of(page: LabelledPage, scan: FrameScan) -> dict[int, set[tuple[str, str]]]:
    """(role, form type) labels of each group of a look."""
    found: dict[int, set[tuple[str, str]]] = {}
    for key, hits in page.marks.items():
        what, _, index = key.partition(" ")
        item = scan.fields[int(index)] if what == "field" else scan.buttons[int(index)]
        for role, form_type in hits:
            found.setdefault(item.group, set()).add((role, form_type))
    return found


def labels_of(page: LabelledPage, scan: FrameScan, forms: list[FormView]) -> list[str | None]:
    """Class of each form; None where the labels of the page do not tell."""
    wanted = [t for t in page.types if t in _FORM_TYPES]
    marks = marks_of(page, scan)
    labels: list[str | None] = []
    for form in forms:
        label = _label(marks.get(form.index, set()), wanted)
        labels.append("signup" if label == "login" and len(form.passwords) > 1 else label)
    missing = [t for t in wanted if t not in labels]
    if wanted == ["login"] and len(forms) == 1:
        return ["login"]
    if not missing:
        # A second login form (in the header, say) often went without marks: not known, rather than "other".
        unsure = "login" in wanted
        return [label or (None if unsure and forms[i].passwords else "other") for i, label in enumerate(labels)]
    # A type without a mark: told only where one unmarked form can be it.
    unmarked = [i for i, label in enumerate(labels) if label is None]
    if missing == ["login"]:
        fitting = [i for i in unmarked if len(forms[i].passwords) == 1]
        if len(fitting) == 1:
            labels[fitting[0]] = "login"
            return [label or "other" for label in labels]
    if len(missing) == 1 and len(unmarked) == 1:
        labels[unmarked[0]] = missing[0]
    return labels


def _label(marks: set[tuple[str, str]], wanted: list[str]) -> str | None:
    if not marks:
        return None
    told = {form_type for _, form_type in marks if form_type}
    if told:
        order = ("login", "otp", "signup", "reset", "change")
        return next((t for t in order if t in told), "other")
    roles = {role for role, _ in marks}
    if len(wanted) == 1:
        if wanted[0] == "login" and "member" not in roles and "password" not in roles:
            # A login page with more forms: one that only has a name may be its reminder or its registration.
            return "signup" if roles & _NEW else None
        return wanted[0]
    if "login" in wanted and "password" in roles and not roles & _NEW:
        return "login"
    if "signup" in wanted and roles & _NEW:
        return "signup"
    return wanted[0] if wanted else "other"


def site_groups(pages: list[tuple[LabelledPage, FrameScan]]) -> list[int]:
    """A group number for each page; pages that share many links or field names are of one site and share the number."""
    prints = [
        {f"{b.text}>{b.href}" for b in scan.buttons if b.link and b.text}
        | {f"{f.name}#{f.id}" for f in scan.fields if f.name and f.id}
        for _, scan in pages
    ]
    group = list(range(len(pages)))
    for i, mine in enumerate(prints):
        for j in range(i):
            if mine and prints[j] and pages[i][0].source == pages[j][0].source:
                shared = len(mine & prints[j])
                if shared >= 3 and shared / min(len(mine), len(prints[j])) > 0.3:
                    old, new = group[i], group[j]
                    group = [new if g == old else g for g in group]
    return group


def examples(pages: list[tuple[LabelledPage, FrameScan]]) -> list[Example]:
    """Every form whose class is known."""
    out: list[Example] = []
    for page, scan in pages:
        forms = forms_of(scan)
        for form, label in zip(forms, labels_of(page, scan, forms), strict=True):
            if label is not None:
                out.append(Example(page.id, page.source, form_features(form, forms), label))
    return out
