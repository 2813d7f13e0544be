"""Pages that stay open between two browser lives of a sign-in: a cache, never needed, closed after a while."""

import time
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import BrowserContext

from seezar.browser.pool import BrowserPool
from seezar.signin.driver import SignInDriver

# Each costs a context of the browser; the oldest makes room. A page that is closed is rebuilt from its checkpoint.
_MOST = 8


@dataclass
class OpenPage:
    """A page in the middle of a sign-in.

    Attributes:
        before: the browser's cookies from before the password was submitted.
        until: when it is closed if nobody has come back for it, monotonic seconds.
    """

    context: BrowserContext
    driver: SignInDriver
    before: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    until: float = 0.0


class OpenPages:
    """The open pages of one worker by run and attempt."""

    def __init__(self, pool: BrowserPool) -> None:
        self._pool = pool
        self._open: dict[tuple[str, int], OpenPage] = {}

    async def hold(self, run_id: str, number: int, opened: OpenPage, *, seconds: float) -> None:
        """Keep a page for `seconds`."""
        opened.until = time.monotonic() + seconds
        self._open[run_id, number] = opened
        while len(self._open) > _MOST:
            await self._close(min(self._open, key=lambda key: self._open[key].until))

    async def take(self, run_id: str, number: int) -> OpenPage | None:
        """Get a page back; None when it is gone."""
        opened = self._open.pop((run_id, number), None)
        if opened is not None and opened.driver.page.is_closed():
            await self._pool.close_context(opened.context)
            return None
        return opened

    async def drop(self, run_id: str) -> None:
        """Close what a run still has open."""
        for key in [key for key in self._open if key[0] == run_id]:
            await self._close(key)

    async def drop_stale(self) -> None:
        """Close the pages whose run has not come back for them in time (it was cancelled, or moved to another
        worker).
        """
        now = time.monotonic()
        for key in [key for key, opened in self._open.items() if opened.until < now]:
            await self._close(key)

    async def _close(self, key: tuple[str, int]) -> None:
        # Its run may have come back for it while another was being closed.
        opened = self._open.pop(key, None)
        if opened is not None:
            await self._pool.close_context(opened.context)
