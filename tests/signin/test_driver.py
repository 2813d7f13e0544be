"""The driver on the ordinary ways to sign in, against small sites that behave as sites do."""

import asyncio
import json

import pytest
from playwright.async_api import Page

from tests.signin.driving import (
    APP_FORM,
    CODE,
    CODE_FORM,
    HOME,
    LOGIN,
    PASSWORD,
    USER,
    WRONG,
    WRONG_APP_CODE,
    WRONG_CODE,
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

NAME_FIRST = html(
    """<h1>Sign in</h1><form method="post" action="/name"><label for="user">E-mail</label>
    <input id="user" name="user" type="email" autocomplete="username"><button>Next</button></form>""",
    title="Sign in",
)
THEN_PASSWORD = html(
    f"""<h1>Welcome</h1><p>{USER}</p><form method="post" action="/login">
        <input type="hidden" name="user" value="{USER}">
    <label for="password">Password</label>
    <input id="password" name="password" type="password" autocomplete="current-password">
    <button>Sign in</button></form>""",
    title="Sign in",
)


async def test_one_page(page: Page, keys: Keys) -> None:
    async with serve({"/": LOGIN, "/login": check_password, "/home": protected}) as site:
        run = drive(page, account(site), keys)
        assert (await run.run()).status == "submitted"
        assert page.url == f"{site.url}/home"
        (post,) = site.posts()
        assert post.form == {"user": USER, "password": PASSWORD}
        assert keys.asked == [f"password {site.url}"]
        assert run.steps == ["password"]
        assert len(run.submits) == 1


async def test_user_name_first(page: Page, keys: Keys) -> None:
    routes = {"/": NAME_FIRST, "/name": THEN_PASSWORD, "/login": check_password, "/home": protected}
    async with serve(routes) as site:
        run = drive(page, account(site), keys)
        assert (await run.run()).status == "submitted"
        assert [post.form for post in site.posts()] == [{"user": USER}, {"user": USER, "password": PASSWORD}]
        assert run.steps == ["username", "password"]


async def test_a_user_name_that_the_site_does_not_know(page: Page, keys: Keys) -> None:
    unknown = NAME_FIRST.replace("<form", '<p role="alert">We do not know this address.</p><form')
    async with serve({"/": NAME_FIRST, "/name": unknown}) as site:
        outcome = await drive(page, account(site), keys).run()
        assert outcome.status == "bad_credentials"
        assert keys.asked == []
        assert len(site.posts()) == 1


async def test_a_wrong_password_is_sent_once(page: Page, keys: Keys) -> None:
    async with serve({"/": LOGIN, "/login": WRONG}) as site:
        outcome = await drive(page, account(site), keys).run()
        assert outcome.status == "bad_credentials"
        assert len(site.posts()) == 1


async def test_a_remembered_user_name_is_left_as_it_is(page: Page, keys: Keys) -> None:
    remembered = LOGIN.replace('name="user"', f'name="user" readonly value="{USER}"')
    async with serve({"/": remembered, "/login": check_password, "/home": protected}) as site:
        assert (await drive(page, account(site), keys).run()).status == "submitted"


async def test_a_mailed_code_on_the_same_page(page: Page, keys: Keys) -> None:
    def check_code(request: Request) -> Response | str:
        return redirect("/home", cookie="sid=1; Path=/") if request.form == {"code": CODE} else WRONG_CODE

    async with serve({"/": LOGIN, "/login": CODE_FORM, "/code": check_code, "/home": protected}) as site:
        run = drive(page, account(site, "email"), keys)
        assert (await run.run()).status == "challenge"
        assert run.driver.progress.password_submitted
        assert (await run.go_on(code=CODE)).status == "submitted"
        assert page.url == f"{site.url}/home"


async def test_a_mailed_code_that_is_wrong(page: Page, keys: Keys) -> None:
    async with serve({"/": LOGIN, "/login": CODE_FORM, "/code": WRONG_CODE}) as site:
        run = drive(page, account(site, "email"), keys)
        await run.run()
        assert (await run.go_on(code="000000")).status == "bad_code"
        assert len(site.posts()) == 2


async def test_after_the_code_the_site_starts_over(page: Page, keys: Keys) -> None:
    async with serve({"/": LOGIN, "/login": CODE_FORM, "/code": redirect("/")}) as site:
        run = drive(page, account(site, "email"), keys)
        await run.run()
        assert (await run.go_on(code=CODE)).status == "challenge_lost"
        assert [post.path for post in site.posts()] == ["/login", "/code"]


async def test_a_code_that_the_account_has_no_way_to_get(page: Page, keys: Keys) -> None:
    async with serve({"/": LOGIN, "/login": CODE_FORM}) as site:
        outcome = await drive(page, account(site, "none"), keys).run()
        assert outcome.status == "needs_person"
        assert "second factor" in outcome.reason


@pytest.mark.parametrize(
    ("wrong", "status", "sent"),
    [(0, "submitted", 1), (1, "submitted", 2), (9, "bad_code", 2)],
    ids=["right at once", "wrong then right", "never right"],
)
async def test_totp(page: Page, wrong: int, status: str, sent: int) -> None:
    def check_code(request: Request) -> Response | str:
        return redirect("/home", cookie="sid=1; Path=/") if request.form["code"] == CODE else WRONG_APP_CODE

    keys = Keys(codes=["000000"] * wrong + [CODE])
    async with serve({"/": LOGIN, "/login": APP_FORM, "/code": check_code, "/home": protected}) as site:
        outcome = await drive(page, account(site, "totp", totp_ref="account/ops/totp"), keys).run()
        assert outcome.status == status
        assert len([post for post in site.posts() if post.path == "/code"]) == sent


BOXES = """<h1>Two-factor authentication</h1><p>Enter the 6-digit code from your authenticator app.</p>
<form method="post" action="/code" id="form"><div>{}</div><input type="hidden" name="code" id="all">{}</form>
<script>
  const boxes = [...document.querySelectorAll('input[maxlength]')];
  const advance = {};
  boxes.forEach((box, i) => box.addEventListener('input', () => {{
    if (advance && box.value && boxes[i + 1]) boxes[i + 1].focus();
    document.getElementById('all').value = boxes.map((b) => b.value).join('');
    if ({} && document.getElementById('all').value.length === boxes.length) document.getElementById('form').submit();
  }}));
</script>"""
BOX = '<input maxlength="1" inputmode="numeric" style="width:30px" aria-label="Digit {}">'


@pytest.mark.parametrize("advance", ["true", "false"], ids=["advance", "stay"])
@pytest.mark.parametrize("send", ["true", "false"], ids=["sends itself", "button"])
async def test_split_code_boxes(page: Page, keys: Keys, advance: str, send: str) -> None:
    def check_code(request: Request) -> Response | str:
        return redirect("/home", cookie="sid=1; Path=/") if request.form["code"] == CODE else html("<p>no</p>")

    button = "" if send == "true" else "<button>Verify</button>"
    boxes = BOXES.format("".join(BOX.format(n) for n in range(1, 7)), button, advance, send)
    routes = {"/": LOGIN, "/login": html(boxes, title="Verify"), "/code": check_code, "/home": protected}
    async with serve(routes) as site:
        outcome = await drive(page, account(site, "totp", totp_ref="x"), keys).run()
        assert outcome.status == "submitted"
        assert page.url == f"{site.url}/home"
        assert [post.form for post in site.posts()][1:] == [{"code": CODE}]


SPA = """<div id="app"></div><script>
  const app = document.getElementById('app');
  setTimeout(() => {{
    app.innerHTML = `<h1>Sign in</h1><div><input id="user" type="email" placeholder="E-mail" autocomplete="username">
      <input id="password" type="password" placeholder="Password"><button id="go">Sign in</button>
      <p role="alert"></p></div>`;
    document.getElementById('go').onclick = async () => {{
      const body = JSON.stringify({{user: document.getElementById('user').value,
                                   password: document.getElementById('password').value}});
      const answer = await fetch('/api/login', {{method: 'POST', body}});
      {}
    }};
  }}, 300);
</script>"""
TELLS = "if (answer.ok) location = '/home'; else app.querySelector('[role=alert]').textContent = 'Wrong password';"


async def test_a_script_that_signs_in(page: Page, keys: Keys) -> None:
    def login(request: Request) -> Response:
        good = json.loads(request.body) == {"user": USER, "password": PASSWORD}
        return Response("{}", 200 if good else 401, {"set-cookie": "sid=1; Path=/"} if good else {})

    async with serve({"/": html(SPA.format(TELLS)), "/api/login": login, "/home": protected}) as site:
        assert (await drive(page, account(site), keys).run()).status == "submitted"
        assert page.url == f"{site.url}/home"
        assert len(site.posts()) == 1


async def test_a_script_that_is_answered_401(page: Page, keys: Keys) -> None:
    refuse = Response('{"error": "invalid"}', 401, content_type="application/json")
    async with serve({"/": html(SPA.format(TELLS)), "/api/login": refuse}) as site:
        outcome = await drive(page, account(site), keys).run()
        assert outcome.status == "bad_credentials"
        assert len(site.posts()) == 1


async def test_a_script_that_takes_its_time_to_show_the_site(page: Page, keys: Keys) -> None:
    """The answer is there, the form still stands, and the next part of the program is on its way: no refusal."""
    slow = """if (answer.ok) { const next = await import('/next.js'); next.show(app); }"""
    loading = asyncio.Event()

    async def next_part(_: Request) -> Response:
        await loading.wait()
        return Response(f"export const show = (app) => {{ app.innerHTML = `{HOME}`; }}", content_type="text/javascript")

    def login(_: Request) -> Response:
        asyncio.get_running_loop().call_later(1.0, loading.set)
        return Response("{}")

    async with serve({"/": html(SPA.format(slow)), "/api/login": login, "/next.js": next_part}) as site:
        assert (await drive(page, account(site), keys).run()).status == "submitted"
        assert "Welcome back" in await page.inner_text("body")


async def test_a_page_that_resets_its_fields_while_it_comes_to_life(page: Page, keys: Keys) -> None:
    hydrating = LOGIN.replace(
        "</body>",
        """<script>
          const user = document.getElementById('user');
          let done = false;
          const wipe = () => { user.value = ''; };
          user.addEventListener('input', () => { if (!done) { done = true; setTimeout(wipe, 0); } });
        </script></body>""",
    )
    async with serve({"/": hydrating, "/login": check_password, "/home": protected}) as site:
        outcome = await drive(page, account(site), keys).run()
        assert [right(post) for post in site.posts()] == [True]
        assert outcome.status == "submitted"


async def test_a_rebuilt_page_goes_on_where_the_first_stopped(page: Page, keys: Keys) -> None:
    def check_code(request: Request) -> Response | str:
        return redirect("/home", cookie="sid=1; Path=/") if request.form == {"code": CODE} else WRONG_CODE

    async with serve({"/": LOGIN, "/login": CODE_FORM, "/code": check_code, "/home": protected}) as site:
        first = drive(page, account(site, "email"), keys)
        await first.run()
        second = drive(page, account(site, "email"), keys)
        second.driver.progress = first.driver.progress
        assert (await second.go_on(code=CODE)).status == "submitted"
        assert len(keys.asked) == 1


ONE_BOX = APP_FORM.replace("<button>Verify</button>", "").replace(
    "</body>",
    """<script>
      const box = document.getElementById('code');
      box.addEventListener('input', () => {{ if (box.value.length === 6) {{ {} }} }});
    </script></body>""",
)


@pytest.mark.parametrize(
    "does",
    [
        "box.form.submit();",
        "fetch('/code', {method: 'POST', body: new URLSearchParams({code: box.value})})"
        ".then(() => { location = '/home'; }); box.form.remove();",
    ],
    ids=["form", "script"],
)
async def test_a_code_field_that_sends_itself(page: Page, keys: Keys, does: str) -> None:
    async def slow_check(request: Request) -> Response:
        assert request.form == {"code": CODE}
        await asyncio.sleep(1)
        return redirect("/home", cookie="sid=1; Path=/")

    code_form = ONE_BOX.replace("{{", "{").replace("}}", "}").replace("{ {} }", f"{{ {does} }}")
    async with serve({"/": LOGIN, "/login": code_form, "/code": slow_check, "/home": protected}) as site:
        outcome = await drive(page, account(site, "totp", totp_ref="x"), keys).run()
        assert outcome.status == "submitted"
        assert [post.path for post in site.posts()] == ["/login", "/code"]


@pytest.mark.parametrize("button", ['<button id="go">Sign in</button>', "<button hidden></button>"])
async def test_a_slow_answer_is_waited_for_and_not_asked_for_twice(page: Page, keys: Keys, button: str) -> None:
    """Slower than a click may take."""

    async def slow(request: Request) -> Response | str:
        await asyncio.sleep(6)
        return check_password(request)

    start = LOGIN.replace('<button id="go">Sign in</button>', button)
    async with serve({"/": start, "/login": slow, "/home": protected}) as site:
        assert (await drive(page, account(site), keys).run()).status == "submitted"
        assert len(site.posts()) == 1


async def test_a_button_under_a_banner_is_pressed_once(page: Page, keys: Keys) -> None:
    banner = (
        '<div style="position:fixed;inset:0;z-index:9;background:#fffc">We use cookies <button>Accept</button></div>'
    )
    routes = {"/": LOGIN.replace("<h1>", f"{banner}<h1>"), "/login": check_password, "/home": protected}
    async with serve(routes) as site:
        assert (await drive(page, account(site), keys).run()).status == "submitted"
        assert len(site.posts()) == 1


@pytest.mark.parametrize("method", ["", ' method="get"'])
async def test_a_user_name_may_be_part_of_an_address(page: Page, keys: Keys, method: str) -> None:
    first = html(
        f'''<h1>Sign in</h1><form action="/second"{method}><label for="user">E-mail</label>
        <input id="user" name="user" type="email" autocomplete="username"><button>Next</button></form>''',
        title="Sign in",
    )
    second = html(
        """<h1>Sign in</h1><form method="post" action="/login"><label for="p">Password</label>
        <input id="p" name="password" type="password" autocomplete="current-password">
        <button>Sign in</button></form>""",
        title="Sign in",
    )

    def check(request: Request) -> Response | str:
        right = request.form.get("password") == PASSWORD
        return redirect("/home", cookie="sid=1; Path=/; HttpOnly") if right else second

    async with serve({"/": first, "/second": second, "/login": check, "/home": protected}) as site:
        assert (await drive(page, account(site), keys).run()).status == "submitted"


@pytest.mark.parametrize(
    ("button", "status"),
    [
        ('<button formaction="/forgot">Forgot password?</button>', "needs_person"),
        ("<button>Forgot password?</button>", "needs_person"),
        ('<button style="display:none" formaction="/forgot"></button>', "needs_person"),
        ('<button style="display:none"></button>', "submitted"),
    ],
    ids=["elsewhere", "another", "hidden elsewhere", "hidden"],
)
async def test_enter_presses_no_button_that_was_not_chosen(page: Page, keys: Keys, button: str, status: str) -> None:
    form = LOGIN.replace('<button id="go">Sign in</button>', button)
    assert form != LOGIN
    routes = {"/": form, "/login": check_password, "/forgot": "forgotten", "/home": protected}
    async with serve(routes) as site:
        outcome = await drive(page, account(site), keys).run()
        assert outcome.status == status
        assert [request.path for request in site.posts()] == (["/login"] if status == "submitted" else [])
