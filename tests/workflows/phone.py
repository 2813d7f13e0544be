"""A site that needs a person: a code that comes to a phone, an approval there, new terms, a captcha."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from seezar.accounts import NewAccount
from tests.signin.driving import CODE_FORM, HOME, LOGIN, PASSWORD, USER, WRONG, WRONG_CODE, right
from tests.site import Request, Response, page, redirect, serve
from tests.world import World

APPROVE = page(
    "<h1>Approve the sign-in on your phone</h1><p>We sent a notification to your phone. Open it and approve the"
    " sign-in to continue. Waiting for your approval.</p>",
    title="Approve sign-in",
)
TERMS = page(
    "<h1>Our terms of service have changed</h1><p>Please read and accept the new terms of service to continue.</p>"
    '<form method="post" action="/terms"><button>I accept the terms</button></form>'
    '<form method="post" action="/decline"><button>Decline</button></form>',
    title="New terms of service",
)
CAPTCHA = page("<h1>Are you a human?</h1><p>Solve the captcha to continue.</p>", title="Captcha")


@dataclass
class Phone:
    """The site. `asks` is what comes between the password and the page behind the login."""

    asks: str = "code"
    code: str = "739204"
    approved: bool = False
    captcha: bool = False
    passwords: int = 0
    codes: list[str] = field(default_factory=list[str])
    declined: int = 0
    pending: set[str] = field(default_factory=set[str])
    sessions: set[str] = field(default_factory=set[str])
    url: str = ""

    def routes(self) -> dict[str, object]:
        return {
            "/": lambda request: CAPTCHA if self.captcha else LOGIN,
            "/login": self.login,
            "/step": self.step,
            "/code": self.take_code,
            "/terms": self.let_in,
            "/decline": self.decline,
            "/home": self.home,
        }

    def forget(self) -> None:
        """Forget everything that is under way."""
        self.pending.clear()

    def login(self, request: Request) -> Response | str:
        self.passwords += 1
        if not right(request):
            return WRONG
        ticket = secrets.token_hex(8)
        self.pending.add(ticket)
        return redirect("/step", cookie=f"ticket={ticket}; Path=/; HttpOnly")

    def step(self, request: Request) -> Response | str:
        if request.cookies.get("ticket") not in self.pending:
            return redirect("/")
        if self.asks == "approval":
            return self.let_in(request) if self.approved else APPROVE
        return TERMS if self.asks == "terms" else CODE_FORM

    def take_code(self, request: Request) -> Response | str:
        if request.cookies.get("ticket") not in self.pending:
            return redirect("/")
        self.codes.append(request.form.get("code", ""))
        return self.let_in(request) if self.codes[-1] == self.code else WRONG_CODE

    def let_in(self, request: Request) -> Response | str:
        if request.cookies.get("ticket") not in self.pending:
            return redirect("/")
        session = secrets.token_hex(8)
        self.sessions.add(session)
        return redirect("/home", cookie=f"sid={session}; Path=/; HttpOnly")

    def decline(self, request: Request) -> Response | str:
        self.declined += 1
        return redirect("/")

    def home(self, request: Request) -> Response | str:
        return HOME if request.cookies.get("sid") in self.sessions else redirect("/")


@asynccontextmanager
async def phone_site(world: World, name: str, **changes: object) -> AsyncIterator[Phone]:
    """The site, with the account `name` on it in the stores of `world`."""
    phone = Phone(**changes)  # pyright: ignore[reportArgumentType]
    async with serve(phone.routes()) as site:  # pyright: ignore[reportArgumentType]
        phone.url = site.url
        await world.application.accounts.add(
            NewAccount(name=name, url=f"{site.url}/", verify_url=f"{site.url}/home", username=USER, password=PASSWORD)
        )
        yield phone
