"""The state of a signed-in browser: everything a site keeps in it comes out, and into a new context."""

import pytest
import pytest_asyncio
from playwright.async_api import Page

from seezar.accounts.records import SessionState
from seezar.browser.pool import BrowserPool
from seezar.browser.state import capture
from tests.chromium import loopback
from tests.site import Request, Response, Site, page, serve

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

SET = """async () => {
  localStorage.setItem('local', 'ä"\\'</script>');
  sessionStorage.setItem('tab', 'ö\\u2028%s');
  await new Promise((resolve, reject) => {
    const request = indexedDB.open('db', 3);
    request.onupgradeneeded = () => request.result.createObjectStore('store');
    request.onerror = reject;
    request.onsuccess = () => {
      const change = request.result.transaction('store', 'readwrite');
      change.objectStore('store').put({token: 'indexed', when: new Date(0), bytes: new Uint8Array([1, 2])}, 'key');
      change.oncomplete = resolve;
    };
  });
}"""
GET = """async () => ({
  local: localStorage.getItem('local'), tab: sessionStorage.getItem('tab'), cookie: document.cookie,
  indexed: await new Promise((resolve) => {
    const request = indexedDB.open('db');
    request.onsuccess = () => {
      if (!request.result.objectStoreNames.length) return resolve(null);
      const got = request.result.transaction('store').objectStore('store').get('key');
      got.onsuccess = () => resolve([got.result.token, got.result.when.getTime(), [...got.result.bytes]]);
    };
  }),
})"""
KEPT = {"local": "ä\"'</script>", "tab": "ö\u2028%s", "cookie": "seen=1", "indexed": ["indexed", 0, [1, 2]]}


def home(request: Request) -> Response:
    cookies = ["sid=geheim; HttpOnly; Path=/", "seen=1; Path=/; Max-Age=3600"]
    if "sid" in request.cookies:
        return Response(page(f"<p>signed in as {request.cookies['sid']}</p>"))
    return Response(page("<p>hello</p>"), headers={"set-cookie": "\r\nset-cookie: ".join(cookies)})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site():
    async with serve({"/": home, "/frame": page("<p>framed</p>")}) as made:
        yield made


async def signed_in(pool: BrowserPool, site: Site) -> SessionState:
    async with pool.context(loopback()) as context:
        first = await pool.new_page(context)
        await first.goto(site.url)
        await first.evaluate(SET)
        return await capture(context, first)


async def test_all_of_it_is_captured_and_restored(pool: BrowserPool, site: Site) -> None:
    state = await signed_in(pool, site)
    assert "Chrom" in state.user_agent
    assert state.session_storage == {site.url: {"tab": KEPT["tab"]}}
    # As it is stored: through JSON.
    async with pool.context(loopback(), SessionState.from_json(state.to_json())) as context:
        again = await pool.new_page(context)
        await again.goto(site.url)
        assert await again.evaluate(GET) == KEPT
        assert "signed in as geheim" in await again.inner_text("body")
        assert await capture(context, again) == state


async def test_a_context_without_state_knows_nothing(pool: BrowserPool, site: Site) -> None:
    await signed_in(pool, site)
    async with pool.context(loopback()) as context:
        other = await pool.new_page(context)
        await other.goto(site.url)
        got = await other.evaluate(GET)
        assert (got["local"], got["tab"], got["indexed"]) == (None, None, None)


async def test_what_the_site_removes_does_not_come_back(pool: BrowserPool, site: Site) -> None:
    state = await signed_in(pool, site)
    async with pool.context(loopback(), state) as context:
        visit = await pool.new_page(context)
        await visit.goto(site.url)
        await visit.evaluate("() => { sessionStorage.removeItem('tab'); sessionStorage.setItem('new', 'x'); }")
        await visit.reload()
        assert await visit.evaluate("() => sessionStorage.getItem('tab')") is None
        assert (await capture(context, visit)).session_storage == {site.url: {"new": "x"}}


async def test_one_origin_does_not_get_what_is_of_another(pool: BrowserPool, site: Site) -> None:
    state = await signed_in(pool, site)
    elsewhere = serve({"/": page("<p>other</p>")}, host="localhost")
    async with elsewhere as other, pool.context(loopback(), state) as context:
        visit = await pool.new_page(context)
        await visit.goto(other.url)
        assert await visit.evaluate("() => [sessionStorage.length, localStorage.length]") == [0, 0]


async def test_a_page_without_storage_is_captured_without(pool: BrowserPool, page: Page) -> None:
    await page.goto("data:text/html,<p>opaque</p>")
    state = await capture(page.context, page)
    assert state.session_storage == {}
    assert state.storage["cookies"] == []
