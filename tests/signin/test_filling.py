"""Values are in the field when it is sent: whatever the page does to what is typed, or it is said that they are not."""

import pytest
from playwright.async_api import ElementHandle, Page

from seezar.signin.filling import FieldRefused, keep_out_of_address, press, tick, type_code, type_value
from tests.site import Response, serve

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

VALUE = "geheim-4711 ä€"


async def field(page: Page, html: str, script: str = "") -> ElementHandle:
    await page.set_content(f"<body>{html}<script>const f = document.querySelector('#f'); {script}</script></body>")
    return await page.locator("#f").element_handle()


async def handles(page: Page, selector: str) -> list[ElementHandle]:
    return [await place.element_handle() for place in await page.locator(selector).all()]


async def value(page: Page, selector: str = "#f") -> str:
    return await page.locator(selector).input_value()


@pytest.mark.parametrize(
    "html",
    [
        '<input id="f">',
        '<input id="f" type="password">',
        '<input id="f" value="before">',
        '<textarea id="f">before</textarea>',
    ],
)
async def test_a_plain_field(page: Page, html: str) -> None:
    await type_value(await field(page, html), VALUE, what="password")
    assert await value(page) == VALUE


@pytest.mark.parametrize(
    "script",
    [
        # What was set at once is undone, as when a program comes to life over a page that stood already.
        "f.addEventListener('input', () => setTimeout(() => { f.value = ''; }, 0), {once: true})",
        "f.addEventListener('input', () => { f.value = ''; }, {once: true})",
        # Only what keys have typed is believed.
        "let typed = ''; f.addEventListener('keydown', (e) => { typed += e.key.length === 1 ? e.key : ''; });"
        "f.addEventListener('input', () => { f.value = typed; })",
        "f.addEventListener('paste', (e) => e.preventDefault())",
    ],
    ids=["late reset", "reset", "keys only", "no paste"],
)
async def test_a_field_that_fights_back(page: Page, script: str) -> None:
    await type_value(await field(page, '<input id="f">', script), "geheim-4711", what="password")
    assert await value(page) == "geheim-4711"


