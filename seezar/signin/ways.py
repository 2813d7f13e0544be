"""What stands in the way or beside it: cookie banners, terms, account choosers, and other ways to prove who one is."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from seezar.signin.fields import TEXTUAL, FieldView
from seezar.signin.forms import ButtonView
from seezar.signin.reading import Method
from seezar.signin.scan import FrameScan
from seezar.signin.words import concepts_of

_CONTROL_MAX_CHARS: Final = 60
_TILE_MAX_CHARS: Final = 120
_FULL: Final = 0.5  # share of a control's letters that a phrase must cover to be what the control is for
_PART: Final = 0.25  # the same for one of several things that a control says
_SHORT_PAGE: Final = 1_500  # characters of visible text
_BANNER_FRAME: Final = 3_000  # of a frame that holds nothing but a banner
# How much a control of a cookie banner gives away: the least is pressed.
_REJECTS: Final = 3.0
_CLOSES: Final = 2.0
_ACCEPTS: Final = 1.0


@dataclass(eq=False)
class Spot:
    """A control, or a box to tick, with the index of the look that it is in."""

    frame: int
    view: ButtonView | FieldView


@dataclass(eq=False)
class Ways:
    """Controls that are no part of a form for credentials.

    `consent_accepts`: the banner has nothing that gives less than a yes. `confirm`: what sends a chosen method, where
    it is chosen by a radio button.
    """

    consent: Spot | None = None
    consent_accepts: bool = False
    terms: Spot | None = None
    terms_box: Spot | None = None
    tile: Spot | None = None
    another_account: Spot | None = None
    password_way: Spot | None = None
    other_way: Spot | None = None
    methods: dict[Method, Spot] = field(default_factory=dict["Method", "Spot"])
    confirm: Spot | None = None


def ways_of(scans: list[FrameScan], foreign: Collection[int], username: str) -> Ways:
    """Collect them.

    Args:
        foreign: indexes of frames that may not lead anywhere; their cookie banners count all the same.
        username: of the account, for the tile that carries it; may be empty.
    """
    ways = Ways()
    _find_consent(ways, scans)
    own = [i for i in range(len(scans)) if i not in foreign]
    headed = {c for i in own for c in headed_of(scans[i])}
    for i in own:
        _find_terms(ways, i, scans[i])
        _find_accounts(ways, i, scans[i], headed, username.casefold())
        _find_other_ways(ways, i, scans[i])
    _find_methods(ways, {i: scans[i] for i in own}, headed)
    return ways


def headed_of(scan: FrameScan) -> set[str]:
    """Concepts of a frame's title and headings."""
    return concepts_of(scan.title).keys() | {c for h in scan.headings for c in concepts_of(h.text)}


def is_cookie_layer(view: ButtonView) -> bool:
    """Whether a control is part of a cookie banner."""
    return "cookies" in concepts_of(view.raw.layer)


def _controls(scan: FrameScan, size: int = _CONTROL_MAX_CHARS) -> Iterator[ButtonView]:
    for raw in scan.buttons:
        view = ButtonView(raw)
        if view.usable and not raw.disabled and len(raw.text) <= size:
            yield view


def _find_consent(ways: Ways, scans: list[FrameScan]) -> None:
    best = 0.0
    for i, scan in enumerate(scans):
        banner_frame = i > 0 and len(scan.text) + scan.longer < _BANNER_FRAME and "cookies" in concepts_of(scan.text)
        for view in _controls(scan):
            if view.leads_away or not (is_cookie_layer(view) or banner_frame):
                continue
            gives = _gives(view.said)
            if gives > best:
                best = gives
                ways.consent, ways.consent_accepts = Spot(i, view), gives < _CLOSES


def _gives(said: Mapping[str, float]) -> float:
    """How little a control of a banner gives away; 0 when it is no answer to it."""
    if (share := said.get("reject_cookies", 0.0)) >= _PART:
        return _REJECTS + share
    if (share := said.get("back", 0.0)) >= _FULL:
        return _CLOSES + share
    if (share := max(said.get("accept", 0.0), said.get("yes", 0.0), said.get("next", 0.0))) >= _FULL:
        return _ACCEPTS + share
    return 0.0


def _find_terms(ways: Ways, index: int, scan: FrameScan) -> None:
    """Terms to accept on a page that asks for nothing to be typed."""
    if ways.terms is not None or any(not f.why and f.type in (*TEXTUAL, "password") for f in scan.fields):
        return
    boxes = [FieldView(f) for f in scan.fields if not f.why and f.type == "checkbox"]
    box = next((b for b in boxes if "terms" in b.all or "terms" in b.near), None)
    if box is None and "terms" not in headed_of(scan):
        return
    best = 0.0
    for view in _controls(scan):
        said = view.said
        if (view.raw.link and view.leads_away) or is_cookie_layer(view) or said.keys() & {"decline", "reject_cookies"}:
            continue
        score = said.get("accept", 0.0) + (0.5 * said.get("next", 0.0) if box is not None else 0.0)
        if score > max(best, _PART):
            best = score
            ways.terms = Spot(index, view)
            ways.terms_box = Spot(index, box) if box is not None else None


