"""What comes after a mailed link: the page decides what it asks for, the link is nothing to type."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from seezar.accounts import NewAccount
from seezar.browser.pool import BrowserPool
from seezar.signin.lives import SignInLives
from seezar.signin.outcome import Outcome
from tests.signin.driving import APP_FORM, LOGIN, PASSWORD, USER, protected, right
from tests.signin.ground import ground
from tests.site import Request, Response, Site, redirect, serve
from tests.site import page as html

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

_SENT = html("<h1>Check your email</h1><p>We sent you a link to sign in.</p>", title="Check your email")


@dataclass
class _Codes:
    """A site that takes any six digits, and keeps what it got."""

    got: list[str] = field(default_factory=list[str])

    def __call__(self, request: Request) -> Response | str:
        code = request.form.get("code", "")
        self.got.append(code)
        return redirect("/home", cookie="sid=1; Path=/; HttpOnly") if code.isdigit() and len(code) == 6 else APP_FORM


async def after_link(
    pool: BrowserPool, database_url: str, home: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> Outcome:
    """How a sign-in ends whose mail holds a link to `/magic`."""

    async def claim(*_: object, link: bool) -> str:
        assert link
        return f"{site.url}/magic"

    # The mail itself is not what this is about.
    monkeypatch.setattr(SignInLives, "_claim", claim)
    async with ground(pool, database_url, home) as made:
        await made.app.accounts.add(
            NewAccount(
                "ops", f"{site.url}/", USER, password=PASSWORD, totp="JBSWY3DPEHPK3PXP", verify_url=f"{site.url}/home"
            )
        )
        assert (await made.sign_in(site)).status == "challenge_link"

        async def report(step: str, message: str, **detail: object) -> None:
            assert "/magic" not in f"{message} {detail}"

        account = await made.app.accounts.get("ops")
        return await made.lives.answer("run", 1, account, "mail", report, link=True)


def login(request: Request) -> str:
    return _SENT if right(request) else LOGIN


async def test_after_the_link_the_page_gets_the_code_it_asks_for(
    pool: BrowserPool, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = _Codes()
    routes = {"/": LOGIN, "/login": login, "/magic": APP_FORM, "/code": codes, "/home": protected}
    async with serve(routes) as site:
        assert (await after_link(pool, database_url, tmp_path, site, monkeypatch)).status == "signed_in"
    assert len(codes.got) == 1


async def test_a_link_after_the_link(
    pool: BrowserPool, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve({"/": LOGIN, "/login": login, "/magic": _SENT, "/home": protected}) as site:
        outcome = await after_link(pool, database_url, tmp_path, site, monkeypatch)
        assert (outcome.status, outcome.reason) == ("bad_code", "After the link the site says again that it sent one.")