@pytest.mark.parametrize(
    ("html", "script"),
    [
        ('<input id="f" maxlength="5">', ""),
        ('<input id="f">', "f.addEventListener('input', () => { f.value = f.value.slice(0, 5); })"),
        ('<input id="f">', "f.addEventListener('input', () => { f.value = f.value.toUpperCase(); })"),
        ('<input id="f">', "f.addEventListener('input', () => setTimeout(() => { f.value = ''; }, 0))"),
        ('<input id="f">', "f.addEventListener('input', () => f.remove())"),
        ('<input id="f" type="number">', ""),
        ('<input id="f" disabled>', ""),
        ('<input id="f" hidden>', ""),
    ],
    ids=["maxlength", "cut", "changed", "emptied", "removed", "number", "disabled", "hidden"],
)
async def test_a_field_that_does_not_keep_it(
    page: Page, html: str, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seezar.signin.filling._TIMEOUT_MS", 1_000.0)
    with pytest.raises(FieldRefused, match="password field") as told:
        await type_value(await field(page, html, script), "geheim-4711", what="password")
    assert told.value.status == "needs_person"
    assert "geheim" not in str(told.value)
    # Playwright's own error holds the call with what was typed.
    assert told.value.__context__ is None or told.value.__suppress_context__


async def test_the_element_is_typed_into_and_not_one_like_it(page: Page) -> None:
    element = await field(page, '<input id="f">')
    await page.set_content('<input id="f">')
    with pytest.raises(FieldRefused):
        await type_value(element, VALUE, what="password")
    assert await value(page) == ""


async def test_one_box_for_the_code(page: Page) -> None:
    await field(page, '<input id="f" maxlength="6" inputmode="numeric">')
    await type_code(await handles(page, "#f"), "483920")
    assert await value(page) == "483920"


async def test_a_masked_box_for_the_code_is_not_taken_for_right(page: Page) -> None:
    await field(page, '<input id="f">', "f.addEventListener('input', () => { f.value = f.value.slice(0, 3); })")
    with pytest.raises(FieldRefused, match="code field"):
        await type_code(await handles(page, "#f"), "483920")


@pytest.mark.parametrize("leave", ["f.form.remove()", "location = 'about:blank?sent'"], ids=["script", "page"])
async def test_a_box_that_is_gone_when_it_is_full_was_sent(page: Page, leave: str) -> None:
    script = f"f.addEventListener('input', () => {{ if (f.value.length === 6) {{ {leave} }} }})"
    await field(page, '<form><input id="f"></form>', script)
    await type_code(await handles(page, "#f"), "483920")
    assert await page.locator("#f").count() == 0


BOXES = "".join(f'<input class="b" maxlength="1" id="b{n}">' for n in range(6))
ADVANCE = """
const boxes = [...document.querySelectorAll('.b')];
const on = (i) => { if (boxes[i].value && boxes[i + 1]) boxes[i + 1].focus(); };
boxes.forEach((box, i) => box.addEventListener('input', () => on(i)));
"""
# Over the boxes: the whole code may be pasted into the first.
PASTE = (
    "boxes[0].maxLength = 6; boxes[0].addEventListener('input', () => { boxes[0].value = boxes[0].value[0] || ''; });"
)
LEAVES = "boxes[5].addEventListener('input', () => document.querySelectorAll('.b').forEach((box) => box.remove()));"


@pytest.mark.parametrize("script", ["", ADVANCE, ADVANCE + PASTE], ids=["stay", "advance", "paste"])
async def test_split_boxes(page: Page, script: str) -> None:
    await page.set_content(f"<body>{BOXES}<script>{script}</script></body>")
    await type_code(await handles(page, ".b"), "483920")
    assert [await value(page, f"#b{n}") for n in range(6)] == list("483920")


async def test_split_boxes_that_send_themselves(page: Page) -> None:
    await page.set_content(f"<body>{BOXES}<script>{ADVANCE}{LEAVES}</script></body>")
    await type_code(await handles(page, ".b"), "483920")
    assert await page.locator(".b").count() == 0


async def test_split_boxes_that_keep_nothing(page: Page) -> None:
    never = "document.querySelectorAll('.b').forEach((b) => b.addEventListener('input', () => { b.value = ''; }));"
    await page.set_content(f"<body>{BOXES}<script>{never}</script></body>")
    with pytest.raises(FieldRefused, match="code field") as told:
        await type_code(await handles(page, ".b"), "483920")
    assert "483920" not in str(told.value)


COUNT = "let n = 0; f.addEventListener('click', () => { document.title = `${++n}`; });"


async def test_a_button_is_pressed_once(page: Page) -> None:
    await field(page, '<button id="f">Go</button>', COUNT)
    await press(page.locator("#f"))
    assert await page.title() == "1"


async def test_a_button_under_something_is_pressed_once_and_what_lies_over_it_is_not(page: Page) -> None:
    over = '<div style="position:fixed;inset:0" onclick="document.title = \'consent\'">Cookies?</div>'
    await field(page, f'<button id="f">Go</button>{over}', COUNT)
    await press(page.locator("#f"))
    assert await page.title() == "1"


async def test_a_box_is_ticked_if_it_lets_itself(page: Page) -> None:
    await field(page, '<input type="checkbox" id="f"><input type="checkbox" id="no" disabled>')
    for name in ("f", "f", "no", "missing"):
        await tick(page.locator(f"#{name}"))
    assert await page.locator("#f").is_checked()
    assert not await page.locator("#no").is_checked()


# Handlers that take nothing over but keep the event to themselves; one that sends the form past all handlers, and
# empties it; one that makes the address itself.
TRAPS = {
    "kept to itself": "form.addEventListener('submit', (event) => event.stopPropagation())",
    "at the window": "window.addEventListener('submit', (event) => event.stopImmediatePropagation(), true)",
    "sent by a script": "form.addEventListener('submit', (e) => { e.preventDefault(); form.submit(); f.value = ''; })",
    "an address": "form.addEventListener('submit', (e) => { e.preventDefault(); location = '/in?v=' + f.value; })",
}


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS.keys())
@pytest.mark.parametrize("charset", ["utf-8", "latin-1"])
async def test_a_password_does_not_get_into_an_address_by_a_detour(page: Page, trap: str, charset: str) -> None:
    form = '<form><input id="f" name="p" type="password"><button>Go</button></form>'
    body = f"{form}<script>const f = document.querySelector('#f'), form = f.form; {trap}</script>"
    async with serve({"/": Response(body, content_type=f"text/html; charset={charset}"), "/in": "in"}) as site:
        await page.goto(site.url)
        element = await page.locator("#f").element_handle()
        await keep_out_of_address(element)
        await type_value(element, "geheim-ä", what="password")
        await press(page.locator("button"))
        # The browser has had its turn: what it was about to load, it would have asked for.
        await page.evaluate("fetch('/after')")
        assert not [request for request in site.requests if request.query]
        assert [request.path for request in site.requests] == ["/", "/after"]


async def test_a_script_that_takes_the_form_over_finds_it_as_it_was(page: Page) -> None:
    form = '<form><input id="f" name="p" type="password"><button>Go</button></form>'
    script = """const f = document.querySelector('#f'), form = f.form;
    const before = form.outerHTML;
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      const sent = Object.fromEntries(new FormData(form));
      const body = new URLSearchParams({...sent, form: String(form.outerHTML === before) + form.method});
      await fetch('/login', {method: 'POST', body});
      location = '/home?from=login';
    })"""
    async with serve({"/": f"{form}<script>{script}</script>", "/login": "ok", "/home": "home"}) as site:
        await page.goto(site.url)
        element = await page.locator("#f").element_handle()
        await keep_out_of_address(element)
        await type_value(element, VALUE, what="password")
        await press(page.locator("button"))
        await page.wait_for_url("**/home?from=login")
        (sent,) = site.posts()
        assert sent.form == {"p": VALUE, "form": "trueget"}
