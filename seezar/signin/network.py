"""What a page's own requests say: is it still working, and how did the site answer?"""

import asyncio
import time
from email.utils import parsedate_to_datetime

from playwright.async_api import Page, Request, Response

# Pictures, fonts and style sheets say nothing about a login.
_TELLING = {"document", "xhr", "fetch"}
_QUIET_S = 0.12
_POLL_S = 0.03
# Rounding of the header and the way of the answer; less than this is no skew.
_CLOCK_TOLERANCE_S = 3.0


class NetworkWatch:
    """Counts requests in flight and keeps what was answered since the last `mark`.

    Attributes:
        statuses: of all telling answers.
        navigations: navigation requests begun, in any frame.
        documents: documents that were answered, redirects left out.
        retry_after: of the last 429.
        clock_skew: seconds that the site's clock is ahead of ours; 0 when it is right.
    """

    def __init__(self, page: Page) -> None:
        self._pending: set[Request] = set()
        self._last = time.monotonic()
        self.statuses: list[int] = []
        self.navigations = 0
        self.documents = 0
        self.retry_after: str | None = None
        self.clock_skew = 0.0
        page.on("request", self._started)
        page.on("response", self._answered)
        page.on("requestfinished", self._ended)
        page.on("requestfailed", self._ended)

    def mark(self) -> None:
        """Forget what was before: an action is about to be taken."""
        self.statuses.clear()
        self.navigations = 0
        self.documents = 0
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
            self.clock_skew = _skew(response.headers.get("date"), self.clock_skew)
            if response.request.is_navigation_request() and not 300 <= response.status < 400:
                self.documents += 1
            if response.status == 429:
                self.retry_after = response.headers.get("retry-after")

    def _ended(self, request: Request) -> None:
        if request in self._pending:
            self._pending.discard(request)
            self._last = time.monotonic()


def _skew(date: str | None, before: float) -> float:
    """Seconds that the site's clock is ahead of ours, from its Date header; that header has whole seconds."""
    if date is None:
        return before
    try:
        ahead = parsedate_to_datetime(date).timestamp() - time.time()
    except ValueError:
        return before
    return ahead if abs(ahead) > _CLOCK_TOLERANCE_S else 0.0
