"""Starting a Chromium on this machine, or reaching one that runs elsewhere."""

import logging
import os
from contextlib import suppress
from pathlib import Path

from playwright.async_api import Browser, Error, Playwright

from seezar.browser.executable import find_chromium
from seezar.errors import BrowserMissing
from seezar.settings import Settings

log = logging.getLogger("seezar.browser")

# Chromium reads the last list alone, so what Playwright switches off has to stand in ours: `chromiumSwitches.ts` of
# https://github.com/microsoft/playwright, for the version that is pinned.
_PLAYWRIGHT_S = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
)
# What is in the fields of a form is asked about at Google, by its signature, unless that is switched off.
_OURS = ("AutofillServerCommunication", "PasswordManagerOnboarding", "Translate")
# Chromium's own traffic (updates, field trials, sync) has no place in a browser that visits what it was told to.
ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    # Parts of it, and who is signed in at Google, are asked for all the same: where nobody listens.
    "--component-updater=url-source=http://127.0.0.1:9/",
    "--gaia-url=http://127.0.0.1:9/",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-quic",
    # Names are resolved by our proxy alone, and WebRTC sends nothing past it.
    "--dns-prefetch-disable",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    f"--disable-features={','.join((*_PLAYWRIGHT_S, *_OURS))}",
)
_CONNECT_MS = 15_000


class Launcher:
    """Starts browsers as the settings say, and remembers whether the sandbox works here.

    Args:
        settings: `chromium`, `headless`, `cdp_url`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.sandboxed = not is_root()
        self._said = False

    @property
    def remote(self) -> bool:
        """Whether the browser runs elsewhere; then it is neither started nor ended by us."""
        return self._settings.cdp_url is not None

    def executable(self, playwright: Playwright) -> Path:
        """The Chromium to start.

        Raises:
            BrowserMissing: there is none.
        """
        return find_chromium(self._settings, bundled=Path(playwright.chromium.executable_path))

    async def launch(self, playwright: Playwright, *, mark: str, proxy: str | None) -> Browser:
        """A browser.

        Args:
            mark: a switch that Chromium does not know and passes over; it makes the process known again.
            proxy: address of the proxy that it goes through; None for none.

        Raises:
            BrowserMissing: there is none on this machine, or none answers at the DevTools address.
            playwright.async_api.Error: it does not start, or Playwright's own process is gone.
        """
        if self._settings.cdp_url is not None:
            return await self._connect(playwright, self._settings.cdp_url)
        executable = self.executable(playwright)
        if self.sandboxed:
            with suppress(Error):
                return await self._start(playwright, executable, mark, proxy, sandbox=True)
        browser = await self._start(playwright, executable, mark, proxy, sandbox=False)
        # Only now: a browser that starts in neither way has another trouble.
        self.sandboxed = False
        if not self._said:
            self._said = True
            why = "this process is root's" if is_root() else "it does not work on this machine"
            log.warning("Chromium runs without its sandbox: %s", why)
        return browser

    async def _start(
        self, playwright: Playwright, executable: Path, mark: str, proxy: str | None, *, sandbox: bool
    ) -> Browser:
        return await playwright.chromium.launch(
            # For what Chromium does by itself: it has no credentials, and gets nowhere.
            proxy={"server": proxy} if proxy is not None else None,
            executable_path=executable,
            headless=self._settings.headless,
            chromium_sandbox=sandbox,
            args=[*ARGUMENTS, mark],
        )

    async def _connect(self, playwright: Playwright, url: str) -> Browser:
        try:
            # Its own context and pages are left as they are.
            return await playwright.chromium.connect_over_cdp(url, no_defaults=True, timeout=_CONNECT_MS)
        except Error:
            # The message quotes the address, which may carry a token.
            raise BrowserMissing(
                "No browser answers at the address in SEEZAR_CDP_URL.",
                kept="Nothing was sent anywhere.",
                next_step="Start it with --remote-debugging-port, or unset SEEZAR_CDP_URL to start one here.",
            ) from None


def is_root() -> bool:
    """Whether this process is root's: Chromium refuses its sandbox then."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
