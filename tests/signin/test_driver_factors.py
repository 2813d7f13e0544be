"""The driver where the second factor is chosen, listed, sent on request, or typed where a password goes."""

import pytest
from playwright.async_api import Page

from tests.signin.driving import (
    CODE,
    HOME,
    LOGIN,
    PASSWORD,
    USER,
    Keys,
    account,
    check_password,
    drive,
    protected,
    right,
)
from tests.site import Request, Response, redirect, serve
from tests.site import page as html

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

LET_IN = redirect("/home", cookie="sid=1; Path=/")
# No heading says what this is about, and one button does not say where the code comes from.
CHOICE = html(
    """<div>One more step</div><div>Please show that it is you.</div>
    <form method="post" action="/sent"><button>Get a verification code</button></form>
    <form method="get" action="/app"><button>Use your authenticator app</button></form>
    <a href="/">Return</a>"""
)
BOX = """<form method="post" action="{action}"><label>Verification code
    <input name="code" autocomplete="one-time-code" maxlength="6"></label><button>Verify</button></form>"""
FROM_MAIL = html(BOX.format(action="/code") + '<a href="/app">Use your authenticator app</a>')
FROM_APP = html(BOX.format(action="/code") + '<a href="/sent">Text me instead</a>')


def check_code(request: Request) -> Response | str:
    """Lets the right code in."""
    return LET_IN if request.form.get("code") == CODE else FROM_APP


async def test_of_two_factors_the_account_s_own_is_chosen(page: Page, keys: Keys) -> None:
    routes = {"/": LOGIN, "/login": CHOICE, "/sent": FROM_MAIL, "/app": FROM_APP, "/code": check_code, "/home": HOME}
    async with serve(routes) as site:
        assert (await drive(page, account(site, "totp", totp_ref="x"), keys).run()).status == "submitted"
        assert [post.path for post in site.posts()] == ["/login", "/code"]
    async with serve(routes) as site:
        run = drive(page, account(site, "email"), keys)
        assert (await run.run()).status == "challenge"
        assert (await run.go_on(code=CODE)).status == "submitted"
        assert [post.path for post in site.posts()] == ["/login", "/sent", "/code"]


ONE_FORM = html(
    """<form method="post" action="/login"><label>User name <input name="user" autocomplete="username"></label>
    <label>Password <input type="password" name="password" value="{password}"></label>{more}
    <label>Security code <input name="code" autocomplete="off" maxlength="6"></label><button>Log in</button></form>""",
    title="Log in",
)
DEVICES = """<p role="alert">Choose where your code comes from.</p><label>Code comes from <select name="device">
    <option value="">-</option>{options}</select></label>"""
ONE_DEVICE = '<option value="7">Blue telephone</option>'
SEVERAL = '<option value="3">SMS to *42</option><option value="7">Authenticator app</option>'


@pytest.mark.parametrize("options", [ONE_DEVICE, SEVERAL], ids=["one", "several"])
async def test_a_list_of_devices_that_comes_after_the_password(page: Page, options: str) -> None:
    def check(request: Request) -> Response | str:
        if not right(request):
            return ONE_FORM.format(password="", more="")
        if (request.form.get("device"), request.form["code"]) == ("7", CODE):
            return LET_IN
        return ONE_FORM.format(password=PASSWORD, more=DEVICES.format(options=options))

    async with serve({"/": ONE_FORM.format(password="", more=""), "/login": check, "/home": HOME}) as site:
        keys = Keys(codes=["111111", CODE])
        assert (await drive(page, account(site, "totp", totp_ref="x"), keys).run()).status == "submitted"
        assert [post.form.get("device") for post in site.posts()] == [None, "7"]
    async with serve({"/": ONE_FORM.format(password="", more=""), "/login": check}) as site:
        keys = Keys(codes=["111111", "222222", "333333"])
        assert (await drive(page, account(site, "totp", totp_ref="x"), keys).run()).status == "bad_code"


async def test_a_code_box_that_is_there_for_others_is_no_answer_to_a_wrong_password(page: Page, keys: Keys) -> None:
    again = ONE_FORM.format(password="", more='<p role="alert">Not right.</p>')
    async with serve({"/": ONE_FORM.format(password="", more=""), "/login": again}) as site:
        assert (await drive(page, account(site), keys).run()).status == "bad_credentials"
        assert len(site.posts()) == 1


PASSCODE = html(
    """<h1>Sign in</h1>{said}<form method="post" action="/in"><label>Name <input name="user" value="{user}"></label>
    <label>Passcode <input type="password" name="passcode"></label><button>Submit</button>
    <p>Get a one-time code</p><label><input type="radio" name="by" value="mail"> By email</label>
    <button formaction="/send">Send code</button></form>""",
    title="Sign in",
)


