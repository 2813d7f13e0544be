"""The proof: signed in is what a fresh visit shows, once the page has come to rest, and nothing less."""

import asyncio

import pytest
from playwright.async_api import Page

from seezar.signin.proof import prove
from tests.signin.driving import CODE_FORM, HOME, LOGIN, account, protected
from tests.site import Handler, Request, Response, redirect, serve
from tests.site import page as html

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

FORM = "document.body.innerHTML = `<h1>Sign in</h1><form><input type=email autocomplete=username>" + (
    "<input type=password autocomplete=current-password><button>Sign in</button></form>`;"
)


def program(when_denied: str) -> str:
    """A page that says "Loading" until its script knows who is there."""
    return html(
        f"""<p id="app">Loading…</p><script>
          fetch('/api/me').then(async (answer) => {{
            if (answer.ok) document.getElementById('app').textContent = 'Welcome back';
            else {{ {when_denied} }}
          }});
        </script>"""
    )


async def verdict(page: Page, routes: dict[str, Handler | Response | str]) -> str:
    async with serve(routes) as site:
        return (await prove(page, account(site), timeout=60)).status


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (HOME, "signed_in"),
        (html("<p>18 events</p>"), "signed_in"),
        (LOGIN, "signed_out"),
        (CODE_FORM, "signed_out"),
        (redirect("/"), "signed_out"),
        (Response(HOME, 401), "signed_out"),
        (Response(HOME, 403), "signed_out"),
        (Response(HOME, 404), "unknown"),
        (Response(HOME, 429), "rate_limited"),
        (Response(HOME, 500), "site_error"),
        (Response(close=True), "site_error"),
        (redirect("/home"), "site_error"),
    ],
    ids=["home", "text", "login", "code", "redirect", "401", "403", "404", "429", "500", "cut", "circle"],
)
async def test_what_a_visit_is_answered(page: Page, answer: Response | str, status: str) -> None:
    assert await verdict(page, {"/": LOGIN, "/home": answer}) == status


async def test_the_cookies_of_the_context_are_what_counts(page: Page) -> None:
    async with serve({"/": LOGIN, "/home": protected}) as site:
        assert (await prove(page, account(site), timeout=60)).status == "signed_out"
        await page.context.add_cookies([{"name": "sid", "value": "1", "url": site.url}])
        assert (await prove(page, account(site), timeout=60)).status == "signed_in"


async def test_a_visit_that_ends_elsewhere_proves_nothing(page: Page) -> None:
    async with serve({"/": HOME}, host="localhost") as other:
        assert await verdict(page, {"/home": redirect(f"{other.url}/")}) == "unknown"


@pytest.mark.parametrize(
    "when_denied",
    [FORM, f"setTimeout(() => {{ {FORM} }}, 700);", "await import('/login.js');", "location.replace('/');"],
    ids=["at once", "later", "after loading a part", "by going there"],
)
async def test_a_program_that_still_says_loading_proves_nothing(page: Page, when_denied: str) -> None:
    async def slow(_: Request) -> Response:
        await asyncio.sleep(1)
        return Response(FORM, content_type="text/javascript")

    routes: dict[str, Handler | Response | str] = {
        "/": LOGIN,
        "/home": program(when_denied),
        "/api/me": Response("{}", 401),
        "/login.js": slow,
    }
    assert await verdict(page, routes) == "signed_out"


async def test_a_program_that_knows_us(page: Page) -> None:
    async def slow(_: Request) -> Response:
        await asyncio.sleep(1)
        return Response("{}")

    assert await verdict(page, {"/home": program(FORM), "/api/me": slow}) == "signed_in"
    assert "Welcome back" in await page.inner_text("body")


async def test_a_part_that_is_forbidden_does_not_sign_anybody_out(page: Page) -> None:
    home = HOME.replace("</body>", "<script>fetch('/admin-widget')</script></body>")
    assert await verdict(page, {"/home": home, "/admin-widget": Response("no", 403)}) == "signed_in"


async def test_a_form_that_is_put_over_an_empty_page(page: Page) -> None:
    assert await verdict(page, {"/home": html(f"<script>setTimeout(() => {{ {FORM} }}, 500)</script>")}) == "signed_out"


