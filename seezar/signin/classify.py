"""What kind of page it is: the model judges each form, rules stand above it, and the words of a page without a form
decide the rest.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from seezar.signin.features import form_features, heading_of
from seezar.signin.forms import FormView, forms_of
from seezar.signin.model import Model, model
from seezar.signin.offers import Offers, offers_of
from seezar.signin.reading import Kind
from seezar.signin.roles import Roles, login_roles, otp_roles
from seezar.signin.scan import FrameScan
from seezar.signin.signs import Signs, signs_of
from seezar.signin.ways import Ways, ways_of
from seezar.signin.words import concepts_of, concepts_of_identifier

# A login form on the page wins over a registration beside it as soon as it is more likely a login than not.
_PRESENT: Final = 0.5
_REASONS: Final = 4
_LIKELIEST: Final = 0.3
_TITLED: Final = 0.15  # enough for a registration on a page that is headed as one
_USERNAME_STEP: Final = 0.8
_NAMED: Final = 0.6
_NOT_A_SIGN_IN: Final = frozenset(
    {"reset", "forgot", "newsletter", "signup", "search", "contact", "change", "payment", "code"}
)
# Buttons that send the name off for a link or a code; their words are near those of a reset ("email me ...").
_MAILING: Final = frozenset({"magic_link", "send_code"})
_SURELY: Final = 0.9
_DECLARED: Final = 0.9  # boxes of one character each, or a field declared as a one-time code
_LONE_CODE: Final = 0.8  # a lone field for a code under words about a one-time code
_CARET_PX: Final = 16  # a list drawn by a script keeps a box for the keyboard that is no wider than its caret
_VEILED: Final = 0.7  # under an overlay: what lies on top must be dealt with first


@dataclass(eq=False)
class Verdict:
    """The answer for one page, in terms of its looks. `frame` is the index of the look that holds the parts."""

    kind: Kind
    confidence: float
    frame: int = 0
    roles: Roles = field(default_factory=Roles)
    evidence: list[str] = field(default_factory=list[str])
    offers: Offers = field(default_factory=Offers)
    ways: Ways = field(default_factory=Ways)
    signs: Signs = field(default_factory=Signs)
    signature: str = ""


@dataclass(eq=False)
class _Judged:
    frame: int
    form: FormView
    chances: dict[str, float]
    reasons: list[str]

    def chance(self, label: str) -> float:
        return self.chances[label]


def classify(
    scans: list[FrameScan],
    weights: Model | None = None,
    *,
    foreign: frozenset[int] = frozenset(),
    username: str = "",
) -> Verdict:
    """Kind, confidence and parts of a page from the looks at its frames (the main frame first).

    Args:
        weights: the model to use instead of the package's own; training measures with it.
        foreign: indexes of frames that nothing may be typed into; their forms count only where there is no other.
        username: of the account, to know its tile by; may be empty.
    """
    judge = weights or model()
    judged: list[_Judged] = []
    for i, scan in enumerate(scans):
        forms = forms_of(scan)
        judged += [_judge(i, form, forms, judge) for form in forms]
    ways = ways_of(scans, foreign, username)
    offers = offers_of(scans, foreign, ways)
    own = [j for j in judged if j.frame not in foreign]
    found = _login(own) or _otp(own) or _login(judged) or _otp(judged) or _other_form(judged)
    if found is None:
        kind, confidence, evidence = offers.kind_without_form(scans)
        found = Verdict(kind, confidence, evidence=evidence)
    found.offers, found.ways, found.signs = offers, ways, signs_of(scans, foreign)
    return found


def _judge(frame: int, form: FormView, forms: list[FormView], judge: Model) -> _Judged:
    features = form_features(form, forms)
    chances = judge.probabilities(features)
    impossible: list[str] = []
    reasons: list[str] = []
    if len(form.passwords) >= 2:
        impossible.append("login")
        reasons.append("two or more password fields")
    elif any(f.says_new_password for f in form.passwords):
        impossible.append("login")
        reasons.append("asks for a new password")
    elif not form.passwords and not any(f.username_score > 0.2 for f in form.texts):
        impossible.append("login")
    if not form.code_fields:
        impossible.append("otp")
    if not form.passwords:
        impossible.append("change")
    for label in impossible:
        chances[label] = 0.0
    if "login" not in impossible and _is_username_step(form) and chances["login"] < _USERNAME_STEP:
        rest = 1.0 - chances["login"]
        chances = {label: chance * (1 - _USERNAME_STEP) / rest for label, chance in chances.items()}
        chances["login"] = _USERNAME_STEP
        reasons.append("a lone account name under words of a sign-in")
    total = sum(chances.values()) or 1.0
    chances = {label: chance / total for label, chance in chances.items()}
    best = max(chances, key=lambda label: chances[label])
    return _Judged(frame, form, chances, reasons + judge.reasons(features, best, _REASONS))


def _is_username_step(form: FormView) -> bool:
    """Whether it is the first step of a sign-in: a lone account name, words of a sign-in, and none that say otherwise.

    Such forms are too rare in old collections for the model to be sure of them.
    """
    asked = [f for f in form.texts if not f.raw.readonly]
    if form.passwords or len(asked) != 1 or len(form.fields) - form.ticks > 1 or asked[0].username_score < _NAMED:
        return False
    pressed = {
        c
        for b in (form.buttons or form.following)
        if not b.raw.link and "sso" not in b.said
        for c in (b.said if not b.said.keys() & _MAILING else b.said.keys() & _MAILING)
        if c not in ("passkey", "password_way")
    }
    headed = (
        concepts_of(heading_of(form)).keys() | concepts_of(form.raw.aria).keys() | concepts_of(form.raw.dialog).keys()
    )
    mailing = bool(pressed & _MAILING)
    if mailing and "login" in headed:
        # "E-mail me a sign-in code" is what such a form is headed with; those words are near the ones of a reset.
        headed -= {"code", "magic_link", "reset"}
    page = concepts_of(form.scan.title).keys() | headed
    target = concepts_of_identifier(form.raw.action).keys()
    own = headed | (pressed - {"signup"} if "login" in page else pressed)
    if (
        own & _NOT_A_SIGN_IN
        or (page | target) & {"forgot", "reset", "change", "newsletter"}
        or "have_account" in form.words
    ):
        return False
    if "signup" in headed or "signup" in concepts_of(form.scan.title):
        return False
    signing_in = "login" in page or asked[0].token == "username" or (mailing and _beside_another_way(form))
    return bool(pressed & {"login", "next", *_MAILING}) and signing_in


def _beside_another_way(form: FormView) -> bool:
    """Whether the page offers to sign in another way, and nothing on it is about a forgotten password: many a page has
    its title in no heading.
    """
    if form.words.keys() & {"forgot", "reset", "change", "newsletter"}:
        return False
    return any(c.said.keys() & {"login", "password_way"} and "logout" not in c.said for c in form.controls)


def _login(judged: list[_Judged]) -> Verdict | None:
    candidates = [(j.chance("login") + _standing(j.form), j) for j in judged if j.chance("login") >= _PRESENT]
    if not candidates:
        return None
    _, best = max(candidates, key=lambda c: c[0])
    roles = login_roles(best.form)
    if roles.password is None and roles.username is None:
        return None
    confidence = best.chance("login")
    if best.form.veiled:
        confidence = min(confidence, _VEILED)
    kind: Kind = "password" if roles.username is None else "username" if roles.password is None else "login"
    if kind == "login" and roles.username is not None and roles.username.raw.readonly:
        kind = "password"
    return _verdict(kind, confidence, best, roles)


def _otp(judged: list[_Judged]) -> Verdict | None:
    candidates = [(_code_chance(j), j) for j in judged if _code_chance(j) >= _PRESENT]
    if not candidates:
        return None
    likely, best = max(candidates, key=lambda c: c[0])
    roles = otp_roles(best.form)
    return _verdict("otp", likely, best, roles) if roles.otp else None


def _code_chance(judged: _Judged) -> float:
    """The model's chance of a code form, raised where the fields leave no other reading."""
    form = judged.form
    code = form.code_fields
    if not code or form.passwords:
        return judged.chance("otp")
    if judged.chance("other") < _SURELY and (form.split_code or code[0].token == "one-time-code"):
        return max(judged.chance("otp"), _DECLARED)
    asked = [f for f in form.texts if not f.raw.readonly and f.raw.box[2] > _CARET_PX]
    if len(asked) <= 1 and code[0].code_score >= 0.5 and "code" in form.words:
        return max(judged.chance("otp"), _LONE_CODE)
    return judged.chance("otp")


