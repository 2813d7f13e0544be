"""What the model is told about a form: counts, declarations, and concepts of the words at each place, as named numbers.

Nothing here names a site or a sentence: words enter only as concepts of the vocabulary.
"""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from seezar.signin.fields import merged
from seezar.signin.forms import FormView
from seezar.signin.words import concepts_of, concepts_of_identifier

# Concepts told to the model for each place where words stand.
_BUTTON: Final = (
    "login",
    "signup",
    "forgot",
    "reset",
    "change",
    "next",
    "verify",
    "search",
    "newsletter",
    "contact",
    "send_code",
    "magic_link",
    "payment",
    "sso",
    "resend",
    "back",
    "passkey",
    "code",
)
_HEADING: Final = (
    "login",
    "signup",
    "forgot",
    "reset",
    "change",
    "new_password",
    "code",
    "search",
    "newsletter",
    "contact",
    "personal",
    "payment",
    "account_area",
    "link_sent",
    "verify",
    "password",
    "username",
    "passkey",
)
_NAME: Final = (
    "login",
    "signup",
    "forgot",
    "reset",
    "change",
    "code",
    "search",
    "newsletter",
    "contact",
    "payment",
    "password",
    "personal",
    "username",
)
_TEXT: Final = (
    "have_account",
    "no_account",
    "login",
    "signup",
    "forgot",
    "reset",
    "code",
    "terms",
    "link_sent",
    "new_password",
    "resend",
    "payment",
    "passkey",
    "backup_code",
    "sso",
    "remember",
    "magic_link",
)
_FIELD: Final = (
    "code",
    "plain_code",
    "search",
    "newsletter",
    "contact",
    "payment",
    "terms",
    "personal",
    "email",
    "phone",
    "username",
    "login",
    "signup",
    "change",
    "new_password",
    "confirm_password",
)
_PAGE: Final = ("login", "signup", "forgot", "reset", "change", "code", "contact", "search", "payment", "account_area")


def _most(found: Iterable[Mapping[str, float]]) -> dict[str, float]:
    out: dict[str, float] = {}
    for one in found:
        for concept, share in one.items():
            out[concept] = max(out.get(concept, 0.0), share)
    return out


def _tell(
    out: dict[str, float], place: str, concepts: tuple[str, ...], found: Mapping[str, float], *, grade: bool = False
) -> None:
    for concept in concepts:
        share = found.get(concept)
        if share is not None:
            out[f"{place}:{concept}"] = 0.5 + 0.5 * share if grade else 1.0


def _steps(out: dict[str, float], name: str, count: int, top: int) -> None:
    """A count as one number for each value, the last meaning "or more"."""
    out[f"{name}={min(count, top)}"] = 1.0


def form_features(form: FormView, others: list[FormView]) -> dict[str, float]:
    """Features of one form among the forms of its frame. Absent features are zero."""
    out: dict[str, float] = {}
    _count_fields(form, out)
    _read_buttons(form, out)
    _read_words(form, out)
    _read_page(form, others, out)
    _cross(form, out)
    return out


def _cross(form: FormView, out: dict[str, float]) -> None:
    """The same words mean other things on a form with a lone name than on one with a password: tell them apart."""
    passwords = len(form.passwords)
    asked = sum(not f.raw.readonly for f in form.texts)
    shape = "one-password" if passwords == 1 else "lone-name" if passwords == 0 and asked == 1 else ""
    if not shape:
        return
    for place in ("button", "heading", "page-heading", "text", "action", "title"):
        for concept in (
            "login",
            "signup",
            "forgot",
            "reset",
            "change",
            "next",
            "newsletter",
            "search",
            "code",
            "contact",
            "send_code",
            "have_account",
            "no_account",
        ):
            value = out.get(f"{place}:{concept}")
            if value is not None:
                out[f"{shape}&{place}:{concept}"] = value
    for name in (
        "terms",
        "new-password",
        "first:personal",
        "text:sso",
        "elsewhere:sso",
        "ac:username",
        "ac:webauthn",
        "hidden-password",
        "link:forgot",
        "link:signup",
    ):
        if name in out:
            out[f"{shape}&{name}"] = out[name]


