"""The driver where sites misbehave: a typed outcome each time, and nothing typed or sent where it must not be."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.async_api import Page

from seezar.browser.pool import BrowserPool
from seezar.errors import OriginNotAllowed
from seezar.signin.filling import FieldRefused
from tests.chromium import loopback
from tests.signin.driving import (
    APP_FORM,
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
)
from tests.site import Request, Response, redirect, serve
from tests.site import page as html

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

# What a site that does not answer at all is given.
SHORT = 3.0
SENDS = """<script>
  document.querySelector('form').addEventListener('submit', (event) => {{
    event.preventDefault();
    {}
  }});
</script></body>"""


async def never(_: Request) -> Response:
    await asyncio.Event().wait()
    raise AssertionError("nobody waits that long")


def scripted(does: str) -> str:
    """The login page, whose form is sent by a script."""
    return LOGIN.replace("</body>", SENDS.format(does))


async def test_a_site_that_nobody_serves(page: Page, keys: Keys) -> None:
    async with serve({}) as site:
        pass
    outcome = await drive(page, account(site), keys).run()
    assert outcome.status == "site_error"
    assert "connection refused" in outcome.reason


@pytest.mark.parametrize(
    ("answer", "status", "told"),
    [
        (Response("oops", 500), "site_error", "500"),
        (Response("down", 503), "site_error", "503"),
        (Response("slow down", 429, {"retry-after": "17"}), "rate_limited", "17 s"),
        (Response(close=True), "site_error", "ERR_EMPTY_RESPONSE"),
        (redirect("/"), "site_error", "ERR_TOO_MANY_REDIRECTS"),
    ],
    ids=["500", "503", "429", "cut", "circle"],
)
async def test_a_start_page_that_is_none(page: Page, keys: Keys, answer: Response, status: str, told: str) -> None:
    async with serve({"/": answer}) as site:
        outcome = await drive(page, account(site), keys).run()
        assert outcome.status == status
        assert told in outcome.reason
        assert keys.asked == []


@pytest.mark.parametrize(
    ("answer", "status", "told"),
    [
        (Response("<h1>Oops</h1>", 500), "site_error", "500"),
        (Response(WRONG, 503), "site_error", "503"),
        (Response("<h1>Slow down</h1>", 429, {"retry-after": "17"}), "rate_limited", "17 s"),
        (Response(WRONG, 429), "rate_limited", "429"),
        (Response(WRONG, 423), "locked", "locked"),
        (Response(WRONG, 401), "bad_credentials", "refused"),
        (Response(WRONG, 422), "bad_credentials", "refused"),
    ],
    ids=["500", "503 with form", "429", "429 with form", "423", "401", "422"],
)
@pytest.mark.parametrize("how", ["form", "script"])
async def test_what_the_submitted_form_is_answered(
    page: Page, keys: Keys, answer: Response, status: str, told: str, how: str
) -> None:
    start = LOGIN if how == "form" else scripted("fetch('/login', {method: 'POST', body: 'x'})")
    async with serve({"/": start, "/login": answer}) as site:
        outcome = await drive(page, account(site), keys).run()
        assert (outcome.status, len(site.posts())) == (status, 1)
        assert told in outcome.reason


@pytest.mark.parametrize("how", ["form", "script"])
async def test_an_answer_that_never_comes_is_not_asked_for_twice(page: Page, keys: Keys, how: str) -> None:
    start = LOGIN if how == "form" else scripted("fetch('/login', {method: 'POST', body: 'x'})")
    async with serve({"/": start, "/login": never}) as site:
        outcome = await drive(page, account(site), keys, timeout=SHORT).run()
        assert outcome.status == "site_error"
        assert "did not answer" in outcome.reason
        assert len(site.posts()) == 1


async def test_a_form_that_does_nothing(page: Page, keys: Keys) -> None:
    async with serve({"/": scripted("")}) as site:
        outcome = await drive(page, account(site), keys).run()
        assert (outcome.status, site.posts()) == ("unknown", [])
        assert "did not react" in outcome.reason


async def test_a_form_that_does_nothing_on_a_page_that_is_busy(page: Page, keys: Keys) -> None:
    """What the page asks for by itself is no sign that the form was sent."""
    polling = scripted("").replace("<script>", "<script>setInterval(() => fetch('/poll'), 50);")
    async with serve({"/": polling, "/poll": Response("{}")}) as site:
        outcome = await drive(page, account(site), keys).run()
        assert outcome.status == "unknown"
        assert "did not react" in outcome.reason


@pytest.mark.parametrize("noise", ["fetch('/hang')", "setInterval(() => fetch('/poll'), 30)"], ids=["hang", "poll"])
async def test_a_page_that_never_rests(page: Page, keys: Keys, noise: str) -> None:
    def noisy(body: str) -> str:
        return body.replace("</body>", f"<script>{noise};</script></body>")

    routes = {
        "/": noisy(LOGIN),
        "/login": check_password,
        "/home": noisy(HOME),
        "/hang": never,
        "/poll": Response("{}"),
    }
    async with serve(routes) as site:
        assert (await drive(page, account(site), keys).run()).status == "submitted"


async def test_what_fails_behind_the_login_is_not_the_login(page: Page, keys: Keys) -> None:
    """A widget that is answered 500, and a counter of somebody else that is answered 429."""
    async with serve({"/count": Response("no", 429)}, host="localhost") as other:
        widgets = (
            f"<script>fetch('/widget', {{method: 'POST'}}); fetch('{other.url}/count', {{method: 'POST'}})</script>"
        )
        home = HOME.replace("</body>", f"{widgets}</body>")
        start = LOGIN.replace("</body>", f"<script>fetch('{other.url}/count', {{method: 'POST'}})</script></body>")
        routes = {"/": start, "/login": redirect("/home"), "/home": home, "/widget": Response("no", 500)}
        async with serve(routes) as site:
            assert (await drive(page, account(site), keys).run()).status == "submitted"
            assert "/widget" in [request.path for request in site.requests]


async def test_dialogs_are_in_nobodys_way(page: Page, keys: Keys) -> None:
    talkative = LOGIN.replace(
        "</body>",
        """<script>
          alert('welcome'); window.onbeforeunload = () => 'stay?';
          document.getElementById('user').oninput = () => confirm('really?');
        </script></body>""",
    )
    async with serve({"/": talkative, "/login": check_password, "/home": protected}) as site:
        assert (await drive(page, account(site), keys).run()).status == "submitted"


async def test_a_popup_is_not_followed(page: Page, keys: Keys) -> None:
    pops = LOGIN.replace(
        "</body>", "<script>document.getElementById('go').onclick = () => { window.open('/ad'); };</script></body>"
    )
    async with serve({"/": pops, "/login": check_password, "/home": protected, "/ad": LOGIN}) as site:
        assert (await drive(page, account(site), keys).run()).status == "submitted"
        assert page.url == f"{site.url}/home"
        assert len(site.posts()) == 1


async def test_a_download_instead_of_an_answer(page: Page, keys: Keys) -> None:
    file = Response("x", 200, {"content-disposition": "attachment; filename=a.bin"}, "application/octet-stream")
    async with serve({"/": LOGIN, "/login": file}) as site:
        outcome = await drive(page, account(site), keys, timeout=SHORT).run()
        assert outcome.status == "unknown"
        assert "as it was sent" in outcome.reason
        assert len(site.posts()) == 1


async def test_a_circle_of_pages_ends(page: Page, keys: Keys) -> None:
    """Every code is answered with another form for a code."""
    again = APP_FORM.replace("Enter your code", "Enter another code")
    async with serve({"/": LOGIN, "/login": APP_FORM, "/code": again}) as site:
        keys.codes = ["111111"] * 50
        outcome = await drive(page, account(site, "totp", totp_ref="x"), keys).run()
        assert outcome.status == "bad_code"
        assert len(site.posts()) == 3


async def test_a_page_without_any_form(page: Page, keys: Keys) -> None:
    async with serve({"/": html("<h1>Welcome</h1><p>Nothing to see.</p>")}) as site:
        assert (await drive(page, account(site), keys).run()).status == "needs_person"


async def test_the_browser_is_closed_in_the_middle(page: Page, keys: Keys) -> None:
    keys.before = page.close
    async with serve({"/": LOGIN, "/login": never}) as site:
        assert (await drive(page, account(site), keys).run()).status == "page_lost"


async def test_a_form_that_leads_off_the_origins_is_not_filled(page: Page, keys: Keys) -> None:
    for attribute in ('action="{}/collect"', 'action="//{}/collect"'):
        async with serve({"/collect": "thanks"}, host="localhost") as evil:
            target = attribute.format(evil.url if 'action="{' in attribute else evil.url.partition("//")[2])
            async with serve({"/": LOGIN.replace('action="/login"', target)}) as site:
                with pytest.raises(OriginNotAllowed, match=f"sends to {evil.url}"):
                    await drive(page, account(site), keys).run()
                assert keys.asked == []
                assert await page.locator("#user").input_value() == ""
                assert evil.requests == []


@pytest.mark.parametrize(
    "change",
    [
        ('<button id="go">', '<button id="go" formaction="{evil}/collect">'),
        ("<form", '<form><input name="action" type="hidden"></form><base href="{evil}/"><form'),
        ('<label for="user">', '<input type="hidden" name="action" value="/login"><label for="user">'),
    ],
    ids=["button", "base", "clobbered"],
)
async def test_hidden_ways_off_the_origins(page: Page, keys: Keys, change: tuple[str, str]) -> None:
    async with serve({"/collect": "thanks", "/login": "thanks"}, host="localhost") as evil:
        start = LOGIN.replace(change[0], change[1].format(evil=evil.url), 1)
        if "<base" not in change[1] and "formaction" not in change[1]:
            start = start.replace('action="/login"', f'action="{evil.url}/collect"')
        async with serve({"/": start}) as site:
            with pytest.raises(OriginNotAllowed, match="sends to"):
                await drive(page, account(site), keys).run()
            assert (keys.asked, evil.requests) == ([], [])


async def test_a_script_in_the_place_of_the_action_is_no_address(page: Page, keys: Keys) -> None:
    start = scripted("location = '/home'").replace('action="/login"', 'action="javascript:void(0)"')
    async with serve({"/": start, "/home": HOME}) as site:
        assert (await drive(page, account(site), keys).run()).status == "submitted"


async def test_a_redirect_to_another_origin_gets_nothing(page: Page, keys: Keys) -> None:
    async with serve({"/": LOGIN}, host="localhost") as evil, serve({"/": redirect(f"{evil.url}/")}) as site:
        with pytest.raises(OriginNotAllowed, match=evil.url):
            await drive(page, account(site), keys).run()
        assert keys.asked == []
        assert USER not in evil.sent()


async def test_a_page_that_becomes_another_while_the_password_is_fetched(page: Page, keys: Keys) -> None:
    """The same fields at the same places, but somebody else's: what was checked is not what is there now."""
    async with serve({"/": LOGIN, "/login": "thanks"}, host="localhost") as evil, serve({"/": LOGIN}) as site:

        async def swap() -> None:
            await page.goto(f"{evil.url}/")

        keys.before = swap
        with pytest.raises(OriginNotAllowed, match=evil.url):
            await drive(page, account(site), keys).run()
        assert await page.locator("#password").input_value() == ""
        assert evil.posts() == []
        assert PASSWORD not in evil.sent()


