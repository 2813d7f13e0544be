"""Where a credential may be typed: the field's own frame and the form's target must be registered, and encrypted."""

import pytest
from playwright.async_api import Page

from seezar.errors import OriginNotAllowed
from seezar.signin.policy import SURE, checked_field, sure
from seezar.signin.reading import Reading
from tests.site import page as html
from tests.site import serve

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

FIELD = '<input id="password" type="password">'


async def test_from_where_on_a_reading_is_acted_upon() -> None:
    assert sure(Reading("login", SURE))
    assert not sure(Reading("login", SURE - 0.001))


async def test_a_field_of_the_page_itself(page: Page) -> None:
    async with serve({"/": html(FIELD)}) as site:
        await page.goto(site.url)
        element, origin = await checked_field(page.locator("#password"), (site.url,))
        assert origin == site.url
        assert await element.get_attribute("id") == "password"
        with pytest.raises(OriginNotAllowed, match=r"not registered.*--origin") as told:
            await checked_field(page.locator("#password"), ("https://other.example",))
        assert site.url in str(told.value)


async def test_another_port_is_another_origin(page: Page) -> None:
    async with serve({"/": html(FIELD)}) as site, serve({}) as other:
        await page.goto(site.url)
        with pytest.raises(OriginNotAllowed):
            await checked_field(page.locator("#password"), (other.url,))


async def test_the_frame_of_the_field_counts_and_not_the_page(page: Page) -> None:
    routes = {"/": html(FIELD), "/own": html('<iframe src="/"></iframe>')}
    async with serve(routes, host="localhost") as evil, serve(routes) as site:
        site.routes["/foreign"] = html(f'<iframe src="{evil.url}/"></iframe>')
        inner = page.frame_locator("iframe").locator("#password")
        await page.goto(f"{site.url}/foreign")
        with pytest.raises(OriginNotAllowed, match=evil.url):
            await checked_field(inner, (site.url,))
        assert (await checked_field(inner, (site.url, evil.url)))[1] == evil.url
        await page.goto(f"{site.url}/own")
        assert (await checked_field(inner, (site.url,)))[1] == site.url


@pytest.mark.parametrize(
    "frame",
    [
        f"<iframe srcdoc='{FIELD}'></iframe>",
        f"<iframe src='data:text/html,{FIELD}'></iframe>",
        "<iframe></iframe><script>document.querySelector('iframe').contentDocument.body.innerHTML = "
        f"'{FIELD.replace(chr(34), '')}'</script>",
    ],
    ids=["srcdoc", "data", "blank"],
)
async def test_a_frame_without_an_address_is_refused(page: Page, frame: str) -> None:
    async with serve({"/": html(frame)}) as site:
        await page.goto(site.url)
        with pytest.raises(OriginNotAllowed):
            await checked_field(page.frame_locator("iframe").locator("#password"), (site.url,))


async def test_plain_http_to_another_machine_is_refused_even_when_registered(page: Page) -> None:
    await page.route("**/*", lambda route: route.fulfill(body=html(FIELD), content_type="text/html"))
    await page.goto("http://site.example/")
    with pytest.raises(OriginNotAllowed):
        await checked_field(page.locator("#password"), ("http://site.example",))
    await page.goto("https://site.example/")
    assert (await checked_field(page.locator("#password"), ("https://site.example",)))[1] == "https://site.example"


@pytest.mark.parametrize(
    ("form", "allowed"),
    [
        ("<form>", True),
        ('<form action="">', True),
        ('<form action="/login">', True),
        ('<form action="?next=/">', True),
        ('<form action=" JavaScript:void(0)">', True),
        ('<form action="https://sso.example/login">', True),
        ('<form action="https://other.example/login">', False),
        ('<form action="//other.example/login">', False),
        ('<form action="http://site.example/login">', False),
        ('<form action="mailto:me@other.example">', False),
        ('<form action="https://[/">', False),
        ('<base href="https://other.example/"><form action="login">', False),
        ('<base href="https://other.example/"><form>', True),
        ('<form action="https://other.example/"><input name="action" value="/login">', False),
    ],
)
async def test_where_the_form_sends_to(page: Page, form: str, allowed: bool) -> None:
    origins = ("https://site.example", "https://sso.example", "http://site.example")
    body = html(f"{form}{FIELD}<button id=go>Go</button></form>")
    await page.route("**/*", lambda route: route.fulfill(body=body, content_type="text/html"))
    await page.goto("https://site.example/")
    check = checked_field(page.locator("#password"), origins, submit=page.locator("#go"))
    if allowed:
        await check
    else:
        with pytest.raises(OriginNotAllowed, match="sends to"):
            await check


@pytest.mark.parametrize(
    ("button", "allowed"),
    [
        ('<button id=go formaction="https://other.example/">Go</button>', False),
        ('<button id=go formaction="/login">Go</button>', True),
        ('<input id=go type=submit formaction="https://other.example/">', False),
        # Not the button of this form: where it leads is not where this form is sent.
        ('</form><form><button id=go formaction="https://other.example/">Go</button>', True),
    ],
)
async def test_where_the_button_sends_to(page: Page, button: str, allowed: bool) -> None:
    body = html(f"<form>{FIELD}{button}</form>")
    await page.route("**/*", lambda route: route.fulfill(body=body, content_type="text/html"))
    await page.goto("https://site.example/")
    check = checked_field(page.locator("#password"), ("https://site.example",), submit=page.locator("#go"))
    if allowed:
        await check
    else:
        with pytest.raises(OriginNotAllowed, match=r"sends to https://other\.example"):
            await check


@pytest.mark.parametrize(
    ("inside", "allowed"),
    [
        ('<button formaction="https://other.example/">Join</button>', False),
        ('<input type="image" alt="Join" src="/x.png" formaction="https://other.example/">', False),
        ('<button type="button" formaction="https://other.example/">Show</button><button>Go</button>', True),
        ('<button>Go</button><button formaction="https://other.example/">Join</button>', True),
        ('</form><button form="form" formaction="https://other.example/">Join</button>', False),
    ],
    ids=["button", "picture", "no submit", "second", "outside"],
)
async def test_where_enter_sends_to(page: Page, inside: str, allowed: bool) -> None:
    body = html(f'<form id="form">{FIELD}{inside}</form>')
    await page.route("**/*", lambda route: route.fulfill(body=body, content_type="text/html"))
    await page.goto("https://site.example/")
    check = checked_field(page.locator("#password"), ("https://site.example",))
    if allowed:
        await check
    else:
        with pytest.raises(OriginNotAllowed, match=r"sends to https://other\.example"):
            await check


@pytest.mark.parametrize("action", ["//[your password is geheim", "geheim:4711", "https://geheim 4711/"])
async def test_an_address_that_is_none_is_not_repeated(page: Page, action: str) -> None:
    body = html(f'<form action="{action}">{FIELD}</form>')
    await page.route("**/*", lambda route: route.fulfill(body=body, content_type="text/html"))
    await page.goto("https://site.example/")
    with pytest.raises(OriginNotAllowed, match="sends to an address that can be no site's") as told:
        await checked_field(page.locator("#password"), ("https://site.example",))
    assert "geheim" not in str(told.value)
