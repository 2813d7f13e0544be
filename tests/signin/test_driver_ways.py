"""The driver beside the forms: other ways in, choosers, banners, terms, and what only a person can bring."""

import json

import pytest
from playwright.async_api import Page

from seezar.signin.detector import detect
from seezar.signin.outcome import Outcome
from tests.signin.driving import (
    APP_FORM,
    CODE,
    CODE_FORM,
    HOME,
    LOGIN,
    PASSWORD,
    USER,
    WRONG,
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

TILE = '<p><a role="button" href="/as/{0}">{0}</a></p>'
LET_IN = redirect("/home", cookie="sid=1; Path=/")


def check_code(request: Request) -> Response | str:
    """A code page that lets the right code in."""
    return LET_IN if request.form.get("code") == CODE else CODE_FORM


def asks(outcome: Outcome) -> tuple[str, str | None]:
    """Status and question."""
    return outcome.status, outcome.question


def buttons(heading: str, lead: str, *names: tuple[str, str]) -> str:
    """A page with a heading and buttons that lead to addresses."""
    shown = "".join(f'<p><a role="button" href="{to}">{text}</a></p>' for text, to in names)
    return html(f"<h1>{heading}</h1><p>{lead}</p>{shown}", title=heading)


CHOOSER = buttons(
    "Verify your identity",
    "Choose how you want to verify that it is you.",
    ("Text message to +49 *** 12", "/sms"),
    ("Email code to o***@acme.test", "/mail"),
    ("Authenticator app", "/app"),
)
SMS_FORM = CODE_FORM.replace("to your e-mail", "by SMS to your phone")


@pytest.mark.parametrize(
    ("factor", "status", "visited"), [("totp", "submitted", "/app"), ("email", "challenge", "/mail")]
)
async def test_a_chooser_is_answered_by_the_second_factor(
    page: Page, keys: Keys, factor: str, status: str, visited: str
) -> None:
    routes = {
        "/": LOGIN,
        "/login": CHOOSER,
        "/app": APP_FORM,
        "/mail": CODE_FORM,
        "/sms": SMS_FORM,
        "/code": check_code,
        "/home": protected,
    }
    async with serve(routes) as site:
        outcome = await drive(page, account(site, factor, totp_ref="x"), keys).run()  # pyright: ignore[reportArgumentType]
        assert outcome.status == status
        paths = {request.path for request in site.requests}
        assert paths & {"/app", "/mail", "/sms"} == {visited}


RADIOS = html(
    """<h1>Choose a verification method</h1><form method="post" action="/chosen">
    <label><input type="radio" name="way" value="sms" checked> Text message</label>
    <label><input type="radio" name="way" value="app"> Authenticator app</label>
    <label><input type="radio" name="way" value="mail"> Email</label>
    <button name="go" value="back">Back</button><button name="go" value="on">Continue</button></form>"""
)


async def test_a_chooser_of_radio_buttons(page: Page, keys: Keys) -> None:
    def chosen(request: Request) -> Response | str:
        return APP_FORM if request.form == {"way": "app", "go": "on"} else html("<p>no</p>")

    routes = {"/": LOGIN, "/login": RADIOS, "/chosen": chosen, "/code": check_code, "/home": protected}
    async with serve(routes) as site:
        assert (await drive(page, account(site, "totp", totp_ref="x"), keys).run()).status == "submitted"


async def test_a_code_of_another_kind_leads_to_the_own_one(page: Page, keys: Keys) -> None:
    """The site sends an SMS first; the authenticator is behind a link."""
    first = SMS_FORM.replace("</form>", '</form><a href="/ways">Try another way</a>')
    routes = {
        "/": LOGIN,
        "/login": first,
        "/ways": CHOOSER,
        "/app": APP_FORM,
        "/code": check_code,
        "/home": protected,
    }
    async with serve(routes) as site:
        assert (await drive(page, account(site, "totp", totp_ref="x"), keys).run()).status == "submitted"
        assert "/app" in [request.path for request in site.requests]


@pytest.mark.parametrize("factor", ["none", "totp"])
async def test_a_code_by_sms_is_asked_of_a_person(page: Page, keys: Keys, factor: str) -> None:
    async with serve({"/": LOGIN, "/login": SMS_FORM, "/code": check_code, "/home": protected}) as site:
        run = drive(page, account(site, factor, totp_ref="x"), keys)  # pyright: ignore[reportArgumentType]
        assert asks(await run.run()) == ("needs_person", "code")
        assert [post.path for post in site.posts()] == ["/login"]
        assert (await run.go_on(code=CODE)).status == "submitted"
        assert [asked.split()[0] for asked in keys.asked] == ["password"]


async def test_a_wrong_answer_is_a_bad_code(page: Page, keys: Keys) -> None:
    async with serve({"/": LOGIN, "/login": SMS_FORM, "/code": check_code, "/home": protected}) as site:
        run = drive(page, account(site), keys)
        await run.run()
        assert (await run.go_on(code="000000")).status == "bad_code"
        assert len(site.posts()) == 2


WAITING = """<h1>{}</h1><p>{}</p><a href="/login">Cancel</a><script>
  setInterval(async () => {{ if ((await (await fetch('/state')).text()) === 'yes') location = '/home'; }}, 100);
</script>"""


@pytest.mark.parametrize(
    ("heading", "lead"),
    [
        ("Approve the sign-in on your phone", "We sent a notification to your device."),
        ("Anmeldung bestätigen", "Bitte bestätigen Sie die Anmeldung in der App auf Ihrem Smartphone."),
        ("Confirmez votre identité", "Approuvez la connexion sur votre téléphone."),
        ("ログインの確認", "スマートフォンで承認してください。"),
    ],
    ids=["en", "de", "fr", "ja"],
)
async def test_an_approval_is_left_to_a_person(page: Page, keys: Keys, heading: str, lead: str) -> None:
    approved: list[str] = []

    def state(_: Request) -> Response:
        return Response("yes" if approved else "no", headers={"set-cookie": "sid=1; Path=/"} if approved else {})

    routes = {"/": LOGIN, "/login": html(WAITING.format(heading, lead)), "/state": state, "/home": protected}
    async with serve(routes) as site:
        run = drive(page, account(site), keys)
        assert asks(await run.run()) == ("needs_person", "approval")
        approved.append("yes")
        await page.wait_for_url("**/home")
        assert (await run.go_on()).status == "submitted"
        assert len(site.posts()) == 1


TERMS = html(
    """<h1>Our terms of service have changed</h1><form method="post" action="/terms">
    <label><input type="checkbox" name="read" value="yes" required> I have read the terms of service</label>
    <button name="say" value="no">Decline</button><button name="say" value="yes">Accept and continue</button></form>""",
    title="New terms",
)


async def test_terms_are_accepted_only_when_a_person_says_so(page: Page, keys: Keys) -> None:
    def said(request: Request) -> Response | str:
        return LET_IN if request.form == {"read": "yes", "say": "yes"} else TERMS

    async with serve({"/": LOGIN, "/login": TERMS, "/terms": said, "/home": protected}) as site:
        run = drive(page, account(site), keys)
        assert asks(await run.run()) == ("needs_person", "terms")
        assert asks(await run.go_on()) == ("needs_person", "terms")
        assert [post.path for post in site.posts()] == ["/login"]
        assert (await run.driver.run(accept_terms=True)).status == "submitted"


async def test_what_a_person_did_at_a_captcha_is_gone_on_from(page: Page, keys: Keys) -> None:
    captcha = html(
        '<h1>Verify you are human</h1><div class="captcha-box" data-sitekey="x" style="width:300px;height:80px"></div>'
    )
    async with serve({"/": captcha, "/start": LOGIN, "/login": check_password, "/home": protected}) as site:
        run = drive(page, account(site), keys)
        assert asks(await run.run()) == ("captcha", "captcha")
        await page.goto(f"{site.url}/start")
        assert (await run.go_on()).status == "submitted"


PASSKEY = html('<h1>Sign in with your passkey</h1><button type="button">Continue with a passkey</button>{}')


async def test_a_passkey_alone_is_left_to_a_person(page: Page, keys: Keys) -> None:
    async with serve({"/": PASSKEY.format("")}) as site:
        assert asks(await drive(page, account(site), keys).run()) == ("passkey_only", "passkey")


@pytest.mark.parametrize(
    "text",
    ["Use your password instead", "Log in with password", "Stattdessen Passwort verwenden", "パスワードでログイン"],
)
async def test_a_password_instead_of_a_passkey(page: Page, keys: Keys, text: str) -> None:
    start = PASSKEY.format(f'<a href="/form">{text}</a>')
    async with serve({"/": start, "/form": LOGIN, "/login": check_password, "/home": protected}) as site:
        assert (await drive(page, account(site), keys).run()).status == "submitted"


async def test_a_password_instead_of_a_link_by_mail(page: Page, keys: Keys) -> None:
    start = html(
        """<h1>Sign in</h1><form method="post" action="/mail"><label for="e">E-mail</label>
        <input id="e" name="user" type="email"><button>Email me a link</button></form>
        <a href="/form">Sign in with a password</a>""",
        title="Sign in",
    )
    async with serve({"/": start, "/form": LOGIN, "/login": check_password, "/home": protected}) as site:
        assert (await drive(page, account(site), keys).run()).status == "submitted"
        assert [post.path for post in site.posts()] == ["/login"]


async def test_an_account_of_links_keeps_to_the_link(page: Page, keys: Keys) -> None:
    start = html(
        """<h1>Sign in</h1><form method="post" action="/mail"><label for="e">E-mail</label>
        <input id="e" name="user" type="email"><button>Email me a link</button></form>
        <a href="/form">Sign in with a password</a>""",
        title="Sign in",
    )
    sent = html("<h1>Check your email</h1><p>We sent you a link to sign in.</p>")
    async with serve({"/": start, "/form": LOGIN, "/mail": sent}) as site:
        assert (await drive(page, account(site, "link"), keys).run()).status == "challenge_link"
        assert [post.form for post in site.posts()] == [{"user": USER}]


GATE = """<div id="place"></div><div id="cc" class="cookie-consent" style="position:fixed;inset:0;background:#fff">
  <p>We use cookies on this site.</p>{}</div><template id="t">{}</template><script>
  const answer = (what) => {{ fetch('/consent?say=' + what); document.getElementById('cc').remove();
    document.getElementById('place').append(document.getElementById('t').content.cloneNode(true)); }};
  for (const b of document.querySelectorAll('#cc button')) b.onclick = () => answer(b.dataset.say);
</script>"""


@pytest.mark.parametrize(
    ("controls", "said"),
    [
        ('<button data-say="yes">Accept all</button><button data-say="no">Nur notwendige Cookies</button>', "no"),
        ('<button data-say="yes">Allow</button><button data-say="close" aria-label="Close">×</button>', "close"),
        ('<button data-say="yes">OK</button>', "yes"),
        ('<button data-say="yes">Tout accepter</button><button data-say="no">Continuer sans accepter</button>', "no"),
    ],
    ids=["necessary", "close", "only yes", "fr"],
)
async def test_a_banner_before_the_form_gets_the_least_consent(
    page: Page, keys: Keys, controls: str, said: str
) -> None:
    form = LOGIN.partition("<body>")[2].partition("</body>")[0]
    routes = {"/": html(GATE.format(controls, form)), "/login": check_password, "/home": protected, "/consent": "ok"}
    async with serve(routes) as site:
        assert (await drive(page, account(site), keys).run()).status == "submitted"
        (consent,) = [request for request in site.requests if request.path == "/consent"]
        assert consent.query == {"say": said}


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("Too many failed attempts. Try again in 15 minutes.", "rate_limited"),
        ("Zu viele Fehlversuche. Bitte versuchen Sie es später noch einmal.", "rate_limited"),
        ("試行回数が上限に達しました。", "rate_limited"),
        ("Your account has been locked after too many failed attempts.", "locked"),
        ("Su cuenta ha sido bloqueada temporalmente.", "locked"),
        ("Wrong password. Your account will be locked after 2 more attempts.", "bad_credentials"),
        ("The password is not right. Try again later.", "bad_credentials"),
    ],
)
async def test_what_a_site_says_in_words(page: Page, keys: Keys, told: str, status: str) -> None:
    async with serve({"/": LOGIN, "/login": WRONG.replace("The password is not right.", told)}) as site:
        assert (await drive(page, account(site), keys).run()).status == status
        assert len(site.posts()) == 1