def _count_fields(form: FormView, out: dict[str, float]) -> None:
    passwords = form.passwords
    texts = form.texts
    types = [f.raw.type for f in form.fields]
    _steps(out, "passwords", len(passwords), 3)
    _steps(out, "texts", len(texts), 5)
    _steps(out, "fields", sum(t not in ("checkbox", "radio") for t in types), 8)
    personal = [f for f in form.fields if f.is_personal]
    _steps(out, "personal", len(personal), 3)
    _steps(out, "boxes", types.count("checkbox"), 3)
    for type_ in ("select", "textarea", "radio", "file", "date", "search"):
        if type_ in types:
            out[f"has:{type_}"] = 1.0
    if types.count("select") > 1:
        out["selects>1"] = 1.0
    flags = {
        "email-typed": any(t == "email" for t in types),
        "new-password": any(f.wants_new_password for f in passwords),
        "old-password": any(f.wants_old_password for f in passwords),
        "ac:new-password": any(f.token == "new-password" for f in form.fields),
        "ac:current-password": any(f.token == "current-password" for f in form.fields),
        "ac:username": any(f.token == "username" for f in form.fields),
        "ac:one-time-code": any(f.token == "one-time-code" for f in form.fields),
        "ac:webauthn": any("webauthn" in f.raw.ac for f in form.fields),
        "remember": any(f.is_remember for f in form.fields),
        "terms": any("terms" in f.all or "terms" in f.near for f in form.fields if f.raw.type == "checkbox"),
        "captcha": any(f.is_captcha for f in form.fields),
        "split": bool(form.split_code),
        "hidden-password": form.hidden_passwords > 0,
        "readonly-name": any(f.raw.readonly and f.raw.filled for f in texts),
        "names>1": sum(f.username_score >= 0.6 for f in texts) > 1,
        "names=0": not any(f.username_score >= 0.6 for f in texts),
        "search-field": any(f.is_search for f in form.fields),
    }
    code = max((f.code_score for f in form.code_fields), default=0.0)
    if code:
        out["code-field"] = code
    out.update({name: 1.0 for name, on in flags.items() if on})
    _tell(out, "field", _FIELD, _most(f.all for f in form.fields if f.raw.type not in ("checkbox", "radio")))
    if passwords:
        _tell(
            out,
            "password",
            ("change", "new_password", "confirm_password", "reset", "signup", "login", "code"),
            _most(merged(f.all, f.near) for f in passwords),
        )
        if passwords[0].raw.described:
            out["password:described"] = 1.0
    if texts:
        first = _most([texts[0].all])
        _tell(out, "first", ("username", "email", "search", "newsletter", "code", "personal", "login"), first)


def _read_buttons(form: FormView, out: dict[str, float]) -> None:
    pressed = [b for b in form.buttons if not b.raw.link] or form.following[:2]
    _tell(out, "button", _BUTTON, _most(b.said for b in pressed), grade=True)
    _tell(
        out,
        "button-name",
        ("login", "signup", "search", "newsletter", "next", "reset"),
        _most(b.named for b in pressed),
    )
    submits = [b for b in pressed if b.submits]
    _steps(out, "submits", len(submits), 2)
    if submits:
        # What the page's author put last is what sends the form; helpers come before it.
        _tell(out, "submit", _BUTTON, submits[-1].said, grade=True)
    links = [b for b in form.buttons if b.raw.link]
    _tell(
        out,
        "link",
        ("login", "signup", "forgot", "sso", "terms", "logout", "resend", "magic_link", "remember"),
        _most(b.said for b in links),
    )
    _tell(out, "link-to", ("login", "signup", "forgot", "reset"), _most(b.target for b in links))


def heading_of(form: FormView) -> str:
    """The headings inside the form, else the nearest one before it."""
    before = [h for h in form.scan.headings if h.pos < form.raw.pos]
    return form.raw.heading or (before[-1].text if before else "")


def _read_words(form: FormView, out: dict[str, float]) -> None:
    raw = form.raw
    _tell(
        out, "heading", _HEADING, _most([concepts_of(heading_of(form)), concepts_of(raw.aria), concepts_of(raw.dialog)])
    )
    _tell(out, "form-name", _NAME, _most(concepts_of_identifier(t) for t in (raw.id, raw.name, raw.cls) if t))
    _tell(out, "around", _NAME, concepts_of_identifier(raw.around))
    _tell(out, "action", _NAME, concepts_of_identifier(_path_of(raw.action)))
    _tell(out, "text", _TEXT, concepts_of(raw.text))
    if raw.landmark:
        out[f"in:{raw.landmark}"] = 1.0
    if raw.dialog:
        out["in:dialog"] = 1.0
    if raw.method == "get":
        out["method:get"] = 1.0
    if not raw.real:
        out["no-form"] = 1.0
    length = len(raw.text)
    out["text-length"] = min(length, 900) / 900


def _path_of(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.path[-80:]} {parts.query[:40]}" if not url.lower().startswith("javascript:") else ""


def _read_page(form: FormView, others: list[FormView], out: dict[str, float]) -> None:
    scan = form.scan
    _tell(out, "title", _PAGE, concepts_of(scan.title))
    _tell(out, "url", _PAGE, concepts_of_identifier(_path_of(scan.url)))
    if scan.headings:
        _tell(out, "page-heading", _PAGE, _most(concepts_of(h.text) for h in scan.headings[:3]))
    rest = [f for f in others if f is not form]
    if any(f.passwords for f in rest):
        out["other-form:password"] = 1.0
    if any(len(f.passwords) > 1 for f in rest):
        out["other-form:passwords"] = 1.0
    if any(len(f.fields) > len(form.fields) for f in rest):
        out["other-form:larger"] = 1.0
    if not rest:
        out["only-form"] = 1.0
    found = _most(b.said for b in form.controls if b.raw.group != form.index)
    _tell(out, "elsewhere", ("login", "signup", "forgot", "logout", "sso"), found)
    if len(scan.text) + scan.longer < 3000:
        _tell(
            out,
            "page-text",
            ("have_account", "no_account", "new_password", "code", "link_sent"),
            concepts_of(scan.text),
        )
    if scan.elements < 150:
        out["small-page"] = 1.0
    elif scan.elements > 800:
        out["large-page"] = 1.0
