"""The site's own sign-out: found by its words, inside menus too, and believed only after a fresh visit."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from seezar.accounts.records import Account, SessionState
from seezar.browser.pool import BrowserPool
from seezar.redaction import Redactor
from seezar.signin.scan import scan_page
from seezar.signin.sign_out import SignOut, sign_out_at_site, sign_out_control
from tests.chromium import loopback
from tests.signin.driving import account as account_of
from tests.site import Request, Response, Site, page, redirect, serve

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]
FORM = (
    '<form method="post" action="/login"><input name="user" autocomplete="username"><input type="password" name="pw">'
    "<button>Sign in</button></form>"
)
BUTTON = '<form method="post" action="/logout"><button>{}</button></form>'
WORDS = {
    "en": "Sign out",
    "de": "Abmelden",
    "fr": "Se déconnecter",
    "es": "Cerrar sesión",
    "it": "Esci",
    "pt": "Terminar sessão",
    "nl": "Uitloggen",
    "pl": "Wyloguj się",
    "ru": "Выйти",
    "tr": "Çıkış yap",
    "ja": "ログアウト",
    "zh": "退出登录",
    "ko": "로그아웃",
    "ar": "تسجيل الخروج",
    "sv": "Logga ut",
}


@dataclass
class Shop:
    """A site with one session, and a page behind it that a test writes."""

    inside: str
    forgets: bool = True
    alive: set[str] = field(default_factory=lambda: {"s1"})
    clicked: list[str] = field(default_factory=list)

    def routes(self) -> dict[str, Callable[[Request], Response | str] | str]:
        return {
            "/": self.home,
            "/login": page(FORM),
            "/logout": self.logout,
            "/delete": lambda request: self.clicked.append("delete") or "gone",
        }

    def home(self, request: Request) -> Response | str:
        if request.cookies.get("sid") not in self.alive:
            return redirect("/login")
        return page(f"<h1>Reports</h1><p>Everything is fine today.</p>{self.inside}")

    def logout(self, request: Request) -> Response | str:
        if self.forgets:
            self.alive.discard(request.cookies.get("sid", ""))
        return redirect("/login", cookie="sid=; Max-Age=0; Path=/")


def state_of(site: Site) -> SessionState:
    cookie = {"name": "sid", "value": "s1", "domain": "127.0.0.1", "path": "/", "expires": -1, "httpOnly": True}
    return SessionState({"cookies": [{**cookie, "secure": False, "sameSite": "Lax"}], "origins": []}, {})


async def leave(pool: BrowserPool, shop: Shop) -> tuple[SignOut, list[str]]:
    said: list[str] = []

    async def report(step: str, message: str, **_detail: object) -> None:
        said.append(f"{step} {message}")

    async with serve(shop.routes()) as site:
        account: Account = account_of(site, verify_url=f"{site.url}/")
        result = await sign_out_at_site(pool, account, state_of(site), report, Redactor({}), timeout=10)
    return result, said


async def test_a_plain_button(pool: BrowserPool) -> None:
    result, said = await leave(pool, shop := Shop(BUTTON.format("Sign out")))
    assert (result.status, shop.alive) == ("ended", set())
    assert not any("s1" in line for line in said)


@pytest.mark.parametrize(
    "inside",
    [
        # A menu of HTML alone, one of a script, and one that is built when it is opened.
        "<details><summary>ops</summary>" + BUTTON.format("Log out") + "</details>",
        '<button id="user-menu" aria-haspopup="menu" aria-expanded="false" '
        "onclick=\"document.getElementById('m').hidden = false\">Me</button>"
        f'<div id="m" hidden>{BUTTON.format("Log out")}</div>',
        '<button class="avatar" onclick="document.getElementById(\'m\').innerHTML = `'
        + BUTTON.format("Log out").replace('"', "'")
        + '`">O</button><div id="m"></div>',
        # A link whose menu shows on hovering alone.
        '<div style="display:none"><a href="/logout">Log out</a></div>',
    ],
    ids=["details", "script", "built", "hover"],
)
async def test_in_a_menu(pool: BrowserPool, inside: str) -> None:
    result, _ = await leave(pool, shop := Shop(inside))
    assert (result.status, shop.alive) == ("ended", set())


async def test_a_page_that_asks_again(pool: BrowserPool) -> None:
    ask = "<button onclick=\"if (confirm('Really?')) location.href = '/logout'\">Log out</button>"
    result, _ = await leave(pool, shop := Shop(ask))
    assert (result.status, shop.alive) == ("ended", set())


async def test_other_controls_are_left_alone(pool: BrowserPool) -> None:
    inside = (
        '<form method="post" action="/delete"><button id="delete-user">Delete account</button></form>'
        '<a href="/delete" class="user">Delete user</a>'
    )
    result, _ = await leave(pool, shop := Shop(inside))
    assert (result.status, shop.alive, shop.clicked) == ("not_told", {"s1"}, [])


@pytest.mark.parametrize(
    "control",
    [
        '<button onclick="DELETE">Delete ops</button>',
        '<button class="menu-item" onclick="DELETE">Delete everything</button>',
        '<button class="dropdown" onclick="DELETE">Archive</button>',
    ],
    ids=["with the name", "of a menu", "named like a menu"],
)
async def test_nothing_else_is_confirmed(pool: BrowserPool, control: str) -> None:
    deletes = "if (confirm('Really?')) location.href = '/delete'"
    result, _ = await leave(pool, shop := Shop(control.replace("DELETE", deletes)))
    assert (result.status, shop.alive, shop.clicked) == ("not_told", {"s1"}, [])


async def test_a_menu_with_the_name_goes_before_others(pool: BrowserPool) -> None:
    inside = (
        "<button onclick=\"location.href = '/delete'\">Delete ops</button>"
        "<details><summary>Signed in: ops</summary>" + BUTTON.format("Log out") + "</details>"
        '<details><summary>More</summary><a href="/delete">Delete</a></details>'
    )
    result, _ = await leave(pool, shop := Shop(inside))
    assert (result.status, shop.alive, shop.clicked) == ("ended", set(), [])


async def test_a_public_page_means_that_the_session_is_over(pool: BrowserPool) -> None:
    shop = Shop("", alive=set())
    public = page('<h1>Shop</h1><p>Shoes and hats.</p><a href="/login">Sign in</a>')
    routes = {**shop.routes(), "/": public}

    async def report(step: str, message: str, **_detail: object) -> None:
        raise AssertionError("nothing is looked for")

    async with serve(routes) as site:
        account = account_of(site, verify_url=f"{site.url}/")
        result = await sign_out_at_site(pool, account, state_of(site), report, Redactor({}), timeout=10)
    assert result == SignOut("ended", "The site had ended the session before.")


async def test_a_site_that_only_forgets_the_cookie(pool: BrowserPool) -> None:
    result, _ = await leave(pool, Shop(BUTTON.format("Sign out"), forgets=False))
    assert result.status == "still_works"


async def test_a_session_that_is_over_already(pool: BrowserPool) -> None:
    result, _ = await leave(pool, Shop(BUTTON.format("Sign out"), alive=set()))
    assert result == SignOut("ended", "The site had ended the session before.")


async def test_a_site_that_is_not_there(pool: BrowserPool) -> None:
    async def report(step: str, message: str, **_detail: object) -> None:
        raise AssertionError

    nowhere = "http://127.0.0.1:9"
    account = account_of(Site({}, "127.0.0.1"), verify_url=f"{nowhere}/", origins=(nowhere,))
    state = SessionState({"cookies": [], "origins": []}, {})
    assert (await sign_out_at_site(pool, account, state, report, Redactor({}), timeout=5)).status == "not_told"


async def test_the_words_of_many_languages(pool: BrowserPool) -> None:
    async with pool.context(loopback()) as context:
        tab = await pool.new_page(context)
        missed: list[str] = []
        for language, words in WORDS.items():
            await tab.set_content(page(f"<p>Menu</p><button>Help</button><button id='x'>{words}</button>"))
            control = sign_out_control(await scan_page(tab))
            if control is None or not re.search("x", await control.get_attribute("id") or ""):
                missed.append(language)
        await tab.set_content(page("<button>Sign out of all devices and delete everything that is there</button>"))
        assert sign_out_control(await scan_page(tab)) is None
    assert missed == []
