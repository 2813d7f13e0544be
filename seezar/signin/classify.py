"""What kind of page it is. First version: rules on the forms."""

import hashlib
from dataclasses import dataclass, field

from seezar.signin.forms import ButtonView, FieldView, FormView, forms_of
from seezar.signin.reading import Kind
from seezar.signin.roles import Roles, login_roles, otp_roles
from seezar.signin.scan import FrameScan
from seezar.signin.words import concepts_of


@dataclass(eq=False)
class Verdict:
    """The answer for one page, in terms of its looks."""

    kind: Kind
    confidence: float
    frame: int = 0
    form: FormView | None = None
    roles: Roles = field(default_factory=Roles)
    evidence: list[str] = field(default_factory=list[str])
    opener: ButtonView | None = None
    resend: ButtonView | None = None
    send_code: ButtonView | None = None
    trust: ButtonView | None = None
    skip: ButtonView | None = None
    captcha: bool = False
    signature: str = ""


def classify(scans: list[FrameScan]) -> Verdict:
    best: Verdict | None = None
    for i, scan in enumerate(scans):
        for form in forms_of(scan):
            v = _form(form)
            v.frame = i
            if v.kind != "other" and (best is None or v.confidence > best.confidence):
                best = v
    if best:
        return best
    main = scans[0]
    text = concepts_of(main.text)
    if "link_sent" in text:
        return Verdict("await_link", 0.8)
    for i, scan in enumerate(scans):
        for b in scan.buttons:
            if not b.why and "logout" in concepts_of(b.text or b.aria):
                return Verdict("signed_in", 0.85)
    return Verdict("other", 0.6)


def _form(form: FormView) -> Verdict:
    words = set(concepts_of(form.raw.heading)) | set(concepts_of(form.raw.aria)) | set(concepts_of(form.raw.action))
    buttons = {c for b in form.buttons if not b.raw.link for c in b.said}
    personal = sum(f.is_personal for f in form.fields)
    passwords = form.passwords
    code = form.code_fields
    if not passwords and code and (code[0].code_score >= 0.5 or len(code) > 1):
        return Verdict("otp", 0.9, form=form, roles=otp_roles(form), signature=_signature(form))
    if len(passwords) >= 3 or any(f.wants_old_password for f in passwords):
        return Verdict("change", 0.85, form=form)
    if len(passwords) == 2 or any(f.wants_new_password for f in passwords):
        return Verdict("signup" if form.texts else "reset", 0.85, form=form)
    roles = login_roles(form)
    if passwords:
        if personal >= 1 or len(form.texts) > 2 or ("signup" in buttons and "login" not in buttons):
            return Verdict("signup", 0.8, form=form)
        kind: Kind = "login" if roles.username else "password"
        return Verdict(kind, 0.9, form=form, roles=roles, signature=_signature(form))
    if roles.username and roles.username.username_score >= 0.6 and len(form.texts) == 1 and not personal:
        if ("login" in buttons or ("next" in buttons and "login" in words | set(concepts_of(form.scan.title)))) and not {"newsletter", "search"} & buttons:
            return Verdict("username", 0.85, form=form, roles=roles, signature=_signature(form))
        if {"reset", "forgot"} & (buttons | words):
            return Verdict("reset", 0.8, form=form)
    return Verdict("other", 0.5)


def _signature(form: FormView) -> str:
    shape = "|".join(f"{f.raw.tag},{f.raw.type},{f.raw.name},{f.raw.id}" for f in form.fields)
    return hashlib.sha256(shape.encode()).hexdigest()[:24]


__all__ = ["FieldView", "Verdict", "classify"]