async def healthy(pool: BrowserPool) -> None:
    """A sign-in in another context of the same browser works."""
    routes = {"/": LOGIN, "/login": check_password, "/home": protected}
    async with pool.context(loopback()) as context, serve(routes) as site:
        outcome = await drive(await pool.new_page(context), account(site), Keys()).run()
        assert outcome.status == "submitted"


@pytest.mark.parametrize("what", ["page", "script"])
async def test_a_page_that_never_loads(pool: BrowserPool, page: Page, keys: Keys, what: str) -> None:
    page.set_default_navigation_timeout(SHORT * 1000)
    hangs = LOGIN.replace("<h1>", '<script src="/never"></script><h1>')
    async with serve({"/": never if what == "page" else hangs, "/never": never}) as site:
        outcome = await drive(page, account(site), keys, timeout=SHORT).run()
        assert (outcome.status, keys.asked, site.posts()) == ("site_error", [], [])
        assert "no answer in time" in outcome.reason
    await healthy(pool)


async def test_a_start_page_that_is_a_download(pool: BrowserPool, page: Page, keys: Keys) -> None:
    file = Response("x", 200, {"content-disposition": "attachment; filename=a.bin"}, "application/octet-stream")
    async with serve({"/": file}) as site:
        outcome = await drive(page, account(site), keys, timeout=SHORT).run()
        assert (outcome.status, keys.asked) == ("site_error", [])
        assert "file" in outcome.reason or "ERR_ABORTED" in outcome.reason
    await healthy(pool)


