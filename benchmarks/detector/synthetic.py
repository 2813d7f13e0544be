"""Pages made up for training: sign-in shapes of today in fifteen languages, drawn at random from a seed.

Real collections are old, mostly English, and know few username-first steps, split code boxes or single-page
applications.
The wording is in `phrases.toml`. Each form carries its class in `data-label`; `collect` takes that out before it looks.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any, Final

from benchmarks.detector.maker import Maker

_STYLES: Final = (
    "",
    "body{font:16px sans-serif;max-width:30em;margin:4em auto}input{display:block;width:100%;padding:.6em}",
    "body{display:flex;flex-direction:column;align-items:center}form,.card{border:1px solid #ccc;padding:2em}",
    "label{display:inline-block;width:9em}input{margin:4px}",
)


def _login(m: Maker) -> str:
    parts = [m.heading("login_title"), m.account_field(), m.field("password", "password")]
    if m.chance(0.5):
        parts.append(m.tick("remember"))
    if m.chance(0.6):
        parts.insert(m.draw.choice((2, len(parts))), m.link("forgot"))
    if m.chance(0.1):
        parts.append(f'<button type="button" aria-label="{m.say("password")}">👁</button>')
    parts.append(m.button("login"))
    if m.chance(0.4):
        parts.append(m.link("no_account"))
    if m.chance(0.35):
        parts.insert(m.draw.choice((1, len(parts))), f'<button type="button">{m.say("sso")}</button>')
    return m.form("login", "".join(parts), path=m.draw.choice(("/login", "/session", "/auth", "/account/signin")))


def _username_first(m: Maker) -> str:
    parts = [m.heading("login_title", 0.95), m.account_field()]
    if m.chance(0.25):
        parts.append('<input type="password" name="hidden_pw" style="display:none" tabindex="-1">')
    if m.chance(0.25):
        parts.append(m.link("forgot"))
    parts.append(m.button(m.draw.choice(("next", "login", "login"))))
    if m.chance(0.5):
        parts.append(m.link("no_account"))
    if m.chance(0.6):
        parts.append(f'<button type="button">{m.say("sso")}</button>')
    return m.form("login", "".join(parts), path="/login")


def _password_only(m: Maker) -> str:
    name = m.draw.choice(("ada@example.com", "ada.l", "a***@example.com"))
    shown = m.draw.choice(
        (
            f"<p>{name}</p>",
            f'<input type="text" name="username" value="{name}" readonly>',
            f"<div>{name} <a href='#'>✎</a></div>",
            "",
        )
    )
    parts = [m.heading("login_title", 0.8), shown, m.field("password", "password")]
    if m.chance(0.6):
        parts.append(m.link("forgot"))
    if m.chance(0.3):
        parts.append(m.tick("remember"))
    return m.form("login", "".join([*parts, m.button(m.draw.choice(("login", "next")))]), path="/login")


def _signup(m: Maker) -> str:
    parts = [m.heading("signup_title", 0.85)]
    if m.chance(0.5):
        parts += [m.field("first_name", "text"), *([m.field("last_name", "text")] if m.chance(0.7) else [])]
    if m.chance(0.3):
        parts.append(m.field("username", "text"))
    parts.append(m.field("email", m.draw.choice(("email", "text"))))
    if m.chance(0.15):
        parts.append(m.field("company", "text"))
    parts.append(m.field(m.draw.choice(("new_password", "password")), "password"))
    if m.chance(0.5):
        parts.append(m.field("confirm", "password"))
    if m.chance(0.5):
        parts.append(m.tick("terms"))
    parts.append(m.button("signup"))
    if m.chance(0.5):
        parts.append(m.link("have_account"))
    if m.chance(0.25):
        parts.append(f'<button type="button">{m.say("sso")}</button>')
    return m.form("signup", "".join(parts), path=m.draw.choice(("/register", "/signup", "/users", "/account/new")))


def _signup_by_mail(m: Maker) -> str:
    parts = [
        m.heading("signup_title", 0.95),
        m.field("email", m.draw.choice(("email", "text"))),
        m.button("signup"),
        m.link("have_account"),
    ]
    return m.form("signup", "".join(parts), path="/signup")


def _reset(m: Maker) -> str:
    text = f"<p>{m.say('reset_text')}</p>" if m.chance(0.7) else ""
    parts = [m.heading("reset_title", 0.9), text, m.account_field(), m.button("reset")]
    if m.chance(0.4):
        parts.append(m.link("have_account"))
    return m.form("reset", "".join(parts), path=m.draw.choice(("/password/reset", "/forgot", "/recover")))


def _set_password(m: Maker) -> str:
    parts = [m.heading("set_title", 0.9), m.field("new_password", "password")]
    if m.chance(0.75):
        parts.append(m.field("confirm", "password"))
    return m.form("reset", "".join([*parts, m.button("set")]), path="/password/reset")


def _change(m: Maker) -> str:
    parts = [m.heading("change_title", 0.9), m.field("old_password", "password"), m.field("new_password", "password")]
    if m.chance(0.75):
        parts.append(m.field("confirm", "password"))
    return m.form("change", "".join([*parts, m.button("change")]), path="/settings/password")


def _otp(m: Maker) -> str:
    parts = [m.heading("otp_title", 0.9)]
    if m.chance(0.8):
        parts.append(f"<p>{m.say('otp_text')}</p>")
    if m.chance(0.35):
        size = m.draw.choice((4, 5, 6, 6, 6, 8))
        type_ = m.draw.choice(("text", "tel", "number", "password"))
        box = (
            f'<input type="{type_}" maxlength="1" style="width:2.5em"'
            + (' inputmode="numeric"' if m.chance(0.6) else "")
            + ">"
        )
        parts.append(f"<div>{box * size}</div>")
    else:
        extra = m.draw.choice(
            ("", ' inputmode="numeric" maxlength="6"', ' maxlength="6"', ' inputmode="numeric" pattern="[0-9]*"')
        )
        parts.append(m.field("otp_label", m.draw.choice(("text", "text", "tel", "number", "password")), extra=extra))
    if m.chance(0.35):
        parts.append(m.tick("trust"))
    if m.chance(0.85):
        parts.append(m.button("verify"))
    if m.chance(0.6):
        parts.append(m.draw.choice((m.link("resend"), f'<button type="button">{m.say("resend")}</button>')))
    return m.form("otp", "".join(parts), path=m.draw.choice(("/verify", "/2fa", "/login/otp", "/challenge")))


def _newsletter(m: Maker) -> str:
    return m.form(
        "other",
        m.heading("newsletter_title", 0.7)
        + m.field("email", m.draw.choice(("email", "text")))
        + m.button("newsletter"),
    )


def _search(m: Maker) -> str:
    role = ' role="search"' if m.chance(0.3) else ""
    box = m.field("search", m.draw.choice(("text", "search")))
    button = m.button("search", lone=True) if m.chance(0.7) else ""
    return f'<form method="get"{role} data-label="other">{box}{button}</form>'


def _contact(m: Maker) -> str:
    name = m.field("first_name", "text") if m.chance(0.7) else ""
    box = f'<textarea name="message" placeholder="{m.say("message")}"></textarea>'
    return m.form("other", m.heading("contact_title") + name + m.field("email", "text") + box + m.button("send"))


def _one_value(m: Maker) -> str:
    key, button = m.draw.choice(
        (
            ("promo", "apply"),
            ("zip", "search"),
            ("order", "track"),
            ("invite", "apply"),
            ("zip", "apply"),
            ("invite", "next"),
        )
    )
    body = (
        m.field(key, "text") + (m.field("email", "text") if key == "order" and m.chance(0.6) else "") + m.button(button)
    )
    return m.form("other", body)


_MAIN: Final[tuple[tuple[Callable[[Maker], str], int], ...]] = (
    (_login, 20),
    (_username_first, 18),
    (_password_only, 8),
    (_signup, 14),
    (_signup_by_mail, 5),
    (_reset, 10),
    (_set_password, 5),
    (_change, 6),
    (_otp, 18),
    (_newsletter, 4),
    (_contact, 4),
    (_one_value, 6),
    (_search, 2),
)
_TYPES: Final = {
    _login: "login",
    _username_first: "login",
    _password_only: "login",
    _signup: "signup",
    _signup_by_mail: "signup",
    _reset: "reset",
    _set_password: "reset",
    _change: "change",
    _otp: "otp",
}


def _page(m: Maker) -> tuple[list[str], str]:
    main = m.draw.choices([shape for shape, _ in _MAIN], [weight for _, weight in _MAIN])[0]
    shapes = [main]
    if main is _login and m.chance(0.15):
        shapes.append(_signup)
    elif main is _signup and m.chance(0.15):
        shapes.insert(0, _login)
    header = "".join(f'<a href="/{i}">{m.say("nav")}</a> ' for i in range(m.draw.randrange(0, 7)))
    if m.chance(0.25):
        header += _search(m)
    if main in (_newsletter, _contact, _one_value, _search, _reset) and m.chance(0.5):
        header += f'<a href="/login">{m.say("login")}</a>'
    body = "".join(f"<section>{shape(m)}</section>" for shape in shapes)
    footer = f"<footer>{_newsletter(m)}</footer>" if m.chance(0.15) and main is not _newsletter else ""
    title = (
        m.say("brand")
        if m.chance(0.4)
        else {
            "login": m.say("login_title"),
            "signup": m.say("signup_title"),
            "otp": m.say("otp_title"),
            "reset": m.say("reset_title"),
            "change": m.say("change_title"),
        }.get(_TYPES.get(main, ""), m.say("brand"))
    )
    style = m.draw.choice(_STYLES)
    lang = f' lang="{m.lang}"' if m.chance(0.6) else ""
    html = (
        f"<!doctype html><html{lang}><head><meta charset=utf-8><title>{title}</title><style>{style}</style></head>"
        f"<body><header><b>{m.say('brand')}</b>{header}</header><main>{body}</main>{footer}</body></html>"
    )
    types = [_TYPES.get(shape, "other") for shape in shapes]
    return types, html


def synthetic_pages(count: int, seed: int) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Label record and HTML of `count` pages; the same seed gives the same pages."""
    draw = random.Random(seed)
    for i in range(count):
        types, html = _page(Maker(draw))
        yield {"id": f"s{i:04d}", "types": types}, html.encode()