def links(*texts: tuple[str, str]) -> str:
    return "".join(f'<p><a href="{to}">{text}</a></p>' for text, to in texts)


WAYS = links(("Authenticator app", "/2fa/app"), ("Email me a code", "/2fa/mail"))
CANCEL = links(("Cancel login", "/logout?requesttoken=x"))
OUT = links(("Sign out", "/logout"))
KEY = '<button type="button">Use your security key</button>'
HALF = {
    "chooser": html(f"<h1>Two-factor authentication</h1><p>Choose a way.</p>{WAYS}{CANCEL}", title="Acme"),
    "chooser without a way back": html(f"<h1>Verify it's you</h1>{WAYS}", title="Acme"),
    "chooser to sign out from": html(f"<h1>Two-factor authentication</h1>{WAYS}{OUT}", title="Acme"),
    "chooser, cancel in a menu": html(
        f'<h1>Two-factor authentication</h1>{WAYS}<div style="display:none">{CANCEL}</div>', title="Acme"
    ),
    "passkey": html(f"<h1>Use your passkey</h1>{KEY}{CANCEL}", title="Acme"),
    "passkey under the name of the site": html(f"<h1>Sign in to Acme</h1>{KEY}", title="Acme"),
    "approval": html("<h1>Check your phone</h1><p>We sent a notification to your device.</p>" + CANCEL, title="Acme"),
}


@pytest.mark.parametrize("half", HALF.values(), ids=HALF.keys())
async def test_half_a_sign_in_is_none(page: Page, half: str) -> None:
    """The password was right, and the site wants more before it shows what is behind the login."""
    assert await verdict(page, {"/home": redirect("/2fa"), "/2fa": half}) == "signed_out"


@pytest.mark.parametrize("half", ["chooser", "passkey", "approval"])
async def test_half_a_sign_in_in_the_place_of_the_page(page: Page, half: str) -> None:
    assert await verdict(page, {"/home": HALF[half]}) == "signed_out"


MENU = links(("Contacts", "/c"), ("Email", "/e"), ("SMS", "/s"), ("Automations", "/a"), ("Reports", "/r"))
WHOLE = {
    "passkey offered": f"<h1>Overview</h1><p>18 events</p>{links(('Add a passkey', '/passkey'))}{OUT}",
    "passkey offered under a heading": f"<h2>Add a passkey</h2>{links(('Settings', '/set'))}{KEY}{OUT}",
    "passkey offer to decline": f"<h1>Faster with a passkey</h1>{KEY}<button>Not now</button>",
    "orders that wait": f"<h1>Orders</h1><p>3 orders are waiting for approval.</p>{OUT}",
    "orders that wait, menu": f"<h1>Orders</h1><p>3 waiting for approval.</p>{links(('Settings', '/set'))}",
    "mail and text messages": f"<h1>Campaigns</h1>{MENU}",
    "mail and text messages, sign-out": f"<h1>Campaigns</h1>{MENU}{OUT}",
    "cancel an order": f"<h1>Order 17</h1><p>Two pairs of shoes.</p>{links(('Cancel order', '/orders/17/cancel'))}",
}


@pytest.mark.parametrize("whole", WHOLE.values(), ids=WHOLE.keys())
@pytest.mark.parametrize("led", ["there", "on"])
async def test_pages_that_only_speak_of_proofs_are_behind_the_login(page: Page, whole: str, led: str) -> None:
    routes = {"/home": html(whole)} if led == "there" else {"/home": redirect("/overview"), "/overview": html(whole)}
    assert await verdict(page, {**routes}) == "signed_in"


async def test_the_page_of_the_second_factors_itself(page: Page) -> None:
    """Where an account sets its second factor up it may sign out as well, and that is where the visit was to lead."""
    assert await verdict(page, {"/home": html(f"<h1>Two-factor authentication</h1>{WAYS}{OUT}")}) == "signed_in"


async def test_nothing_is_told_where_nothing_is_sure(page: Page) -> None:
    bare = html(f"<h1>Overview</h1><p>Hello.</p>{links(('Add a passkey', '/passkey'))}")
    assert await verdict(page, {"/home": bare}) == "unknown"
