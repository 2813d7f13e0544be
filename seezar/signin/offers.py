"""What a page offers besides a form: openers, other ways in, a challenge, a message, a session that is already
there.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from seezar.signin.forms import ButtonView
from seezar.signin.reading import Kind
from seezar.signin.scan import FrameScan
from seezar.signin.ways import Ways, headed_of, is_cookie_layer
from seezar.signin.words import concepts_of, concepts_of_identifier

_SHORT_PAGE: Final = 1_500  # characters of visible text
_CHALLENGE_MIN_PX: Final = 60
_CONTROL_MAX_CHARS: Final = 60
_ACCOUNT: Final = 0.8  # the same for a control that names nothing but an account area
# A link to a sign-out that says one of these ends a sign-in that is not through yet ("Cancel", "Back to sign in").
NO_SIGN_OUT: Final = frozenset({"back", "go_back", "decline", "login", "choose_account"})
_FULL: Final = 0.5  # share of a control's letters that a phrase must cover to be what the control is for


@dataclass(eq=False)
class Offer:
    """A control with the index of the look that it is in."""

    frame: int
    view: ButtonView


@dataclass(eq=False)
class Offers:
    """Controls and signs outside the judged forms. `weak_opener`: the opener only names an account area."""

    opener: Offer | None = None
    weak_opener: bool = False
    resend: Offer | None = None
    send_code: Offer | None = None
    trust: Offer | None = None
    skip: Offer | None = None
    cancel: Offer | None = None
    account: Offer | None = None
    captcha: bool = False
    challenge_only: bool = False
    passkey: bool = False
    link_sent: float = 0.0
    sso: int = 0
    logout: float = 0.0
    account_words: int = 0
    login_words: bool = False
    evidence: list[str] = field(default_factory=list[str])

    def kind_without_form(self, scans: list[FrameScan]) -> tuple[Kind, float, list[str]]:
        """Kind, confidence and reasons of a page on which no form of interest was found."""
        if self.challenge_only:
            return "captcha", 0.9, ["a challenge and no form"]
        if self.link_sent >= 0.5 and self.logout < 0.5:
            return "await_link", 0.5 + 0.4 * self.link_sent, ["says that a link was sent by mail"]
        if self.logout >= 0.5:
            return "signed_in", self.logout, ["a control to sign out"]
        if self.sso and self.login_words and not self.passkey and (self.opener is None or self.weak_opener):
            return "sso", 0.8, [f"{self.sso} ways in through another provider and no form"]
        if self.account_words >= 2 and not self.login_words and (self.opener is None or self.weak_opener):
            return "signed_in", 0.65, ["words of an account area and no way to sign in"]
        return "other", 0.7 if scans and scans[0].text else 0.3, ["no form and no sign of a session"]


def offers_of(scans: list[FrameScan], foreign: Collection[int], ways: Ways) -> Offers:
    """Collect what the frames offer; of foreign frames only whether they show a challenge."""
    offers = Offers()
    best: dict[str, float] = {}
    for i, scan in enumerate(scans):
        for raw in scan.buttons if i not in foreign else []:
            if len(raw.text) > _CONTROL_MAX_CHARS:
                continue
            view = ButtonView(raw)
            _read_control(offers, best, Offer(i, view))
        _read_signs(offers, scan)
    headed = headed_of(scans[0])
    offers.login_words = "login" in headed or offers.login_words
    offers.challenge_only = offers.captcha and _is_challenge_page(scans)
    if offers.skip is None and headed & {"passkey", "trust_device", "remember"}:
        offers.skip = offers.cancel
    if _asks_to_stay(scans):
        _answers(offers, scans)
    if offers.opener is None and ways.another_account is not None and isinstance(ways.another_account.view, ButtonView):
        offers.opener = Offer(ways.another_account.frame, ways.another_account.view)
    if offers.opener is None and offers.account is not None:
        offers.opener, offers.weak_opener = offers.account, True
    for scan in scans:
        for link in scan.tucked:
            text, _, href = link.partition("\t")
            words = concepts_of(text)
            named = "logout" in concepts_of_identifier(href) and not words.keys() & NO_SIGN_OUT
            if words.get("logout", 0.0) >= _FULL or named:
                offers.logout = max(offers.logout, 0.75)
    return offers


def _asks_to_stay(scans: list[FrameScan]) -> bool:
    """Whether a heading asks to stay signed in or to trust the device."""
    return any({"trust_device", "remember"} & concepts_of(h.text).keys() for scan in scans for h in scan.headings)


def _answers(offers: Offers, scans: list[FrameScan]) -> None:
    """Plain yes and no, which mean something only below such a heading."""
    for i, scan in enumerate(scans):
        for raw in scan.buttons:
            view = ButtonView(raw)
            if not view.usable or raw.link:
                continue
            if view.said.get("yes", 0.0) >= _FULL and offers.trust is None:
                offers.trust = Offer(i, view)
            elif view.said.get("no", 0.0) >= _FULL and offers.skip is None:
                offers.skip = Offer(i, view)


def _read_control(offers: Offers, best: dict[str, float], offer: Offer) -> None:
    view = offer.view
    said = view.said
    named = view.raw.link and "logout" in concepts_of_identifier(view.raw.href[:80])
    if said.get("logout", 0.0) >= _FULL or (named and not said.keys() & NO_SIGN_OUT):
        offers.logout = max(offers.logout, 0.9 if not view.raw.why else 0.75)
    if not view.usable:
        return
    if "account_area" in said and said["account_area"] >= _FULL:
        offers.account_words += 1
    if "sso" in said:
        offers.sso += 1
    if "passkey" in said and "back" not in said:
        offers.passkey = True

    _keep_parts(offers, best, offer)


def _keep_parts(offers: Offers, best: dict[str, float], offer: Offer) -> None:
    """Remember the control under each part that it plays better than those before it."""
    view = offer.view
    said = view.said
    scores: dict[str, float] = {}
    if "login" in said and not said.keys() & {"sso", "forgot", "signup", "passkey", "logout", "back"}:
        scores["opener"] = said["login"] + (0.0 if view.leads_away else 0.3) + (0.2 if view.raw.popup else 0.0)
        scores["opener"] -= 0.5 if view.submits and view.raw.group >= 0 else 0.0
    if "resend" in said:
        scores["resend"] = said["resend"]
    elif "send_code" in said and "search" not in said:
        scores["send_code"] = said["send_code"]
    declined = said.get("decline", 0.0)
    if "trust_device" in said and declined < said["trust_device"]:
        scores["trust"] = said["trust_device"]
    dismissed = max(declined, said.get("back", 0.0))
    if dismissed >= _FULL and not is_cookie_layer(view):
        scores["cancel" if said.get("go_back", 0.0) >= _FULL else "skip"] = dismissed
    if said.get("account_area", 0.0) >= _ACCOUNT and "logout" not in said:
        scores["account"] = said["account_area"] + (0.3 if view.raw.popup else 0.0)
    for name, score in scores.items():
        if score > best.get(name, 0.0):
            best[name] = score
            setattr(offers, name, offer)


def _read_signs(offers: Offers, scan: FrameScan) -> None:
    for challenge in scan.challenges:
        box = challenge["box"]
        if box[2] >= _CHALLENGE_MIN_PX and box[3] >= _CHALLENGE_MIN_PX / 2:
            offers.captcha = True
    for frame in scan.frames:
        if frame["why"]:
            continue
        named = (
            concepts_of_identifier(f"{frame['src'][:160]} {frame['name']}").keys() | concepts_of(frame["title"]).keys()
        )
        if "captcha" in named and frame["box"][2] >= 100 and frame["box"][3] >= _CHALLENGE_MIN_PX:
            offers.captcha = True
    headings = {c for h in scan.headings for c in concepts_of(h.text)} | concepts_of(scan.title).keys()
    size = len(scan.text) + scan.longer
    if "captcha" in headings or (size < 600 and "captcha" in concepts_of(scan.text)):
        offers.captcha = True
    if "link_sent" in headings:
        offers.link_sent = 1.0
    elif size < _SHORT_PAGE and "link_sent" in concepts_of(scan.text):
        offers.link_sent = max(offers.link_sent, 0.8)


def _is_challenge_page(scans: list[FrameScan]) -> bool:
    """A page that shows a challenge and little else: no field but the challenge's own."""
    main = scans[0]
    fields = [f for f in main.fields if not f.why and f.type not in ("checkbox", "radio")]
    return len(main.text) + main.longer < _SHORT_PAGE and len(fields) <= 1
