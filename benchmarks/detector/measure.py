"""Scores of the detector's decisions on labelled looks, with the same definitions as the shared corpus runner."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.detector.collect import LabelledPage
from seezar.signin.classify import Verdict, classify
from seezar.signin.fields import FieldView
from seezar.signin.forms import ButtonView
from seezar.signin.model import Model
from seezar.signin.reading import LOGIN_KINDS
from seezar.signin.scan import FrameScan

_FORMS: Final = frozenset({"login", "otp", "signup", "change", "reset"})
_ROLES: Final = ("username", "password", "submit", "otp", "remember")
_SURE: Final = 0.75


@dataclass
class Row:
    """The decision on one page. `roles` holds right, wrong or missing for each labelled role."""

    id: str
    types: set[str]
    kind: str
    confidence: float
    roles: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def fills(self) -> bool:
        """Whether the policy would type a secret."""
        return self.kind in LOGIN_KINDS and self.confidence >= _SURE


def decide(page: LabelledPage, scan: FrameScan, weights: Model) -> Row:
    """Classify one look and compare it with its labels."""
    verdict = classify([scan], weights)
    row = Row(page.id, set(page.types), verdict.kind, verdict.confidence)
    for role in _ROLES:
        wanted = _wanted(page, scan, role)
        if not wanted or role in page.ignore:
            continue
        got = _chosen(verdict, role)
        row.roles[role] = "missing" if got is None else "right" if id(got.raw) in wanted else "wrong"
    return row


def _wanted(page: LabelledPage, scan: FrameScan, role: str) -> set[int]:
    out: set[int] = set()
    for key, hits in page.marks.items():
        what, _, index = key.partition(" ")
        item = scan.fields[int(index)] if what == "field" else scan.buttons[int(index)]
        shown = item.box[2] > 0 and item.box[3] > 0 and not item.disabled and item.why != "hidden"
        if shown and any(r == role and form_type in ("", "login") for r, form_type in hits):
            out.add(id(item))
    return out


def _chosen(verdict: Verdict, role: str) -> FieldView | ButtonView | None:
    roles = verdict.roles
    if role == "otp":
        return roles.otp[0] if roles.otp else None
    return {"username": roles.username, "password": roles.password, "submit": roles.submit, "remember": roles.remember}[
        role
    ]


def summary(rows: Sequence[Row]) -> dict[str, tuple[int, int]]:
    """Counts (hits, of) for each figure of the runner."""

    def share(of: list[Row], hit: Callable[[Row], bool]) -> tuple[int, int]:
        return sum(map(hit, of)), len(of)

    def single(kind: str) -> list[Row]:
        return [r for r in rows if r.types & _FORMS == {kind}]

    login = [r for r in rows if "login" in r.types]
    otp = [r for r in rows if "otp" in r.types]
    without = [r for r in rows if not r.types & {"login", "otp"}]
    bait = [r for r in without if r.types & {"signup", "change", "reset", "nonlogin"}]
    core = [r for r in login if r.roles.keys() & {"username", "password"}]
    out = {
        "login recognised": share(single("login"), lambda r: r.kind in LOGIN_KINDS),
        "login and sure": share(single("login"), lambda r: r.fills),
        "otp recognised": share(otp, lambda r: r.kind == "otp"),
        "sign-up recognised": share(single("signup"), lambda r: r.kind == "signup"),
        "reset recognised": share(single("reset"), lambda r: r.kind == "reset"),
        "change recognised": share(single("change"), lambda r: r.kind == "change"),
        "false login": share(without, lambda r: r.kind in LOGIN_KINDS),
        "would fill sign-up/change/reset": share(bait, lambda r: r.fills),
        "whole login form right": share(
            core, lambda r: all(r.roles.get(x, "right") == "right" for x in ("username", "password", "submit"))
        ),
    }
    for role in _ROLES:
        have = [r for r in [*login, *(x for x in otp if x not in login)] if role in r.roles]
        out[f"{role} right"] = share(have, lambda r, role=role: r.roles[role] == "right")
    return out
