"""Which field and which button of a form plays which part."""

from dataclasses import dataclass, field
from typing import Final

from seezar.signin.fields import FieldView
from seezar.signin.forms import ButtonView, FormView

_STRONG_CODE: Final = 0.5
_WEAK_SUBMIT: Final = 2.5
# Points of a candidate for the button that sends the form, by what its words mean.
_WANTED: Final = {"login": 5.0, "next": 3.0, "verify": 3.0}
# A form without a password is sent for a link or a code by mail; another button of it may lead to the password.
_WANTED_WITHOUT_PASSWORD: Final = {**_WANTED, "magic_link": 2.5, "send_code": 2.5, "password_way": -6.0}
_UNWANTED: Final = {
    "forgot": 6.0,
    "signup": 4.0,
    "sso": 6.0,
    "passkey": 5.0,
    "show_password": 6.0,
    "back": 5.0,
    "resend": 6.0,
    "search": 4.0,
    "send_code": 5.0,
    "magic_link": 4.0,
    "newsletter": 4.0,
    "terms": 3.0,
    "backup_code": 5.0,
    "cookies": 4.0,
    "logout": 4.0,
}


@dataclass(eq=False)
class Roles:
    """Parts of one form. `device` is a list beside the code, of where it comes from, in which nothing is chosen."""

    username: FieldView | None = None
    password: FieldView | None = None
    otp: list[FieldView] = field(default_factory=list[FieldView])
    device: FieldView | None = None
    submit: ButtonView | None = None
    remember: FieldView | None = None


def login_roles(form: FormView) -> Roles:
    """Parts of a login form; any of them may be missing."""
    password = _password(form)
    username = _username(form, password)
    roles = Roles(username=username, password=password, remember=_remember(form))
    if password is not None:
        code = [f for f in form.code_fields if f is not username and f is not password and f.code_score >= _STRONG_CODE]
        roles.otp = code if code and code[0].raw.pos > password.raw.pos else []
        roles.device = _device(form) if roles.otp else None
    wanted = _WANTED if form.passwords else _WANTED_WITHOUT_PASSWORD
    roles.submit = submit_of(form, (roles.otp[-1] if roles.otp else None) or password or username, wanted=wanted)
    return roles


def otp_roles(form: FormView) -> Roles:
    """Parts of a form that asks for a one-time code."""
    code = form.code_fields or form.texts[-1:] or form.passwords[:1]
    wanted = {"login": 3.5, "next": 4.0, "verify": 5.0, "code": 1.0}
    submit = submit_of(form, code[-1] if code else None, wanted=wanted)
    return Roles(otp=code, submit=submit, remember=_remember(form), device=_device(form))


def _device(form: FormView) -> FieldView | None:
    return next((f for f in form.fields if f.raw.tag == "select" and not f.raw.filled), None)


def _password(form: FormView) -> FieldView | None:
    fitting = [f for f in form.passwords if not f.wants_new_password] or form.passwords
    declared = [f for f in fitting if f.token == "current-password"]
    return (declared or fitting)[0] if fitting else None


def _username(form: FormView, password: FieldView | None) -> FieldView | None:
    best: tuple[float, FieldView] | None = None
    before = [f for f in form.texts if password is None or f.raw.pos < password.raw.pos]
    nearest = before[-1] if before and password is not None else None
    for candidate in form.texts:
        score = candidate.username_score
        if score <= 0:
            continue
        if password is not None:
            score += 0.35 if candidate is nearest else 0.0
            score -= 0.5 if candidate not in before else 0.0
        if best is None or score > best[0] + 1e-9:
            best = (score, candidate)
    return best[1] if best else None


def _remember(form: FormView) -> FieldView | None:
    said = next((f for f in form.fields if f.is_remember), None)
    if said is not None:
        return said
    # The one box to tick of a login form, in words that the vocabulary lacks.
    boxes = [f for f in form.fields if f.raw.type == "checkbox"]
    other = {"terms", "newsletter", "show_password", "captcha", "personal", "contact", "signup", "cookies"}
    if len(boxes) == 1 and form.passwords and boxes[0].raw.pos > form.passwords[0].raw.pos:
        return None if other & (boxes[0].all.keys() | boxes[0].near.keys()) else boxes[0]
    return None


def submit_of(form: FormView, last: FieldView | None, *, wanted: dict[str, float]) -> ButtonView | None:
    """The button that sends the form, judged by its words, its type and where it stands after the `last` field."""
    best: tuple[float, ButtonView] | None = None
    after = 0
    for button in form.buttons:
        behind = last is not None and button.raw.pos > last.raw.pos
        score = button_score(button, wanted)
        if behind:
            score += 1.5 - min(after, 6) * 0.2
            after += 0 if button.raw.link else 1
        if score > 0.5 and (best is None or score > best[0]):
            best = (score, button)
    if best is None or best[0] < _WEAK_SUBMIT:
        for button in form.following:
            score = button_score(button, wanted) - 0.5
            if score > 1.5 and (best is None or score > best[0]):
                best = (score, button)
    return best[1] if best else None


def button_score(button: ButtonView, wanted: dict[str, float]) -> float:
    """How much a button looks like the one that sends a form, by itself."""
    raw = button.raw
    score = 2.0 if button.submits else 0.5 if not raw.link else -1.0
    if button.leads_away:
        score -= 5.0
    words = button.said
    points_of = [points * (0.5 + 0.5 * words[c]) for c, points in wanted.items() if c in words]
    score += min(points_of) if points_of and min(points_of) < 0 else max(points_of, default=0.0)
    score -= max((points for c, points in _UNWANTED.items() if c in words and c not in wanted), default=0.0)
    names = button.named
    score += 1.0 if names.keys() & {"login", "next", "verify"} else 0.0
    score -= 2.0 if names.keys() & {"forgot", "show_password", "sso", "search", "back"} else 0.0
    if not raw.text and not raw.aria and not raw.title and raw.type != "image":
        score -= 1.0
    if raw.type == "reset":
        score -= 5.0
    return score
