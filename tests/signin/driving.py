"""What the tests of the driver share: an account, its keys, and the pages that nearly every site has."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from playwright.async_api import Page

from seezar.accounts.records import Account, SecondFactor
from seezar.signin.advice import Advisor
from seezar.signin.driver import SignInDriver
from seezar.signin.outcome import Outcome
from seezar.signin.recipes import RecipeBook
from tests.site import Request, Response, Site, page, redirect

USER = "ops@acme.test"
PASSWORD = "geheim-4711 ä"
CODE = "483920"

LOGIN = page(
    """<h1>Sign in</h1><form method="post" action="/login">
    <label for="user">E-mail</label><input id="user" name="user" type="email" autocomplete="username">
    <label for="password">Password</label>
    <input id="password" name="password" type="password" autocomplete="current-password">
    <button id="go">Sign in</button></form>""",
    title="Sign in",
)
WRONG = LOGIN.replace("<form", '<p role="alert">The password is not right.</p><form')
CODE_FORM = page(
    """<h1>Enter your code</h1><p>We sent a verification code to your e-mail.</p>
    <form method="post" action="/code"><label for="code">Verification code</label>
    <input id="code" name="code" autocomplete="one-time-code" inputmode="numeric" maxlength="6">
    <button>Verify</button></form>""",
    title="Verification code",
)
APP_FORM = CODE_FORM.replace("We sent a verification code to your e-mail.", "Open your authenticator app.")
WRONG_APP_CODE = APP_FORM.replace("<form", '<p role="alert">That code is not right.</p><form')
WRONG_CODE = CODE_FORM.replace("<form", '<p role="alert">That code is not right.</p><form')
HOME = page(
    '<h1>Overview</h1><p>Welcome back, ops.</p><table><tr><td>Events</td></tr></table><a href="/out">Sign out</a>'
)


def right(request: Request) -> bool:
    """Whether the right user name and password were sent."""
    return (request.form.get("user"), request.form.get("password")) == (USER, PASSWORD)


def check_password(request: Request) -> Response | str:
    """A login that lets the right password in."""
    return redirect("/home", cookie="sid=1; Path=/; HttpOnly") if right(request) else WRONG


def protected(request: Request) -> Response | str:
    """A page behind the login."""
    return HOME if request.cookies.get("sid") == "1" else redirect("/")


def account(site: Site, second_factor: SecondFactor = "none", **changes: Any) -> Account:
    """An account on `site`."""
    values: dict[str, Any] = {
        "name": "ops",
        "start_url": f"{site.url}/",
        "verify_url": f"{site.url}/home",
        "origins": (site.url,),
        "username": USER,
        "password_ref": "account/ops/password",
        "totp_ref": None,
        "second_factor": second_factor,
        "mailbox": None,
        "keep_alive_s": None,
        "created_at": datetime.now(UTC),
    }
    return Account(**(values | changes))


@dataclass
class Keys:
    """A credential source that notes the origins it was asked for; `before` runs before a password is given."""

    codes: list[str] = field(default_factory=lambda: [CODE])
    asked: list[str] = field(default_factory=list)
    before: Callable[[], Awaitable[object]] | None = None

    async def password(self, origin: str) -> str:
        """The password."""
        self.asked.append(f"password {origin}")
        if self.before is not None:
            await self.before()
        return PASSWORD

    async def totp(self, origin: str, *, clock_skew: float = 0.0) -> str:
        """The next of `codes`."""
        self.asked.append(f"totp {origin}")
        return self.codes.pop(0)


@dataclass
class Drive:
    """A driver on a page, and what it reported."""

    driver: SignInDriver
    start_url: str
    steps: list[str]
    submits: list[str]

    async def run(self, *, code: str | None = None) -> Outcome:
        """From the start page to an outcome."""
        return await self.driver.open(self.start_url) or await self.go_on(code=code)

    async def go_on(self, *, code: str | None = None) -> Outcome:
        """From where the page is."""

        async def source() -> str:
            assert code is not None
            return code

        return await self.driver.run(code=source if code else None)


def drive(
    page: Page,
    who: Account,
    keys: Keys,
    *,
    timeout: float = 60.0,
    recipes: RecipeBook | None = None,
    advisor: Advisor | None = None,
) -> Drive:
    """A driver for `who` on `page`; `timeout` is the time that the site has for one answer."""
    steps: list[str] = []
    submits: list[str] = []

    async def report(step: str, message: str, **_detail: object) -> None:
        assert PASSWORD not in message
        steps.append(step)

    async def before_submit() -> None:
        submits.append(page.url)

    driver = SignInDriver(
        page, who, keys, report, before_submit=before_submit, timeout=timeout, recipes=recipes, advisor=advisor
    )
    return Drive(driver, who.start_url, steps, submits)
