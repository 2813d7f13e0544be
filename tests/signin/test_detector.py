"""The detector on pages that move, lie or break."""

import time

import pytest
from playwright.async_api import Error, Page

from seezar.browser.pool import BrowserPool
from seezar.signin.detector import detect
from seezar.signin.policy import SURE
from seezar.signin.reading import LOGIN_KINDS
from tests.chromium import loopback

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

_LOGIN = """<form><label>Email<input id=u type=email></label><label>Password<input id=p type=password></label>
<button>Log in</button></form>"""


async def test_a_form_that_a_script_builds_later_is_seen_by_the_next_look(page: Page) -> None:
    await page.set_content("<div id=root>Loading</div>")
    assert (await detect(page)).kind == "other"
    await page.evaluate("(html) => { document.getElementById('root').innerHTML = html }", _LOGIN)
    assert (await detect(page)).kind == "login"


async def test_locators_survive_a_rendering_of_the_same_form(page: Page) -> None:
    await page.set_content(f"<div id=root>{_LOGIN}</div>")
    reading = await detect(page)
    await page.evaluate("(html) => { document.getElementById('root').innerHTML = html }", _LOGIN)
    assert reading.password is not None
    await reading.password.fill("x")
    assert await page.locator("#p").input_value() == "x"


async def test_a_form_in_a_foreign_frame_tells_its_own_origin(page: Page) -> None:
    await page.route("https://phish.example/**", lambda route: route.fulfill(content_type="text/html", body=_LOGIN))
    await page.route(
        "https://shop.example/",
        lambda route: route.fulfill(
            content_type="text/html",
            body="<h1>Shop</h1><iframe width=400 height=300 src='https://phish.example/f'></iframe>",
        ),
    )
    await page.goto("https://shop.example/")
    reading = await detect(page)
    assert reading.kind == "login"
    assert reading.origin == "https://phish.example"


async def test_a_hidden_frame_is_no_form(page: Page) -> None:
    await page.set_content(f"<h1>News</h1><iframe style='display:none' srcdoc=\"{_LOGIN}\"></iframe>")
    assert (await detect(page)).kind == "other"


async def test_closed_shadow_roots_need_the_init_script(page: Page) -> None:
    await page.set_content(
        "<div id=host></div><script>document.getElementById('host').attachShadow({mode: 'closed'}).innerHTML ="
        f" {_LOGIN!r}</script>".replace("\\n", "")
    )
    reading = await detect(page)
    assert reading.kind == "login"
    assert reading.password is not None
    assert await reading.password.count() == 1


async def test_two_passwords_are_never_a_login(page: Page) -> None:
    await page.set_content(
        "<title>Log in</title><h1>Log in</h1><form action=/login><input name=username autocomplete=username>"
        "<input type=password name=password autocomplete=current-password><input type=password name=again>"
        "<button>Log in</button></form>"
    )
    assert (await detect(page)).kind not in LOGIN_KINDS


async def test_words_for_a_new_password_are_never_a_login(page: Page) -> None:
    await page.set_content(
        "<h1>Log in</h1><form action=/login><label>Email<input type=email></label>"
        "<label>Create a password<input type=password></label><button>Log in</button></form>"
    )
    assert (await detect(page)).kind not in LOGIN_KINDS


async def test_a_form_under_an_overlay_is_found_but_not_acted_upon(page: Page) -> None:
    await page.set_content(
        f"<div aria-hidden=true><h1>Log in</h1>{_LOGIN}</div><div role=dialog>We use cookies <button>OK</button></div>"
    )
    reading = await detect(page)
    assert reading.kind == "login"
    assert reading.confidence < SURE


async def test_values_never_leave_the_page(page: Page) -> None:
    await page.set_content(_LOGIN)
    await page.fill("#u", "ada@secret.example")
    await page.fill("#p", "S3cret-word")
    reading = await detect(page)
    assert "S3cret-word" not in repr(reading)
    assert "ada@secret.example" not in repr(reading)


async def test_the_signature_does_not_depend_on_values_or_wording(page: Page) -> None:
    await page.set_content(_LOGIN)
    first = (await detect(page)).signature
    await page.set_content(_LOGIN.replace("Email", "E-Mail-Adresse").replace("Log in", "Anmelden"))
    await page.fill("#u", "ada@example.com")
    assert (await detect(page)).signature == first


async def test_alerts_are_reported(page: Page) -> None:
    await page.set_content(f"<div role=alert>Wrong password.</div>{_LOGIN}")
    assert (await detect(page)).alerts == ("Wrong password.",)


async def test_five_hundred_inputs(page: Page) -> None:
    rows = "".join(f"<tr><td>{i}<td><input name=f{i}><td><input type=password name=p{i}>" for i in range(500))
    await page.set_content(f"<form><table>{rows}</table><button>Save</button></form>")
    assert (await detect(page)).kind not in LOGIN_KINDS


async def test_a_huge_page_is_cut_off_and_its_form_still_found(page: Page) -> None:
    await page.set_content("<main></main>")
    await page.evaluate(
        """(html) => {
          const filler = document.createElement('div');
          filler.innerHTML = '<p><span>word</span></p>'.repeat(150000);
          document.querySelector('main').append(filler);
          document.querySelector('main').insertAdjacentHTML('beforeend', html);
        }""",
        _LOGIN,
    )
    started = time.monotonic()
    reading = await detect(page)
    assert time.monotonic() - started < 15
    assert reading.password is not None
    assert await reading.password.count() == 1


async def test_a_page_that_overrides_everything_does_not_break_the_look(page: Page) -> None:
    await page.set_content(
        f"""{_LOGIN}<script>
        Object.defineProperty(HTMLInputElement.prototype, 'value', {{ get() {{ throw new Error('no'); }} }});
        document.title = 'Log in'; document.querySelectorAll = () => {{ throw new Error('no'); }};
        window.getComputedStyle = () => {{ throw new Error('no'); }};
        </script>"""
    )
    reading = await detect(page)
    assert reading.kind in ("login", "other")


async def test_a_page_that_leaves_during_the_look_gives_an_unsure_reading(page: Page) -> None:
    await page.set_content("<script>setTimeout(() => { location.href = 'about:blank' }, 0)</script>")
    for _ in range(5):
        reading = await detect(page)
        assert reading.kind == "other"


async def test_a_closed_page_is_an_error(pool: BrowserPool) -> None:
    async with pool.context(loopback()) as context:
        page = await pool.new_page(context)
        await page.close()
        with pytest.raises(Error):
            await detect(page)