async def test_a_code_goes_where_a_password_would_for_an_account_without_one(page: Page, keys: Keys) -> None:
    def send(request: Request) -> str:
        assert (request.form["user"], request.form["by"]) == (USER, "mail")
        return PASSCODE.format(said="<p>Code has been sent</p>", user=USER)

    def enter(request: Request) -> Response | str:
        known = (request.form["user"], request.form["passcode"]) == (USER, CODE)
        return LET_IN if known else PASSCODE.format(said="<p role=alert>Wrong passcode</p>", user=USER)

    routes = {"/": PASSCODE.format(said="", user=""), "/send": send, "/in": enter, "/home": HOME}
    async with serve(routes) as site:
        run = drive(page, account(site, "email", password_ref=None), keys)
        assert (await run.run()).status == "challenge"
        assert (await run.go_on(code=CODE)).status == "submitted"
        assert keys.asked == []
        assert [post.path for post in site.posts()] == ["/send", "/in"]
    async with serve(routes) as site:
        run = drive(page, account(site, "email", password_ref=None), keys)
        await run.run()
        assert (await run.go_on(code="000000")).status == "bad_code"


# The fields are there at once, a control inside them has no name yet, and the button that sends comes last.
GROWING = html(
    """<h1>Sign in</h1><div id="form"><label>User <input id="user" autocomplete="username"></label>
    <label>Password <input id="password" type="password"></label><button id="eye" type="button"></button></div>
    <script>
    const get = (id) => document.getElementById(id);
    get('eye').onclick = () => { get('password').type = 'text'; };
    setTimeout(() => { get('eye').setAttribute('aria-label', 'Show password');
      const go = document.createElement('button'); go.textContent = 'Sign in';
      go.onclick = () => fetch('/login', {method: 'POST', body: new URLSearchParams(
        {user: get('user').value, password: get('password').value})}).then(() => { location = '/home'; });
      get('form').append(go); }, 700);
    </script>"""
)


async def test_a_form_whose_button_comes_last(page: Page, keys: Keys) -> None:
    async with serve({"/": GROWING, "/login": check_password, "/home": protected}) as site:
        assert (await drive(page, account(site), keys).run()).status == "submitted"
        assert [right(post) for post in site.posts()] == [True]


EMPTIED = html(
    """<h1>Verification code</h1><form id="form"><label>Code from your authenticator app
    <input id="code" autocomplete="one-time-code" maxlength="6"></label><button>Verify</button></form><p id="said"></p>
    <script>
    const box = document.getElementById('code');
    box.addEventListener('input', async () => {
      if (box.value.length < 6) return;
      const sent = fetch('/code', {method: 'POST', body: new URLSearchParams({code: box.value})});
      box.value = '';
      if ((await sent).ok) location = '/home';
    });
    document.getElementById('form').onsubmit = () => false;
    </script>"""
)


async def test_a_code_field_that_the_page_empties_when_it_sends_it(page: Page) -> None:
    def check(request: Request) -> Response:
        return Response(status=200 if request.form["code"] == CODE else 401)

    async with serve({"/": LOGIN, "/login": EMPTIED, "/code": check, "/home": HOME}) as site:
        run = drive(page, account(site, "totp", totp_ref="x"), Keys(codes=["111111", CODE]))
        assert (await run.run()).status == "submitted"
    async with serve({"/": LOGIN, "/login": EMPTIED, "/code": check}) as site:
        run = drive(page, account(site, "totp", totp_ref="x"), Keys(codes=["111111", "222222"]))
        assert (await run.run()).status == "bad_code"
        assert [post.form.get("code") for post in site.posts()] == [None, "111111", "222222"]


MAIL_ME = html(
    """<h1>Sign in</h1><form id="form"><label>Email <input id="mail" type="email" autocomplete="email"></label>
    <button>Email me a link</button></form>
    <script>
    document.getElementById('form').onsubmit = (event) => {
      event.preventDefault();
      fetch('/link', {method: 'POST', body: document.getElementById('mail').value});
    };
    </script>""",
    title="Sign in",
)


@pytest.mark.parametrize(("status", "outcome"), [(200, "challenge_link"), (404, "bad_credentials")])
async def test_a_form_for_a_link_that_stays_as_it_is(page: Page, keys: Keys, status: int, outcome: str) -> None:
    async with serve({"/": MAIL_ME, "/link": Response(status=status)}) as site:
        assert (await drive(page, account(site, "link", password_ref=None), keys).run()).status == outcome
