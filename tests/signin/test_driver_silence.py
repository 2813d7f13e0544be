"""The driver where a site says little about what it was sent, or gets it in another place than its own address."""

import asyncio

import pytest
from playwright.async_api import Page

from tests.signin.driving import (
    APP_FORM,
    CODE,
    HOME,
    LOGIN,
    PASSWORD,
    WRONG,
    Keys,
    account,
    check_password,
    drive,
    protected,
)
from tests.site import Request, Response, redirect, serve

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

LET_IN = redirect("/home", cookie="sid=1; Path=/")
OPEN = {"access-control-allow-origin": "*"}
SENDS = """<script>
  const send = (to) => fetch(to, {method: 'POST', body: new URLSearchParams(new FormData(document.forms[0]))});
  const password = document.getElementById('password');
  const tell = (text) => document.body.append(Object.assign(document.createElement('p'), {textContent: text}));
  document.forms[0].addEventListener('submit', async (event) => { event.preventDefault(); DOES });
</script></body>"""


def scripted(does: str) -> str:
    """The login page, whose form is sent by a script."""
    return LOGIN.replace("</body>", SENDS.replace("DOES", does))


@pytest.mark.parametrize(
    ("then", "told", "status"),
    [
        ("password.value = '';", 400, "bad_credentials"),
        ("tell('That did not work.');", 200, "bad_credentials"),
        ("", 400, "unknown"),
    ],
    ids=["clears the field", "says so", "nothing"],
)
async def test_a_login_that_is_sent_to_another_address_is_sent_once(
    page: Page, keys: Keys, then: str, told: int, status: str
) -> None:
    async with serve({"/login": Response("{}", told, OPEN)}, host="localhost") as other:
        start = scripted(f"await send('{other.url}/login'); {then}")
        async with serve({"/": start}) as site:
            assert (await drive(page, account(site), keys).run()).status == status
            assert [post.form.get("password") for post in other.posts()] == [PASSWORD]


async def test_a_right_login_that_is_sent_to_another_address(page: Page, keys: Keys) -> None:
    async def slow(_: Request) -> Response:
        await asyncio.sleep(8)
        return Response("{}", 200, OPEN)

    async with serve({"/login": slow}, host="localhost") as other:
        start = scripted(f"await send('{other.url}/login'); location = '/home';")
        async with serve({"/": start, "/home": HOME}) as site:
            assert (await drive(page, account(site), keys).run()).status == "submitted"
            assert len(other.posts()) == 1


CHECKS = (
    "<script>document.getElementById('{}').addEventListener('{}', () => fetch('/check', {{method: 'POST'}}));</script>"
)


@pytest.mark.parametrize("status", [200, 404, 500])
@pytest.mark.parametrize("event", ["blur", "input"])
async def test_what_the_page_sends_while_it_is_filled_is_not_the_form(
    page: Page, keys: Keys, event: str, status: int
) -> None:
    async def check(_: Request) -> Response:
        await asyncio.sleep(0.3)
        return Response("{}", status)

    start = LOGIN.replace("</body>", CHECKS.format("user", event) + "</body>")
    async with serve({"/": start, "/check": check, "/login": check_password, "/home": protected}) as site:
        assert (await drive(page, account(site), keys).run()).status == "submitted"
        assert [post.path for post in site.posts() if post.path != "/check"] == ["/login"]


async def test_what_the_page_sends_while_the_code_is_typed_is_not_the_code(page: Page, keys: Keys) -> None:
    form = APP_FORM.replace("</body>", CHECKS.format("code", "input") + "</body>")

    def check_code(request: Request) -> Response | str:
        return LET_IN if request.form == {"code": CODE} else form

    routes = {"/": LOGIN, "/login": form, "/check": Response("{}"), "/code": check_code, "/home": protected}
    async with serve(routes) as site:
        assert (await drive(page, account(site, "totp", totp_ref="x"), keys).run()).status == "submitted"
        assert [post.path for post in site.posts() if post.path != "/check"] == ["/login", "/code"]


