"""A browser life of a sign-in: its turn, its context, its time, and what is left of it."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from playwright.async_api import BrowserContext, Error, Page

from seezar.accounts.records import Account, SessionState
from seezar.browser.pool import BrowserPool
from seezar.egress import EgressPolicy
from seezar.signin.open_pages import OpenPage
from seezar.signin.outcome import Outcome

_BROWSER_LOST = Outcome("browser_lost", "The browser went away in the middle.")
_TOO_LATE = "The deadline of the run has passed."
# What a page that goes away in the middle may be taken for: it does not load, keeps nothing, shows nothing.
_DOUBTED = ("site_error", "needs_person", "unknown")
_ANSWERS_S = 2.0


class BrowserLife:
    """What is known of a life while it lasts, and its outcome.

    Attributes:
        outcome: how it ended; set by whoever lives it.
        held: its page stays open.
        opened: the page, once there is one.
        policy: what its pages may reach, and what was decided of it.
    """

    def __init__(self, bound: asyncio.Timeout, opened: OpenPage | None) -> None:
        self.outcome = _BROWSER_LOST
        self.held = False
        self.opened = opened
        self._bound = bound
        self._context = opened.context if opened else None
        self.policy: EgressPolicy | None = None

    @property
    def context(self) -> BrowserContext:
        """Where it is lived."""
        assert self._context is not None
        return self._context

    async def doubt(self, pool: BrowserPool) -> None:
        """Make sure that what looks like the site's doing was not the end of the browser, or of the page."""
        if self.outcome.status == "page_lost":
            # That the page is gone is known; the browser may have been replaced by now.
            browser = self.context.browser
            lost = browser is None or not browser.is_connected()
        elif self.outcome.status in _DOUBTED and self.outcome.question is None:
            lost = await _gone(self.context.pages)
        else:
            return
        if lost or not await pool.answers():
            self.outcome, self.held = _BROWSER_LOST, False

    def begin_to_keep(self) -> None:
        """What has been reached is kept, however late it is: the time limit ends here."""
        self._bound.reschedule(None)

    async def begin(self, pool: BrowserPool, account: Account, state: SessionState | None) -> None:
        """Have a context."""
        self._context = self._context or await pool.new_context(pool.policy_of(account), state)
        self.policy = pool.way_out.policy(self._context)

    def cut_off(self) -> None:
        """Its time was over."""
        self.held = False
        if self.outcome is not _BROWSER_LOST:
            return
        if self.opened is None:
            self.outcome = Outcome("unknown", _TOO_LATE)
        else:
            submitted = self.opened.driver.progress.password_submitted
            what = "The password had been submitted." if submitted else "No password had been submitted."
            self.outcome = Outcome("unknown", f"{_TOO_LATE} {what}")

    def end(self, pool: BrowserPool) -> None:
        """Give back what is not held."""
        if self._context is not None and not self.held:
            pool.retire(self._context)


async def _gone(pages: Sequence[Page]) -> bool:
    if not pages:
        # One that has gone is not listed any more.
        return True
    try:
        async with asyncio.timeout(_ANSWERS_S):
            for page in pages:
                await page.evaluate("0")
    except TimeoutError:
        # It is at something, and so is there.
        return False
    except Error as error:
        # A page that is just leaving for another one does not answer either.
        return "crash" in error.message or "closed" in error.message
    return False


@asynccontextmanager
async def browser_life(
    pool: BrowserPool,
    account: Account,
    deadline: float | None,
    opened: OpenPage | None = None,
    *,
    state: SessionState | None = None,
) -> AsyncGenerator[BrowserLife]:
    """A life of `account` in `opened`, or in a new context that starts from `state`. A browser that breaks in it, or
    the end of its time, is its outcome; any other error passes.

    Args:
        deadline: epoch seconds; None for no limit.

    Raises:
        BrowserMissing: no Chromium.
        EgressUnreachable: it cannot go out through our proxy.
    """
    when = None if deadline is None else asyncio.get_running_loop().time() + deadline - time.time()
    bound = asyncio.timeout_at(when)
    life = BrowserLife(bound, opened)
    try:
        async with bound, pool.turn():
            # Only with a turn: many more may wait for one than contexts should be open.
            await life.begin(pool, account, state)
            yield life
            await life.doubt(pool)
    except TimeoutError:
        if not bound.expired():
            raise
        life.cut_off()
    except Error:
        life.outcome, life.held = _BROWSER_LOST, False
    finally:
        life.end(pool)
