"""What the detector says about a page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from playwright.async_api import Locator

from seezar.accounts.recipes import Part

type Kind = Literal[
    "login",
    "username",
    "password",
    "otp",
    "signup",
    "change",
    "reset",
    "await_link",
    "captcha",
    "sso",
    "signed_in",
    "other",
]

# Where a code comes from: an authenticator app, a mail, a telephone.
type Method = Literal["totp", "email", "sms"]

# Whether a page without a form asks for more than the password.
type Challenge = Literal["none", "perhaps", "sure"]

# Kinds whose fields take the account's name or password.
LOGIN_KINDS: Final = frozenset({"login", "username", "password"})
# Kinds that look like a login and are none: never filled.
NEVER_FILLED: Final = frozenset({"signup", "change", "reset"})


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at a page: what it is, how sure that is, and where its parts are.

    Attributes:
        kind: what the page asks for.
        confidence: estimated probability, 0-1, that `kind` is right and its fields are the right ones, not calibrated
            beyond the fit; from 0.75 on a caller may act without asking.
        username: where the account's name goes; None also when the page shows the name as fixed text. It may be read-
        only.
        password: where the password goes.
        submit: what sends the form; None when nothing looks like it (press Enter then).
        remember: the "stay signed in" or "trust this device" box of the same form.
        otp: the box of the one-time code, or its boxes from left to right, one character each.
        evidence: short reasons in our own words, strongest first; no text of the page.
        opener: what must be clicked before the form shows: a link, a tab or the button of a dialog.
        resend: sends the one-time code again.
        send_code: sends a first code to the user; the page has this and no box for the code yet, or a box that waits
        for it.
        trust: the "trust this device" button or box of a page of its own.
        skip: "not now", "skip" or "no thanks" of a page that offers something instead of asking for a credential.
        origin: origin of the frame that holds the fields, as the page's script reports it. Check the frame's own URL
        before
            a credential is typed.
        alerts: visible error and status texts. They are page text: untrusted, not for a log or a model as they are.
        captcha: whether a challenge is visible, beside whatever `kind` is.
        passkey: whether the page offers a passkey or a security key. With kind "other" it is the only way in.
        signature: hash of the form's shape (types, names, ids; no values), the same on every visit; empty without a
        form.
        weak_opener: `opener` leads to an account area and only perhaps to the form.
        consent: of a cookie banner, the control that gives away least.
        consent_accepts: that control is a yes; the banner has nothing that gives less.
        terms: accepts terms of service, on a page that asks for nothing to be typed.
        terms_box: to be ticked before.
        tile: carries the name of the account on a page that lets one choose an account.
        password_way: leads from another way of signing in to the password.
        other_way: leads to other ways of proving who one is.
        methods: what to press (or tick) for a code to come that way.
        confirm: sends the method that was ticked.
        told: of "rate_limited" and "locked", what the page says in words.
        approval: it waits for an approval on another device.
        channels: the ways that it names for a code.
        code_sent: it says that something was sent.
        challenge: how sure it is that it asks for a passkey, an approval or a choice of ways to get a code.
        lines: hashes of the lines of text that it shows beside its controls, and of the fields that it marks as wrong.
        session: it has a control to sign out.
        blank: it shows next to nothing.
        still: nothing in the page can change it by itself: it has no script. There is nothing to wait for then.
        device: a list beside the code in which nothing is chosen yet: where the code comes from.
        unfinished: its login form has no button with a name; a page that is still being built has one in a moment.
        advised: it is a model's answer, not the detector's.
        recalled: a recipe knows this page.
        seen: what the detector itself read, where a model or a recipe says otherwise; the page is compared by it.
        parts: where the elements are, by role; what a recipe keeps.
    """

    kind: Kind
    confidence: float
    username: Locator | None = None
    password: Locator | None = None
    submit: Locator | None = None
    remember: Locator | None = None
    otp: list[Locator] = field(default_factory=list[Locator])
    evidence: list[str] = field(default_factory=list[str])
    opener: Locator | None = None
    resend: Locator | None = None
    send_code: Locator | None = None
    trust: Locator | None = None
    skip: Locator | None = None
    origin: str = ""
    alerts: tuple[str, ...] = ()
    captcha: bool = False
    passkey: bool = False
    signature: str = ""
    weak_opener: bool = False
    consent: Locator | None = None
    consent_accepts: bool = False
    terms: Locator | None = None
    terms_box: Locator | None = None
    tile: Locator | None = None
    password_way: Locator | None = None
    other_way: Locator | None = None
    methods: Mapping[Method, Locator] = field(default_factory=dict["Method", Locator])
    confirm: Locator | None = None
    told: frozenset[str] = frozenset()
    approval: bool = False
    channels: frozenset[Method] = frozenset()
    code_sent: bool = False
    challenge: Challenge = "none"
    lines: frozenset[int] = frozenset()
    session: bool = False
    blank: bool = False
    still: bool = False
    device: Locator | None = None
    unfinished: bool = False
    advised: bool = False
    recalled: bool = False
    seen: "Reading | None" = None
    parts: dict[str, tuple[Part, ...]] = field(default_factory=dict[str, tuple[Part, ...]])
