"""One Chromium a worker, a context of its own for every identity."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Error, Page, Playwright, async_playwright

from seezar.accounts.records import SessionState
from seezar.browser.executable import find_chromium
from seezar.browser.state import restore_session_storage
from seezar.errors import BrowserMissing
from seezar.settings import Settings
from seezar.signin.detector import OPEN_SHADOW_ROOTS

# Chromium's own traffic (updates, field trials, sync) has no place in a browser that visits what it was told to.
ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-quic",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-features=PasswordManagerOnboarding,Translate,OptimizationHints,MediaRouter",
)
# Memory of a long-lived Chromium grows; a new one costs under a second.
CONTEXTS_PER_BROWSER = 100
VIEWPORT = {"width": 1280, "height": 900}


class BrowserPool:
    """Starts Chromium at first use and again when it died or grew old.

    Args:
        settings: which browser, with or without a window, how long pages may take.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._lock = asyncio.Lock()
        self._made = 0
        self._contexts: set[BrowserContext] = set()

    async def new_context(self, state: SessionState | None = None) -> BrowserContext:
        """A context that starts from `state` (or empty); the caller closes it with `close_context`.

        Raises:
            BrowserMissing: no Chromium can be found or started.
        """
        browser = await self._ready()
        try:
            context = await self._make(browser, state)
        except Error:
            if await _answers(browser):
                raise
            # It died, or Playwright's own process did, which the browser object does not notice: once more.
            async with self._lock:
                if self._browser is browser:
                    self._browser = None
            context = await self._make(await self._ready(), state)
        return context

    async def close_context(self, context: BrowserContext) -> None:
        """Close a context; a browser that died is fine."""
        self._contexts.discard(context)
        with suppress(Error):
            await context.close()

    @asynccontextmanager
    async def context(self, state: SessionState | None = None) -> AsyncGenerator[BrowserContext]:
        """A context for the block.

        Raises:
            BrowserMissing: no Chromium can be found or started.
        """
        context = await self.new_context(state)
        try:
            yield context
        finally:
            await self.close_context(context)

    async def new_page(self, context: BrowserContext) -> Page:
        """A page with the pool's time limits; dialogs are dismissed, downloads and popups are not followed."""
        page = await context.new_page()
        page.set_default_timeout(self._settings.page_timeout * 1000)
        page.set_default_navigation_timeout(self._settings.page_timeout * 1000)
        return page

    async def close(self) -> None:
        """Close Chromium and Playwright."""
        async with self._lock:
            await self._drop_browser()
            await self._drop_playwright()

    async def _make(self, browser: Browser, state: SessionState | None) -> BrowserContext:
        context = await browser.new_context(
            storage_state=state.storage if state else None,  # pyright: ignore[reportArgumentType]
            viewport=VIEWPORT,  # pyright: ignore[reportArgumentType]
            accept_downloads=False,
            # A service worker could answer in the place of the site, out of sight of what watches the page's requests.
            service_workers="block",
        )
        await context.add_init_script(OPEN_SHADOW_ROOTS)
        if state is not None:
            await restore_session_storage(context, state)
        self._made += 1
        self._contexts.add(context)
        return context

    async def _ready(self) -> Browser:
        async with self._lock:
            browser = self._browser
            if browser is not None and browser.is_connected() and not self._worn():
                return browser
            await self._drop_browser()
            self._browser = await self._launch()
            self._made = 0
            self._contexts.clear()
            return self._browser

    def _worn(self) -> bool:
        return self._made >= CONTEXTS_PER_BROWSER and not self._contexts

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
        executable = find_chromium(self._settings, bundled=Path(self._playwright.chromium.executable_path))
        return await self._playwright.chromium.launch(
            executable_path=executable, headless=self._settings.headless, args=list(ARGUMENTS)
        )

    async def _drop_browser(self) -> None:
        if self._browser is not None:
            # Gone already is what was wanted.
            with suppress(Error):
                await self._browser.close()
            self._browser = None

    async def _drop_playwright(self) -> None:
        if self._playwright is not None:
            with suppress(Error):
                await self._playwright.stop()
            self._playwright = None


async def _answers(browser: Browser) -> bool:
    try:
        context = await browser.new_context()
        await context.close()
    except Error:
        return False
    return True