async def test_words_that_stood_there_before_are_no_answer(page: Page, keys: Keys) -> None:
    note = '<p class="notice">If your account is locked, call us.</p><form'
    routes = {"/": LOGIN.replace("<form", note), "/login": WRONG.replace("<form", note)}
    async with serve(routes) as site:
        assert (await drive(page, account(site), keys).run()).status == "bad_credentials"


SILENT = LOGIN.replace(
    "</body>",
    """<script>
      document.querySelector('form').addEventListener('submit', async (event) => {
        event.preventDefault();
        const body = JSON.stringify(Object.fromEntries(new FormData(event.target)));
        const told = await (await fetch('/api', {method: 'POST', body})).json();
        if (told.ok) location.hash = '#/home'; else document.getElementById('password').value = '';
      });
      const home = '<h1>Overview</h1><a href="#">Sign out</a>';
      const show = () => { if (location.hash === '#/home') document.body.innerHTML = home; };
      addEventListener('hashchange', show);
    </script></body>""",
)


@pytest.mark.parametrize(("secret", "status"), [(PASSWORD, "submitted"), ("another", "bad_credentials")])
async def test_a_page_that_only_clears_the_field(page: Page, keys: Keys, secret: str, status: str) -> None:
    """A script sends it, the answer is 200 either way, and nothing is said about a wrong password."""

    def check(request: Request) -> Response:
        return Response(json.dumps({"ok": json.loads(request.body)["password"] == secret}))

    async with serve({"/": SILENT, "/api": check}) as site:
        assert (await drive(page, account(site), keys).run()).status == status
        assert len(site.posts()) == 1


