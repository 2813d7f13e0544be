"""One Chromium a worker, a context of its own for every identity, and one blank page that is ready before it is asked
for.
"""

import asyncio
import logging
import os
import secrets
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from playwright.async_api import Browser, BrowserContext, Error, Page, Playwright, async_playwright

from seezar.accounts.records import Account, SessionState
from seezar.browser.answering import ENDS_S, NoAnswer, answers, end_family, in_time
from seezar.browser.launching import ARGUMENTS, Launcher
from seezar.browser.memory import family_bytes, free_bytes
from seezar.browser.popups import close_popup
from seezar.browser.shadow import OPEN_SHADOW_ROOTS
from seezar.browser.state import restore_session_storage
from seezar.browser.turns import Turns
from seezar.browser.way_out import WayOut, policy_of, show_credentials
from seezar.egress import EgressPolicy, EgressProxy, EgressUnreachable
from seezar.errors import BrowserMissing
from seezar.settings import Settings
from seezar.telemetry.spans import spans, traced

__all__ = ["ARGUMENTS", "VIEWPORT", "BrowserPool"]

log = logging.getLogger("seezar.browser")

# A long-lived Chromium grows; a new one costs under a second. Each of these replaces it once nobody uses it.
CONTEXTS_PER_BROWSER = 100
SECONDS_PER_BROWSER = 3600.0
BYTES_PER_BROWSER = 1_500_000_000
VIEWPORT = {"width": 1280, "height": 900}
# A page that was ready and does not answer by then has died with its browser.
_ALIVE_S = 5.0