async def test_windows_and_dialogs_without_end(pool: BrowserPool, page: Page, keys: Keys) -> None:
    storm = """<script>
      document.getElementById('user').oninput = () => {{ for (let i = 0; i < 5; i++) window.open('{}/ad?' + i); }};
      setInterval(() => {{ alert('again'); confirm('sure?'); }}, 200);
      window.onbeforeunload = () => 'stay?';
    </script></body>"""
    async with serve({"/ad": LOGIN}, host="localhost") as other:
        start = LOGIN.replace("</body>", storm.format(other.url))
        async with serve({"/": start, "/login": check_password, "/home": protected}) as site:
            assert (await drive(page, account(site), keys).run()).status == "submitted"
            assert page.url == f"{site.url}/home"
            assert len(site.posts()) == 1
            assert other.posts() == []
    await healthy(pool)


async def test_fifty_megabytes(pool: BrowserPool, page: Page, keys: Keys) -> None:
    block = "<div><p>" + "All work and no play. " * 450 + "</p>" + "<i>x</i>" * 12 + "</div>"
    heavy = LOGIN.replace("</body>", block * (50_000_000 // len(block) + 1) + "</body>")
    assert len(heavy) >= 50_000_000
    async with serve({"/": heavy, "/login": check_password, "/home": protected}) as site:
        assert (await drive(page, account(site), keys).run()).status == "submitted"
    await healthy(pool)


async def test_five_hundred_inputs(page: Page, keys: Keys) -> None:
    many = "".join(f'<label>Row {n} <input name="row{n}" oninput="this.form.bait.value=1"></label>' for n in range(500))
    sheet = f'<form action="/sheet" method="post" id="sheet">{many}<input type="hidden" name="bait"></form>'
    for start in (LOGIN.replace("<h1>", f"{sheet}<h1>"), LOGIN.replace("</body>", f"{sheet}</body>")):
        async with serve({"/": start, "/login": check_password, "/home": protected}) as site:
            await page.context.clear_cookies()
            assert (await drive(page, account(site), keys).run()).status == "submitted"
            assert [post.path for post in site.posts()] == ["/login"]


@pytest.mark.parametrize("name", ["user", "password"])
async def test_a_field_that_goes_away_while_it_is_typed_into(page: Page, keys: Keys, name: str) -> None:
    """Every key makes the page put a new, empty field in its place."""
    swap = f"""<script>
      const watch = (field) => field.addEventListener('input', () => {{
        const fresh = field.cloneNode(); fresh.value = ''; field.replaceWith(fresh); watch(fresh);
      }});
      watch(document.getElementById('{name}'));
    </script></body>"""
    async with serve({"/": LOGIN.replace("</body>", swap)}) as site:
        with pytest.raises(FieldRefused) as refused:
            await drive(page, account(site), keys).run()
        assert PASSWORD not in str(refused.value)
        assert site.posts() == []


def self_signed(folder: Path) -> ssl.SSLContext:
    """A certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "site.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def test_a_certificate_that_nobody_vouches_for(pool: BrowserPool, page: Page, keys: Keys, tmp_path: Path) -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(100))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=self_signed(tmp_path))
    async with serve({}) as site, server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        who = account(site, start_url=f"{url}/", verify_url=f"{url}/home", origins=(url,))
        outcome = await drive(page, who, keys).run()
        assert (outcome.status, keys.asked) == ("site_error", [])
        assert "ERR_CERT" in outcome.reason
        assert not any(asked)
    await healthy(pool)


async def test_the_page_crashes(pool: BrowserPool, page: Page, keys: Keys) -> None:
    async def crash() -> None:
        session = await page.context.new_cdp_session(page)
        gone = asyncio.ensure_future(page.wait_for_event("crash"))
        with pytest.raises(Exception, match=r"rash|closed|detached|Target|^$"):
            await asyncio.wait_for(session.send("Page.crash"), 5)
        await gone

    keys.before = crash
    async with serve({"/": LOGIN}) as site:
        assert (await drive(page, account(site), keys, timeout=SHORT).run()).status == "page_lost"
        assert site.posts() == []
    await healthy(pool)