LETTERS = CODE_FORM.replace('inputmode="numeric" maxlength="6"', 'maxlength="{}"').replace(
    "<button>Verify", '<button name="go" value="back">Back</button><button name="go" value="on">Verify'
)


@pytest.mark.parametrize(("room", "held"), [("7", "abc-def"), ("6", "abcdef"), ("40", "abc-def")])
async def test_a_code_of_letters(page: Page, keys: Keys, room: str, held: str) -> None:
    def check(request: Request) -> Response | str:
        return LET_IN if request.form == {"code": held, "go": "on"} else html("<p>no</p>")

    routes = {"/": LOGIN, "/login": LETTERS.format(room), "/code": check, "/home": protected}
    async with serve(routes) as site:
        run = drive(page, account(site, "email"), keys)
        await run.run()
        assert (await run.go_on(code="abc-def")).status == "submitted"


async def test_a_box_for_the_code_beside_the_password(page: Page, keys: Keys) -> None:
    start = LOGIN.replace(
        '<button id="go">',
        '<label for="c">Authenticator code</label><input id="c" name="code" autocomplete="one-time-code" maxlength="6">'
        '<button id="go">',
    )

    def check(request: Request) -> Response | str:
        return LET_IN if right(request) and request.form["code"] == CODE else WRONG

    async with serve({"/": start, "/login": check, "/home": protected}) as site:
        assert (await drive(page, account(site, "totp", totp_ref="x"), keys).run()).status == "submitted"
        assert len(site.posts()) == 1


