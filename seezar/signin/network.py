"""What a page's own requests say: is it still working, and how did the site answer?"""

import asyncio
import time

from playwright.async_api import Page, Request, Response

# Pictures, fonts and style sheets say nothing about a login.
_TELLING = {"document", "xhr", "fetch"}
_QUIET_S = 0.12
_POLL_S = 0.03


class NetworkWatch:
    """Counts requests in flight and keeps the statuses of the answers since the last `mark`."""

    def __init__(self, page: Page) -> None:
        self._pending: set[Request] = set()
        self._last = time.monotonic()
        self.statuses: list[int] = []
        self.navigations = 0
        self.retry_after: str | None = None
        page.on("request", self._started)
        page.on("response", self._answered)
        page.on("requestfinished", self._ended)
        page.on("requestfailed", self._ended)

    def mark(self) -> None:
        """Forget what was before: an action is about to be taken."""
        self.statuses.clear()
        self.navigations = 0
        self.retry_after = None
        self._last = time.monotonic()

    async def quiet(self, timeout: float) -> bool:
        """Wait until no telling request was in flight for a moment; False when `timeout` seconds passed first."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if not self._pending and time.monotonic() - self._last >= _QUIET_S:
                return True
            await asyncio.sleep(_POLL_S)
        return False

    @property
    def worst(self) -> int:
        """The highest status since the mark, 0 when nothing was answered."""
        return max(self.statuses, default=0)

    def _started(self, request: Request) -> None:
        if request.resource_type in _TELLING:
            self._pending.add(request)
            self._last = time.monotonic()
            if request.is_navigation_request():
                self.navigations += 1

    def _answered(self, response: Response) -> None:
        if response.request.resource_type in _TELLING:
            self.statuses.append(response.status)
            if response.status == 429:
                self.retry_after = response.headers.get("retry-after")

    def _ended(self, request: Request) -> None:
        if request in self._pending:
            self._pending.discard(request)
            self._last = time.monotonic()