class BrowserPool:
    """Starts Chromium at first use and again when it died or grew old.

    Args:
        settings: which browser, with or without a window, how long pages may take, how many work at the same time.
        free: tells the memory that is free for a further page, bytes.
        egress: the proxy that every page goes out through; by default one of its own.

    Attributes:
        way_out: whose each context is there, and what it may reach.
    """

    def __init__(
        self, settings: Settings, *, free: Callable[[], int] = free_bytes, egress: EgressProxy | None = None
    ) -> None:
        self._settings = settings
        self.way_out = WayOut(settings, egress)
        self._launcher = Launcher(settings)
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._lock = asyncio.Lock()
        self._made = 0
        self._started_at = 0.0
        self._mark = ""
        self._contexts: set[BrowserContext] = set()
        self._coming = 0
        self._ready_page: Page | None = None
        self._first_pages: dict[BrowserContext, Page] = {}
        # A browser that runs elsewhere takes its memory there.
        least = 0 if settings.cdp_url is not None else settings.browser_memory_mb * 2**20
        self._turns = Turns(turns(settings), free=free, least_free=least)
        self._tidying: asyncio.Task[None] | None = None
        self._closed = False
        self._closing: set[asyncio.Task[None]] = set()

    def prepare(self, *preloads: Callable[[], None]) -> asyncio.Task[None]:
        """Have a browser and a blank page ready, in the background.

        It never fails: where there is no browser, its first use says so.

        Args:
            preloads: run in a thread before, such as the detector's.
        """

        async def prepared() -> None:
            for preload in preloads:
                await asyncio.to_thread(preload)
            await self._tidied()

        self._tidying = asyncio.create_task(prepared())
        return self._tidying

    @traced("browser.context")
    async def new_context(
        self, policy: EgressPolicy | None, state: SessionState | None = None, *, downloads: bool = False
    ) -> BrowserContext:
        """A context that starts from `state` (or empty); the caller closes it with `close_context`.

        Args:
            policy: what its pages may reach; nothing without one.
            downloads: whether its pages may hand out files; only for one that starts from a state.

        Raises:
            BrowserMissing: no Chromium can be found or started.
            EgressUnreachable: it cannot go out through our proxy.
        """
        self._coming += 1
        try:
            context = await self._new_context(state, downloads)
            self._contexts.add(context)
            self.way_out.bind(context, policy)
        finally:
            self._coming -= 1
        return context

    async def _new_context(self, state: SessionState | None, downloads: bool) -> BrowserContext:
        if state is None:
            page = await self._take_ready()
            if page is not None:
                self._first_pages[page.context] = page
                return page.context
        browser = await self._ready()
        try:
            context = await self._make(browser, state, downloads)
        except NoAnswer:
            await self._end(browser)
            context = await self._make(await self._ready(), state, downloads)
        except Error:
            if await self._answers(browser):
                raise
            # It died, or Playwright's own process did, which the browser object does not notice: once more.
            context = await self._make(await self._ready(), state, downloads)
        return context

    def policy_of(self, account: Account) -> EgressPolicy:
        """What pages of `account` may reach, for one context."""
        return policy_of(account, self._settings)

    async def answers(self) -> bool:
        """Whether the browser still does what it is asked to. One that does not is ended, with all of its pages; the
        next context has a new one.
        """
        return self._browser is not None and await self._answers(self._browser)

    async def _answers(self, browser: Browser) -> bool:
        if await answers(browser):
            return True
        await self._end(browser)
        return False

    async def _end(self, browser: Browser) -> None:
        async with self._lock:
            if self._browser is browser:
                await self._drop_browser()

    async def close_context(self, context: BrowserContext) -> None:
        """Close a context; a browser that died is fine."""
        self._contexts.discard(context)
        self._first_pages.pop(context, None)
        with suppress(Error):
            await in_time(context.close())
        await self.way_out.release(context)
        self._tidy()

    def retire(self, context: BrowserContext) -> None:
        """Close a context in the background; whoever used it need not wait for that."""
        task = asyncio.create_task(self.close_context(context))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    @asynccontextmanager
    async def context(
        self, policy: EgressPolicy | None, state: SessionState | None = None, *, downloads: bool = False
    ) -> AsyncGenerator[BrowserContext]:
        """A context for the block.

        Raises:
            BrowserMissing, EgressUnreachable: as `new_context`.
        """
        context = await self.new_context(policy, state, downloads=downloads)
        try:
            yield context
        finally:
            await self.close_context(context)

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """Wait for a turn to let a page work; the most urgent first (`seezar.browser.turns.urgency`).

        More pages at work than processors make each of them slower and none of them faster, and one for which there is
        no memory costs all of them. A page that only stays open needs no turn. Turns do not nest.
        """
        async with AsyncExitStack() as stack:
            with spans.span("browser.turn"):
                await stack.enter_async_context(self._turns.turn())
            yield

    async def new_page(self, context: BrowserContext) -> Page:
        """A page with the pool's time limits; dialogs are dismissed, downloads refused, popups closed.

        Raises:
            playwright.async_api.Error: the browser is gone, or does not answer and was ended.
        """
        try:
            page = self._first_pages.pop(context, None) or await in_time(context.new_page())
        except NoAnswer:
            if context.browser is not None:
                await self._end(context.browser)
            raise
        page.set_default_timeout(self._settings.page_timeout * 1000)
        page.set_default_navigation_timeout(self._settings.page_timeout * 1000)
        page.on("popup", close_popup)
        return page

    async def close(self) -> None:
        """Close Chromium and Playwright. A browser that runs elsewhere is left running."""
        self._closed = True
        await asyncio.gather(*self._closing)
        if self._tidying is not None:
            # Not cancelled: what it is just starting would be left behind.
            await self._tidying
        async with self._lock:
            await self._drop_browser()
            await self._drop_playwright()
        await self.way_out.close()

    async def _make(self, browser: Browser, state: SessionState | None, downloads: bool = False) -> BrowserContext:
        context = await in_time(self._made_context(browser, state, downloads))
        self._made += 1
        return context

    async def _made_context(self, browser: Browser, state: SessionState | None, downloads: bool) -> BrowserContext:
        identity = await self.way_out.identity()
        context = await browser.new_context(
            proxy={"server": identity.server} if identity else None,
            storage_state=state.storage if state else None,  # pyright: ignore[reportArgumentType]
            viewport=VIEWPORT,  # pyright: ignore[reportArgumentType]
            accept_downloads=downloads,
            # A service worker could answer in the place of the site, out of sight of what watches the page's requests.
            service_workers="block",
        )
        await context.add_init_script(OPEN_SHADOW_ROOTS)
        if state is not None:
            await restore_session_storage(context, state)
        if identity is not None:
            page = await context.new_page()
            try:
                await show_credentials(page, identity)
            except EgressUnreachable:
                await context.close()
                raise
            self.way_out.own(context, identity)
            self._first_pages[context] = page
        return context

    async def _warm(self) -> None:
        if self._ready_page is None or self._ready_page.is_closed():
            context = await self._make(await self._ready(), None)
            page = self._first_pages.pop(context, None) or await in_time(context.new_page())
            if self._ready_page is None or self._ready_page.is_closed():
                self._ready_page = page
            else:
                await context.close()

    async def _take_ready(self) -> Page | None:
        """The blank page that is ready, which is then nobody else's; None when there is none."""
        page, self._ready_page = self._ready_page, None
        if page is None or page.is_closed() or not self.way_out.is_current(page.context):
            return None
        try:
            await asyncio.wait_for(page.evaluate("0"), _ALIVE_S)
        except (Error, TimeoutError):
            return None
        return page

    def _tidy(self) -> None:
        """When nobody uses the browser: replace it if it is worn, and have the next page ready."""
        tidying = self._tidying is not None and not self._tidying.done()
        if not self._in_use and not tidying and not self._closed:
            self._tidying = asyncio.create_task(self._tidied())

    async def _tidied(self) -> None:
        with suppress(Error, BrowserMissing, EgressUnreachable):
            if await self._worn():
                async with self._lock:
                    if not self._in_use:
                        await self._drop_browser()
            # Somebody who came meanwhile needs the processors more.
            if not self._in_use and not self._closed:
                await self._warm()

    @property
    def _in_use(self) -> bool:
        return bool(self._contexts) or self._coming > 0

    async def _ready(self) -> Browser:
        async with self._lock:
            browser = self._browser
            if browser is not None and browser.is_connected() and not (self._many() and not self._contexts):
                return browser
            await self._drop_browser()
            self._browser = await self._launch()
            self._made = 0
            self._started_at = time.monotonic()
            self._contexts.clear()
            return self._browser

    def _many(self) -> bool:
        return self._made >= CONTEXTS_PER_BROWSER

    async def _worn(self) -> bool:
        if self._browser is None:
            return False
        if self._many() or time.monotonic() - self._started_at >= SECONDS_PER_BROWSER:
            return True
        if self._launcher.remote:
            return False
        taken = await asyncio.to_thread(family_bytes, self._mark)
        return taken is not None and taken >= BYTES_PER_BROWSER

    async def _launch(self) -> Browser:
        try:
            return await self._launch_once()
        except Error:
            # Playwright's own process may be what died: once more with a new one.
            await self._drop_playwright()
        try:
            return await self._launch_once()
        except Error as error:
            raise BrowserMissing(
                f"Chromium does not start: {error.message.splitlines()[0]}.",
                kept="Nothing was sent anywhere.",
                next_step="Try it by hand with --version, or set SEEZAR_CHROMIUM to another browser.",
            ) from None

    async def _launch_once(self) -> Browser:
        if self._playwright is None:
            self._playwright = await async_playwright().start()
        self._mark = f"--seezar-pool={secrets.token_hex(8)}"
        return await self._launcher.launch(self._playwright, mark=self._mark, proxy=await self.way_out.server())

    async def _drop_browser(self) -> None:
        self._ready_page = None
        self._first_pages.clear()
        if self._browser is not None:
            # Gone already is what was wanted. Of a browser that runs elsewhere only our contexts are closed.
            with suppress(Error):
                await in_time(self._browser.close(), ENDS_S)
            self._browser = None
            if not self._launcher.remote:
                await asyncio.to_thread(end_family, self._mark)

    async def _drop_playwright(self) -> None:
        if self._playwright is not None:
            with suppress(Error):
                await self._playwright.stop()
            self._playwright = None


def turns(settings: Settings) -> int:
    """How many pages may work at the same time: `browsers`, and no more than there are processors to do it."""
    if settings.cdp_url is not None:
        return settings.browsers
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(settings.browsers, processors))
