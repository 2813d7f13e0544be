"""Draws the parts of one made-up page: fields, buttons, links and headings in a language and a style."""

import random
import tomllib
from functools import lru_cache
from html import escape
from importlib.resources import files
from typing import Final

_NAMES: Final = {
    "username": (
        "username",
        "user",
        "login",
        "userid",
        "j_username",
        "user_name",
        "uid",
        "account",
        "user[login]",
        "log",
        "loginName",
    ),
    "email": ("email", "user[email]", "mail", "emailAddress", "login_email", "e-mail", "identifier", "username"),
    "phone": ("phone", "mobile", "tel"),
    "password": ("password", "pass", "passwd", "user[password]", "j_password", "pwd", "loginPassword"),
    "new_password": ("new_password", "password", "newPassword", "user[password]", "password1"),
    "confirm": (
        "password_confirmation",
        "confirmPassword",
        "password2",
        "repeat_password",
        "user[password_confirmation]",
    ),
    "old_password": ("current_password", "oldPassword", "old_password", "password"),
    "first_name": ("first_name", "firstName", "fname", "user[first_name]"),
    "last_name": ("last_name", "lastName", "lname"),
    "company": ("company", "organization"),
    "otp_label": ("code", "otp", "token", "verification_code", "mfa_code", "totp", "pin", "passcode", "otpCode"),
    "search": ("q", "s", "search", "query"),
    "message": ("message", "comment", "body"),
    "promo": ("promo", "coupon", "discount_code", "code"),
    "zip": ("zip", "postal_code", "postcode"),
    "order": ("order", "order_number", "orderId"),
    "invite": ("invite", "invitation_code", "code"),
    "remember": ("remember", "remember_me", "rememberMe", "persistent", "stay"),
    "terms": ("terms", "agree", "tos"),
    "trust": ("trust", "trust_device", "remember_device"),
}
_TOKENS: Final = {
    "username": "username",
    "email": "email",
    "phone": "tel",
    "password": "current-password",
    "new_password": "new-password",
    "confirm": "new-password",
    "old_password": "current-password",
    "first_name": "given-name",
    "last_name": "family-name",
    "company": "organization",
    "otp_label": "one-time-code",
    "zip": "postal-code",
}


@lru_cache(maxsize=1)
def _phrases() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(files("benchmarks.detector").joinpath("phrases.toml").read_text(encoding="utf-8"))


class Maker:
    """Draws the parts of one page."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.lang = draw.choices(list(_phrases()), [6 if lang == "en" else 1 for lang in _phrases()])[0]
        self.words = _phrases()[self.lang]
        self.look = draw.choice(("for", "wrap", "placeholder", "aria", "before", "after", "table"))
        self.declares = draw.random() < 0.45
        self.opaque = draw.random() < 0.2
        self.spa = draw.random() < 0.35
        self.count = 0

    def say(self, key: str) -> str:
        return escape(self.draw.choice(self.words[key]))

    def chance(self, p: float) -> bool:
        return self.draw.random() < p

    def field(self, key: str, type_: str, *, extra: str = "", says: str | None = None) -> str:
        self.count += 1
        text = self.say(key) if says is None else says
        name = f"field{self.count}" if self.opaque else self.draw.choice(_NAMES[key])
        ident = (
            f"f{self.draw.randrange(10**6):x}"
            if self.opaque or self.chance(0.3)
            else name.replace("[", "_").replace("]", "")
        )
        token = (
            f' autocomplete="{_TOKENS[key]}"'
            if self.declares and key in _TOKENS
            else ' autocomplete="off"'
            if self.chance(0.1)
            else ""
        )
        name_attr = "" if self.spa and self.chance(0.5) else f' name="{name}"'
        box = f'<input type="{type_}" id="{ident}"{name_attr}{token}{extra}'
        match self.look:
            case "for":
                return f'<div><label for="{ident}">{text}</label>{box}></div>'
            case "wrap":
                return f"<label>{text} {box}></label>"
            case "placeholder":
                return f'<div class="field">{box} placeholder="{text}"></div>'
            case "aria":
                return f'<div>{box} aria-label="{text}"></div>'
            case "before":
                return f"<p>{text}: {box}></p>"
            case "after":
                return f'<div class="float">{box} placeholder=" "><label for="{ident}">{text}</label></div>'
            case _:
                return f"<table><tr><td>{text}</td><td>{box}></td></tr></table>"

    def tick(self, key: str) -> str:
        name = self.draw.choice(_NAMES[key])
        return f'<label><input type="checkbox" name="{name}"> {self.say(key)}</label>'

    def button(self, key: str, *, lone: bool = False) -> str:
        text = self.say(key)
        if self.spa and not lone and self.chance(0.25):
            return f'<div role="button" tabindex="0" class="btn">{text}</div>'
        kind = self.draw.choice(("button", "input", "submit", "plain"))
        if kind == "input":
            return f'<input type="submit" value="{text}">'
        type_ = ' type="button"' if kind == "button" and self.spa else ' type="submit"' if kind == "submit" else ""
        return f'<button{type_} class="primary">{text}</button>'

    def link(self, key: str) -> str:
        target = {"forgot": "/recover", "no_account": "/join", "have_account": "/session", "resend": "#"}.get(key, "#")
        if self.chance(0.4):
            target = {"forgot": "/password/forgot", "no_account": "/register", "have_account": "/login"}.get(
                key, target
            )
        return f'<a href="{target}">{self.say(key)}</a>'

    def heading(self, key: str, p: float = 0.75) -> str:
        return f"<{(h := self.draw.choice(('h1', 'h2', 'h3')))}>{self.say(key)}</{h}>" if self.chance(p) else ""

    def form(self, label: str, body: str, *, path: str = "") -> str:
        if self.spa and self.chance(0.6):
            return f'<div class="card" data-label="{label}">{body}</div>'
        action = f' action="{path}"' if path and self.chance(0.6) else ""
        return f'<form method="post"{action} data-label="{label}">{body}</form>'

    def account_field(self) -> str:
        key = self.draw.choice(("username", "email", "email", "phone"))
        return self.field(
            key,
            "email"
            if key == "email" and self.chance(0.6)
            else "tel"
            if key == "phone" and self.chance(0.5)
            else "text",
        )