async def test_a_form_that_appears_seconds_after_the_page(page: Page, keys: Keys) -> None:
    form = LOGIN.partition("<body>")[2].partition("</body>")[0]
    late = html(
        f"""<h1>Acme</h1><p>One moment, please.</p><template id="t">{form}</template><script>
        setTimeout(() => document.body.append(document.getElementById('t').content.cloneNode(true)), 5000);
        </script>"""
    )
    async with serve({"/": late, "/login": check_password, "/home": protected}) as site:
        assert (await drive(page, account(site), keys).run()).status == "submitted"


async def test_a_first_visit_wizard_is_left_to_the_proof(page: Page, keys: Keys) -> None:
    wizard = html(
        """<h1>Create your organization</h1><form method="post" action="/org">
        <label>Your name <input name="name"></label>
        <label>Company <input name="company"></label>
        <label>Invite by e-mail <input name="mail" type="email"></label><button>Create</button></form>"""
    )
    async with serve({"/": LOGIN, "/login": redirect("/setup"), "/setup": wizard}) as site:
        assert (await drive(page, account(site), keys).run()).status == "submitted"
        assert [post.path for post in site.posts()] == ["/login"]


async def test_a_window_that_signs_in_and_closes(page: Page, keys: Keys) -> None:
    start = html(
        """<h1>Acme</h1><button onclick="window.open('/form', 'w')">Sign in</button><script>
        addEventListener('message', () => { location = '/home'; });</script>"""
    )
    done = Response("<script>opener.postMessage('in'); close();</script>", 200, {"set-cookie": "sid=1; Path=/"})
    async with serve({"/": start, "/form": LOGIN, "/login": done, "/home": protected}) as site:
        run = drive(page, account(site), keys)
        assert (await run.run()).status == "submitted"
        assert (run.driver.page, page.url) == (page, f"{site.url}/home")


