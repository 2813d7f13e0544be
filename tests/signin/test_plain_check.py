"""The plain request that tells whether a session still works: only where answers differ, and only where it belongs."""

from typing import Any

import pytest

from seezar.accounts.records import PlainCheck, SessionState
from seezar.signin.plain_check import learn_plain_check, still_signed_in
from tests.chromium import loopback
from tests.signin.driving import HOME, LOGIN, account, protected
from tests.site import Handler, Request, Response, Site, redirect, serve

pytestmark = pytest.mark.asyncio

Routes = dict[str, Handler | Response | str]


def state(site: Site, *names: str, check: PlainCheck | None = None, **changes: Any) -> SessionState:
    """A session with one cookie for each name."""
    cookies = [
        {
            "name": name,
            "value": "1",
            "domain": site.host,
            "path": "/",
            "expires": -1,
            "httpOnly": True,
            "secure": False,
            "sameSite": "Lax",
        }
        | changes
        for name in names
    ]
    return SessionState({"cookies": cookies, "origins": [{"origin": "x"}]}, {"s": {"k": "v"}}, "Agent/1", check)


async def learn(routes: Routes, *names: str) -> tuple[PlainCheck | None, Site]:
    async with serve(routes) as site:
        return await learn_plain_check(account(site), state(site, *names), timeout=60, policy=loopback()), site


async def test_learned_where_the_answers_differ() -> None:
    check, site = await learn({"/": LOGIN, "/home": protected}, "sid")
    assert check == PlainCheck(200, f"{site.url}/home")
    assert {request.headers["user-agent"] for request in site.requests} == {"Agent/1"}


async def test_learned_from_the_status_alone() -> None:
    def home(request: Request) -> Response:
        return Response(HOME, 200 if "sid" in request.cookies else 401)

    check, site = await learn({"/home": home}, "sid")
    assert check == PlainCheck(200, f"{site.url}/home")


@pytest.mark.parametrize(
    "home",
    [HOME, Response(HOME, 404), Response(HOME, 500), Response(close=True), redirect("/home"), redirect("http://[bad")],
    ids=["same for all", "404", "500", "cut", "circle", "broken redirect"],
)
async def test_not_learned_where_the_answer_tells_nothing(home: Response | str) -> None:
    check, _ = await learn({"/home": home}, "sid")
    assert check is None


async def test_not_learned_when_only_the_signed_in_answer_came() -> None:
    def home(request: Request) -> Response:
        return Response(HOME) if "sid" in request.cookies else Response(close=True)

    check, _ = await learn({"/home": home}, "sid")
    assert check is None


async def test_a_redirect_off_the_origins_is_not_followed() -> None:
    async with serve({"/": HOME}, host="localhost") as elsewhere:

        def home(request: Request) -> Response:
            return Response(HOME) if "sid" in request.cookies else redirect(f"{elsewhere.url}/?token=geheim")

        check, site = await learn({"/home": home}, "sid")
        assert check == PlainCheck(200, f"{site.url}/home")
        assert elsewhere.requests == []


async def test_cookies_go_only_where_they_belong() -> None:
    async with serve({"/": HOME}, host="localhost") as other:
        routes: Routes = {"/home": redirect(f"{other.url}/")}
        async with serve(routes) as site:
            both = account(site, origins=(site.url, other.url))
            await learn_plain_check(both, state(site, "sid"), timeout=60, policy=loopback())
        assert other.requests
        assert all("sid" not in request.cookies for request in other.requests)


async def ask(routes: Routes, *names: str, status: int = 200, **changes: Any) -> tuple[str, SessionState, SessionState]:
    """(status of the outcome, the state that was asked with, the state after)."""
    async with serve(routes) as site:
        before = state(site, *names, check=PlainCheck(status, f"{site.url}/home"), **changes)
        outcome, after = await still_signed_in(account(site), before, timeout=60, policy=loopback())
        return outcome.status, before, after


@pytest.mark.parametrize(
    ("home", "status"),
    [
        (HOME, "signed_in"),
        (redirect("/"), "signed_out"),
        (Response(LOGIN, 401), "signed_out"),
        (Response(HOME, 500), "site_error"),
        (Response(HOME, 503), "site_error"),
        (Response(HOME, 429), "rate_limited"),
        (Response(close=True), "site_error"),
    ],
    ids=["same", "redirect", "401", "500", "503", "429", "cut"],
)
async def test_only_the_sites_own_word_ends_a_session(home: Response | str, status: str) -> None:
    got, before, after = await ask({"/": LOGIN, "/home": home}, "sid")
    assert got == status
    assert after == before


async def test_a_site_that_nobody_serves() -> None:
    async with serve({}) as site:
        pass
    before = state(site, "sid", check=PlainCheck(200, f"{site.url}/home"))
    outcome, after = await still_signed_in(account(site), before, timeout=60, policy=loopback())
    assert (outcome.status, after) == ("site_error", before)


async def test_a_cookie_that_is_renewed_is_kept() -> None:
    renewed = Response(HOME, headers={"set-cookie": "sid=2; Path=/; Max-Age=3600"})
    status, before, after = await ask({"/home": renewed}, "sid", "other")
    assert status == "signed_in"
    sid, other = after.storage["cookies"]
    assert (sid["value"], sid["httpOnly"], sid["sameSite"]) == ("2", True, "Lax")
    assert sid["expires"] > 0
    assert other == before.storage["cookies"][1]
    assert after.storage["origins"] == before.storage["origins"]
    assert (after.session_storage, after.plain_check) == (before.session_storage, before.plain_check)


async def test_a_cookie_that_is_removed_is_gone_and_a_strange_one_is_not_taken() -> None:
    headers = {"set-cookie": "other=; Path=/; Max-Age=0\r\nset-cookie: strange=1; Path=/"}
    status, before, after = await ask({"/home": Response(HOME, headers=headers)}, "sid", "other")
    assert status == "signed_in"
    assert after.storage["cookies"] == before.storage["cookies"][:1]


async def test_nobody_else_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of this process's environment would see the session."""
    async with serve({}) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        status, _, _ = await ask({"/home": HOME}, "sid")
        assert (status, proxy.requests) == ("signed_in", [])
