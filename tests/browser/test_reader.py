"""A page as text: what a person sees, in order, without what stands in fields, and never more than a model can use."""

import pytest
from playwright.async_api import Page

from seezar.browser.reader import MAX_CHARACTERS, read_text
from seezar.redaction import Redactor

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

NOTHING = Redactor({})
FIELDS = """
<h1>Sign in <input value="in-h1"></h1>
<form>
  <label>User <input name="user" value="in-label"></label>
  <input type="password" value="in-password"><input type="hidden" value="in-hidden">
  <p>Note <textarea>in-textarea</textarea> below <span style="display:none">not-shown</span></p>
  <select><option>in-option</option><option selected>in-selected</option></select>
  <p>Role <select><option>in-paragraph</option></select> of this user</p>
  <ul><li>Item <input value="in-item"></li></ul>
  <table><tr><td>Cell <input value="in-cell"></td><td><textarea>in-cell-2</textarea>end</td></tr></table>
  <button>Continue</button>
</form>
<noscript>in-noscript</noscript><script>var x = "in-script";</script><template>in-template</template>
"""


async def read(page: Page, body: str, redact: Redactor = NOTHING) -> list[str]:
    await page.set_content(f"<title>Títle</title><body>{body}</body>")
    return (await read_text(page, redact)).text.split("\n")


async def test_fields_keep_what_stands_in_them(page: Page) -> None:
    lines = await read(page, FIELDS)
    assert lines == ["# Sign in", "User", "Note below", "Role of this user", "- Item", "| Cell | end |", "Continue"]


async def test_values_that_were_typed_are_not_read(page: Page) -> None:
    await page.set_content(f"<body>{FIELDS}</body>")
    for field in await page.locator("input:visible, textarea:visible").all():
        await field.fill("typed-4711")
    assert "typed-4711" not in (await read_text(page, NOTHING)).text


async def test_structure(page: Page) -> None:
    body = """
    <header><nav><a href="/x">Home</a> <a href="/y">Events</a></nav></header>
    <main><h1>Overview</h1><p>Yesterday,<br>all   customers</p>
      <h3>Top</h3><ul><li>One</li><li>Two <b>bold</b></li></ul>
      <div>loose <div>inner</div></div>
      <dl><dt>Plan</dt><dd>Pro</dd></dl>
      <pre>a
      b</pre></main>
    """
    assert await read(page, body) == [
        "Home", "Events", "# Overview", "Yesterday, all customers", "### Top", "- One", "- Two bold",
        "loose", "inner", "Plan", "Pro", "a b",
    ]  # fmt: skip


async def test_tables_are_rows(page: Page) -> None:
    body = """
    <table><caption>Events</caption>
      <thead><tr><th>Event</th><th>Count</th></tr></thead>
      <tbody><tr><td>Shipment <b>booked</b></td><td>18,452</td></tr>
        <tr hidden><td>hidden</td><td>row</td></tr><tr><td>a|b</td><td></td></tr></tbody></table>
    """
    assert await read(page, body) == ["Events", "| Event | Count |", "| Shipment booked | 18,452 |", "| a b | |"]


async def test_what_is_not_shown_is_not_read(page: Page) -> None:
    body = """
    <p>shown</p><p hidden>no</p><p style="display:none">no</p><p style="visibility:hidden">no</p>
    <div style="display:none"><p>no</p></div><details><summary>More</summary><p>no</p></details>
    """
    assert await read(page, body) == ["shown", "More"]


async def test_shadow_roots_are_read(page: Page) -> None:
    body = """
    <my-card></my-card><div id="late"></div>
    <script>
      for (const mode of ["open", "closed"]) {
        const host = document.createElement("x-" + mode);
        document.body.append(host);
        host.attachShadow({mode}).innerHTML = `<h2>${mode}</h2><div><p>inside <input value="typed"></p></div>`;
      }
    </script>
    """
    # A page that is loaded, as by a visit: the context's script has then opened what the page closes.
    await page.route("**/*", lambda route: route.fulfill(body=f"<body>{body}</body>", content_type="text/html"))
    await page.goto("https://shadow.example/")
    assert (await read_text(page, NOTHING)).text.split("\n") == ["## open", "inside", "## closed", "inside"]


async def test_known_secrets_are_replaced_everywhere(page: Page) -> None:
    html = "<title>geheim-4711</title><body><p>Password: geheim-4711</p><p>4<b>8</b>3 920</p></body>"
    await page.route("**/*", lambda route: route.fulfill(body=html, content_type="text/html"))
    await page.goto("https://a.example/reset/geheim-4711?token=geheim-4711#geheim-4711")
    read = await read_text(page, Redactor({"password": "geheim-4711", "code": "483920"}))
    assert read.url == "https://a.example/reset/«secret:password»"
    assert read.title == "«secret:password»"
    assert read.text == "Password: «secret:password»\n«secret:code»"


async def test_a_page_of_fifty_thousand_rows_is_cut(page: Page) -> None:
    await page.set_content("<body><h1>Log</h1><table id='t'></table><p>the end</p></body>")
    await page.evaluate(
        "() => { t.innerHTML = Array.from({length: 50000}, (_, i) => `<tr><td>row</td><td>${i}</td></tr>`).join('') }"
    )
    text = (await read_text(page, NOTHING)).text
    assert text.startswith("# Log\n| row | 0 |\n| row | 1 |\n")
    assert text.endswith("[the page is longer; the rest was left out]")
    assert MAX_CHARACTERS < len(text) < MAX_CHARACTERS + 100


async def test_one_endless_line_is_cut_and_no_secret_with_it(page: Page) -> None:
    """The cut comes after the redaction: half a secret would not be recognised."""
    before = "x" * (MAX_CHARACTERS - 5)
    await page.set_content(f"<title>{'t' * 5000}</title><body><p>{before}geheim-4711{'y' * 1_000_000}</p></body>")
    read = await read_text(page, Redactor({"password": "geheim-4711"}))
    assert "gehe" not in read.text
    assert len(read.text) < MAX_CHARACTERS + 100
    assert len(read.title) <= 300


async def test_an_empty_page(page: Page) -> None:
    read = await read_text(page, NOTHING)
    assert (read.text, read.title) == ("", "")
    await page.set_content("<frameset></frameset>")
    assert (await read_text(page, NOTHING)).text == ""
