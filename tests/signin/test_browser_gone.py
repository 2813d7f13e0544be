"""A browser that dies is never taken for an answer of the site, wherever in a sign-in it happens."""

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from seezar.browser.pool import BrowserPool
from seezar.signin.session_check import check_stored_session
from tests.chromium import loopback, make_pool
from tests.signin.driving import HOME, LOGIN, check_password, protected
from tests.signin.ground import ground
from tests.site import Handler, Request, Response, serve

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

# What is typed tells the site, which ends the browser while it is being typed.
_TELLS = "<script>document.getElementById('password').addEventListener('input', () => fetch('/typed'));</script>"


def browsers() -> set[psutil.Process]:
    return {child for child in psutil.Process().children(recursive=True) if "chrom" in child.name()}


def killer(others: set[psutil.Process]) -> Callable[[], None]:
    """Ends every browser of this process but those in `others`."""

    def kill() -> None:
        for process in browsers() - others:
            process.kill()

    return kill


@pytest.mark.parametrize("where", ["/", "/typed", "/login", "/home"])
async def test_in_a_sign_in(pool: BrowserPool, database_url: str, tmp_path: Path, where: str) -> None:
    # The browser of the other tests of the module is not to be hit.
    async with pool.context(loopback()):
        kill = killer(browsers())
    routes: dict[str, Handler | Response | str] = {
        "/": LOGIN + _TELLS,
        "/login": check_password,
        "/home": protected,
        "/typed": "",
    }

    def dies(_: Request) -> str:
        kill()
        return HOME

    async with make_pool() as mine, serve(routes | {where: dies}) as site, ground(mine, database_url, tmp_path) as made:
        assert (await made.sign_in(site)).status == "browser_lost"


async def test_in_a_look_at_the_session(pool: BrowserPool, database_url: str, tmp_path: Path) -> None:
    async with pool.context(loopback()):
        kill = killer(browsers())
    deaths: list[Callable[[], None]] = []

    def home(request: Request) -> Response | str:
        if deaths:
            deaths.pop()()
        return protected(request)

    async with (
        make_pool() as mine,
        serve({"/": LOGIN, "/login": check_password, "/home": home}) as site,
        ground(mine, database_url, tmp_path) as made,
    ):

        async def report(step: str, message: str, **_detail: object) -> None:
            pass

        async def check() -> str:
            account = await made.app.accounts.get("ops")
            return (await check_stored_session(made.app, mine, account, report, visit=True)).status

        assert (await made.sign_in(site)).status == "signed_in"
        deaths.append(kill)
        assert await check() == "signed_in", "the second visit tells"
        assert not deaths
        assert await made.app.sessions.info("ops") is not None