async def test_a_page_that_loads_anew_for_every_value_is_not_filled_for_ever(page: Page, keys: Keys) -> None:
    start = LOGIN.replace('id="user"', 'id="user" onchange="this.form.submit()"')
    async with serve({"/": start, "/login": start}) as site:
        outcome = await drive(page, account(site), keys).run()
        assert (outcome.status, outcome.reason) == (
            "unknown",
            "The page goes to another one each time that it is filled.",
        )
        assert len(site.posts()) < 8


@pytest.mark.parametrize(
    ("then", "status"),
    [
        ("", "unknown"),
        ("password.value = '';", "bad_credentials"),
        ("tell('That did not work.');", "bad_credentials"),
        ("setTimeout(() => { location = '/home'; }, 5000); password.animate([{opacity: 0}], {duration: 9000});", "in"),
        ("send('/next').then(() => { location = '/home'; });", "in"),
    ],
    ids=["nothing", "clears the field", "says so", "goes on after a while", "asks for the next part"],
)
async def test_a_form_that_stands_is_refused_only_when_something_says_so(
    page: Page, keys: Keys, then: str, status: str
) -> None:
    async def next_part(_: Request) -> str:
        await asyncio.sleep(5)
        return "{}"

    start = scripted(f"await send('/login'); {then}")
    async with serve({"/": start, "/login": Response("{}"), "/next": next_part, "/home": HOME}) as site:
        outcome = await drive(page, account(site), keys).run()
        assert outcome.status == ("submitted" if status == "in" else status)
        assert len([post for post in site.posts() if post.path == "/login"]) == 1


LATER = "<script>setTimeout(() => { location.replace('/home'); }, 700)</script></body>"


@pytest.mark.parametrize("known", [False, True], ids=["unknown page", "known page"])
async def test_an_answer_with_the_form_and_a_script_that_goes_on(page: Page, known: bool) -> None:
    answer = Response(LOGIN.replace("</body>", LATER), headers={"set-cookie": "sid=1; Path=/"})
    async with serve({"/": LOGIN, "/login": answer, "/home": protected}) as site:
        book = None
        if known:
            first = drive(page, account(site), Keys())
            assert (await first.run()).status == "submitted"
            book = first.driver.recipes
            await page.context.clear_cookies()
        assert (await drive(page, account(site), Keys(), recipes=book).run()).status == "submitted"


async def test_a_refusal_with_a_script_in_the_page_is_one(page: Page, keys: Keys) -> None:
    again = LOGIN.replace("</body>", "<script>document.title += '.'</script></body>")
    async with serve({"/": LOGIN, "/login": again}) as site:
        assert (await drive(page, account(site), keys).run()).status == "bad_credentials"
        assert len(site.posts()) == 1


async def test_a_form_that_is_answered_with_nothing(page: Page, keys: Keys) -> None:
    async with serve({"/": LOGIN, "/login": Response("", 204)}) as site:
        assert (await drive(page, account(site), keys).run()).status == "unknown"
        assert len(site.posts()) == 1


async def test_windows_that_never_load_are_waited_for_together(page: Page, keys: Keys) -> None:
    async def never(_: Request) -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    pops = scripted("for (let i = 0; i < 12; i++) window.open('/ad?' + i);")
    async with serve({"/": pops, "/ad": never}) as site:
        async with asyncio.timeout(40):
            assert (await drive(page, account(site), keys, timeout=3.0).run()).status == "unknown"
        assert len(page.context.pages) < 6


async def test_wrong_is_told_at_once(page: Page, keys: Keys) -> None:
    async with serve({"/": LOGIN, "/login": WRONG}) as site, asyncio.timeout(20):
        assert (await drive(page, account(site), keys).run()).status == "bad_credentials"