def _other_form(judged: list[_Judged]) -> Verdict | None:
    """Registration, change or reset, when one is likely there. It costs nothing to be wrong: these are never filled."""
    kinds: tuple[Kind, ...] = ("signup", "change", "reset")
    best: tuple[float, Kind, _Judged] | None = None
    for j in judged:
        titled = _is_titled_signup(j.form)
        for kind in kinds:
            chance = j.chance(kind)
            likely = 1.0 - j.chance("other") >= _PRESENT and chance >= _LIKELIEST
            if (likely or (kind == "signup" and titled and chance >= _TITLED)) and (best is None or chance > best[0]):
                best = (chance, kind, j)
    return _verdict(best[1], best[0], best[2], Roles()) if best else None


def _is_titled_signup(form: FormView) -> bool:
    """Whether the page is headed as a registration, and only as that."""
    headed = concepts_of(form.scan.title).keys() | concepts_of(heading_of(form)).keys()
    headed |= concepts_of_identifier(form.raw.action).keys()
    return "signup" in headed and not headed & {"login", "newsletter", "reset", "forgot"}


def _standing(form: FormView) -> float:
    """A small preference among several login forms: the one in front, else the one in the middle of the page."""
    raw = form.raw
    bonus = 0.15 if raw.dialog else 0.0
    bonus -= 0.04 if raw.landmark in ("header", "footer", "aside") else 0.0
    bonus += 0.03 if any(f.raw.focused for f in form.fields) else 0.0
    bonus += 0.05 if form.passwords else 0.0
    bonus += 0.03 if any("login" in concepts_of(text) for text in (raw.heading, raw.aria)) else 0.0
    bonus -= 0.3 if form.veiled else 0.0
    return bonus


def _verdict(kind: Kind, confidence: float, judged: _Judged, roles: Roles) -> Verdict:
    return Verdict(kind, round(confidence, 4), judged.frame, roles, judged.reasons, signature=signature_of(judged.form))


def signature_of(form: FormView) -> str:
    """Hash of a form's shape: kinds, names and ids of its fields, and how many buttons; no value, no wording."""
    shape = [f"{f.raw.tag},{f.raw.type},{f.raw.name},{_stable(f.raw.id)}" for f in form.fields]
    return hashlib.sha256("|".join(shape).encode()).hexdigest()[:24]


def _stable(ident: str) -> str:
    """An id without its counters: frameworks number their elements anew on every visit."""
    return "".join("0" if c.isdigit() else c for c in ident) if not ident.startswith(":") else ""