def _find_accounts(ways: Ways, index: int, scan: FrameScan, headed: set[str], username: str) -> None:
    """The tile of the account, and the way to another one."""
    controls = list(_controls(scan, _TILE_MAX_CHARS))
    another = max(controls, key=lambda v: v.said.get("choose_account", 0.0), default=None)
    if another is not None and another.said.get("choose_account", 0.0) >= _FULL and ways.another_account is None:
        ways.another_account = Spot(index, another)
    if not username or ways.tile is not None or not ("choose_account" in headed or ways.another_account):
        return
    # As a whole: another account's name may end or begin with it.
    named = re.compile(rf"(?<![\w.@+-]){re.escape(username)}(?![\w@+-]|\.\w)")
    tiles = [v for v in controls if named.search(f"{v.raw.text} {v.raw.aria}".casefold()) and "logout" not in v.said]
    if len(tiles) == 1:
        ways.tile = Spot(index, tiles[0])


def _find_other_ways(ways: Ways, index: int, scan: FrameScan) -> None:
    elsewhere = {"forgot", "reset", "signup", "change", "show_password", "logout"}
    for view in _controls(scan):
        said = view.said
        if ways.password_way is None and said.get("password_way", 0.0) >= _FULL and not said.keys() & elsewhere:
            ways.password_way = Spot(index, view)
        if ways.other_way is None and said.get("other_way", 0.0) >= _FULL and "sso" not in said:
            ways.other_way = Spot(index, view)


def _find_methods(ways: Ways, scans: Mapping[int, FrameScan], headed: set[str]) -> None:
    """Ways to get a code, on a page that lets one choose: it says so, or there are two at least."""
    found: dict[Method, Spot] = {}
    for i, scan in scans.items():
        if len(scan.text) + scan.longer > _SHORT_PAGE:
            continue
        for view in _controls(scan, _TILE_MAX_CHARS):
            method = method_of(view.said, view.raw.text)
            if method is not None and not view.said.keys() & {"signup", "logout", "resend"}:
                found.setdefault(method, Spot(i, view))
        for raw in scan.fields:
            view_of_field = FieldView(raw)
            if raw.type == "radio" and view_of_field.usable:
                meant = {**view_of_field.near, **view_of_field.said}
                method = method_of(meant, f"{raw.label} {raw.after}")
                if method is not None:
                    found[method] = Spot(i, view_of_field)
    if found.keys() == {"totp"} and (other := _sends_a_code(scans)) is not None:
        found["email"] = other
    # A radio button beside a control that sends a code is for it, wherever they stand.
    ticked = any(isinstance(spot.view, FieldView) for spot in found.values())
    sends = ticked and _sends_a_code(scans) is not None
    chosen_between = sends or headed & {"choose_method", "code", "verify", "other_way"}
    if not found or not (chosen_between or len(found) > 1) or ("login" in headed - {"code"} and not chosen_between):
        return
    ways.methods = found
    if ticked:
        ways.confirm = _confirm(scans)


def _sends_a_code(scans: Mapping[int, FrameScan]) -> Spot | None:
    """A control that sends a code and does not say which way: beside the app's that is the mail."""
    for i, scan in scans.items():
        for view in _controls(scan):
            said = view.said
            if said.get("send_code", 0.0) >= _FULL and not said.keys() & {"resend", "by_app", "by_sms"}:
                return Spot(i, view)
    return None


def method_of(said: Mapping[str, float], text: str) -> Method | None:
    """Which way to get a code a control stands for."""
    if said.get("by_app", 0.0) >= _PART:
        return "totp"
    if said.get("by_sms", 0.0) >= _PART:
        return "sms"
    if "email" in said or "@" in text:
        return "email"
    return None


def _confirm(scans: Mapping[int, FrameScan]) -> Spot | None:
    """What sends the choice."""
    best: tuple[float, Spot] | None = None
    for i, scan in scans.items():
        for view in _controls(scan):
            said = view.said
            score = max(said.get("next", 0.0), said.get("verify", 0.0), said.get("send_code", 0.0))
            score += 0.2 if view.submits else 0.0
            if score >= _FULL and "back" not in said and not view.raw.link and (best is None or score > best[0]):
                best = (score, Spot(i, view))
    return best[1] if best else None