async def test_signed_in_already(page: Page, keys: Keys) -> None:
    async with serve({"/": HOME}) as site:
        assert (await drive(page, account(site), keys).run()).status == "submitted"
        assert keys.asked == []


@pytest.mark.parametrize("way_back", ["Cancel login", "Log out"])
async def test_a_chooser_with_a_way_back_is_not_the_site(page: Page, keys: Keys, way_back: str) -> None:
    chooser = CHOOSER.replace("</body>", f'<a href="/logout?token=x">{way_back}</a></body>')
    routes = {"/": LOGIN, "/login": chooser, "/app": APP_FORM, "/code": check_code, "/home": protected}
    async with serve(routes) as site:
        assert (await drive(page, account(site, "totp", totp_ref="x"), keys).run()).status == "submitted"
        assert "/app" in [request.path for request in site.requests]
        assert page.url == f"{site.url}/home"


@pytest.mark.parametrize(
    ("tiles", "taken"),
    [
        (("diana@x.io", "ana@x.io"), "/as/ana@x.io"),
        (("diana@x.io", "ana@x.io.example"), None),
        (("Ana Marten ana@x.io",), "/as/Ana Marten ana@x.io"),
        (("Work: ana@x.io", "Home: ana@x.io"), None),
        (("sales+ana@x.io",), None),
    ],
    ids=["own and longer", "others", "with a name", "two of them", "behind a sign"],
)
async def test_the_tile_is_the_one_of_the_account(page: Page, tiles: tuple[str, ...], taken: str | None) -> None:
    shown = "".join(TILE.format(tile) for tile in tiles)
    await page.set_content(html(f"<h1>Choose an account</h1>{shown}", title="Choose an account"))
    tile = (await detect(page, username="ana@x.io")).tile
    assert (await tile.get_attribute("href") if tile is not None else None) == taken
