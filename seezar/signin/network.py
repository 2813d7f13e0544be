"""What a page's own requests say: is it still working, and how did the site answer?"""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from playwright.async_api import Error, Frame, Page, Request, Response, WebSocket

from seezar.domains import same_site

# Pictures, fonts and style sheets say nothing about a login. A script may be the next part of the program.
_WATCHED = {"document", "xhr", "fetch", "script"}
_QUIET_S = 0.12
_POLL_S = 0.03
# An answer whose body nobody reads never counts as finished; this long a page may take to read one.
_BODY_S = 1.0
# A document that was answered and never stands (a download, a 204) is waited for this long.
_ARRIVE_S = 1.0
# What a page only asks for may stay unanswered on purpose (a long poll) or never stop; what it sends is waited for.
_READS_S = 4.0
# No Content and Reset Content leave the document as it is.
_NO_DOCUMENT = (204, 205)
# Rounding of the header and the way of the answer; less than this is no skew.
_CLOCK_TOLERANCE_S = 3.0


class NetworkWatch:
    """Watches the requests of a page, and keeps how the site answered since the last `mark`.

    Only requests to the site itself count as its answers: what analytics or advertisements say is not about the login.

    Args:
        page: watched from now on.
        origins: of the site; the page's own host is part of it always.

    Attributes:
        reacted: something was sent to the site, or a navigation has begun.
        navigated: the page itself has begun to go to another document.
        sent_elsewhere: a script has sent something to another site, which may be where its login is, or a counter of
            visits.
        elsewhere_statuses: of the answers to that.
        refreshes: the page, or a frame in it, goes elsewhere by itself after a while; its answer said so.
        sent_frames: messages sent over web sockets; some of them may only say that the page is still there.
        document_status: of the last document, redirects left out; 0 when there was none.
        sent_statuses: of the answers to what scripts sent (not to what they only asked for), before the last document.
        denied: a script was told that it is not signed in.
        retry_after: of the last 429.
        clock_skew: seconds that the site's clock is ahead of ours; 0 when it is right.
    """

    def __init__(self, page: Page, origins: Iterable[str] = ()) -> None:
        self._page = page
        self._hosts = [_host(origin) for origin in origins]
        # Unanswered, or answered at a time (monotonic seconds) and not read to the end.
        self._awaited: dict[Request, float | None] = {}
        self._reads: dict[Request, float | None] = {}
        # What scripts have sent to other sites and is not answered.
        self._elsewhere: set[Request] = set()
        # Frames whose next document was answered and does not stand yet, since when.
        self._arriving: dict[Frame, float] = {}
        self._moved = asyncio.Event()
        self._last = self._last_awaited = self._since = time.monotonic()
        self.reacted = False
        self.navigated = False
        self.refreshes = False
        self.sent_elsewhere = False
        self.elsewhere_statuses: list[int] = []
        self.sent_frames = 0
        self.denied = False
        self.document_status = 0
        self.sent_statuses: list[int] = []
        self.retry_after: str | None = None
        self.clock_skew = 0.0
        page.on("request", self._started)
        page.on("response", self._answered)
        page.on("requestfinished", self._ended)
        page.on("requestfailed", self._ended)
        page.on("websocket", self._connected)
        page.on("domcontentloaded", lambda page: self._stands(page.main_frame))
        page.on("framenavigated", self._navigated)
        page.on("download", lambda _: self._saved())
        page.on("close", lambda _: self._gone())
        page.on("crash", lambda _: self._gone())

    def mark(self) -> None:
        """Forget what was before: an action is about to be taken."""
        self._awaited.clear()
        self._reads.clear()
        self._arriving.clear()
        self._elsewhere.clear()
        self.reacted = False
        self.navigated = False
        self.sent_elsewhere = False
        self.elsewhere_statuses.clear()
        self.sent_frames = 0
        self.denied = False
        self.document_status = 0
        self.sent_statuses.clear()
        self.retry_after = None
        self._last = self._last_awaited = self._since = time.monotonic()

    async def quiet(self, timeout: float) -> bool:
        """Wait until the page has done what it was at; False when the site did not answer within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while (now := time.monotonic()) < deadline:
            answered = not _busy(self._awaited, now) and now - self._last_awaited >= _QUIET_S
            read = not _busy(self._reads, now) and now - self._last >= _QUIET_S
            if answered and (read or now - self._since >= _READS_S):
                return True
            await asyncio.sleep(_POLL_S)
        return not _busy(self._awaited, time.monotonic())

    async def settled(self, timeout: float) -> bool:
        """Wait until what was sent is answered and the document that it led to stands; False after `timeout` seconds.

        Unlike `quiet` it waits for no silence: enough for a page that is known, or that nothing can change any more.
        """
        deadline = time.monotonic() + timeout
        while (now := time.monotonic()) < deadline:
            self._moved.clear()
            arriving = any(now - since < _ARRIVE_S for since in self._arriving.values())
            if not arriving and not _busy(self._awaited, now):
                return True
            await self._move(_POLL_S)
        return not _busy(self._awaited, time.monotonic())

    async def answered(self, timeout: float) -> bool:
        """Wait until everything that was asked for is answered; False after `timeout` seconds.

        Unlike `quiet` it waits for no silence: enough where the page then shows what is known from pages like it.
        """
        deadline = time.monotonic() + timeout
        while (now := time.monotonic()) < deadline:
            self._moved.clear()
            if not (_busy(self._awaited, now) or _busy(self._reads, now)):
                return True
            await self._move(_POLL_S)
        return False

    async def reaction(self) -> bool:
        """Wait until something is sent to the site, but no longer than a page takes to react; whether it was."""
        deadline = time.monotonic() + _QUIET_S
        while not self.reacted and (left := deadline - time.monotonic()) > 0:
            self._moved.clear()
            await self._move(left)
        return self.reacted

    async def _move(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._moved.wait(), seconds)

    @property
    def pending(self) -> bool:
        """Whether something that was sent, here or to another site, is not answered."""
        return bool(self._elsewhere) or _busy(self._awaited, time.monotonic())

    @property
    def statuses(self) -> list[int]:
        """How the site answered: the document, or else what scripts sent."""
        return [self.document_status] if self.document_status else self.sent_statuses

    def _started(self, request: Request) -> None:
        if request.resource_type not in _WATCHED:
            return
        self._last = time.monotonic()
        demanding = _demands_answer(request)
        awaited = demanding and self._is_of_site(request)
        self.reacted = self.reacted or awaited
        if request.is_navigation_request():
            self.navigated = self.navigated or self._is_of_page(request)
        elif demanding and not awaited:
            self.sent_elsewhere = True
            self._elsewhere.add(request)
        self._moved.set()
        # What the next document sends is its own affair, and may be a poll as well.
        if awaited and (request.is_navigation_request() or not self.document_status):
            self._awaited[request] = None
            self._last_awaited = self._last
        else:
            self._reads[request] = None

    def _connected(self, socket: WebSocket) -> None:
        socket.on("framesent", self._frame_sent)

    def _frame_sent(self, _payload: str | bytes) -> None:
        self.sent_frames += 1

    def _answered(self, response: Response) -> None:
        request, now = response.request, time.monotonic()
        for flights in (self._awaited, self._reads):
            if request in flights:
                flights[request] = now
        if request in self._elsewhere:
            self._elsewhere.discard(request)
            self.elsewhere_statuses.append(response.status)
        if request.resource_type not in _WATCHED or not self._is_of_site(request):
            return
        self.clock_skew = _skew(response.headers, self.clock_skew)
        if response.status in (401, 403) and not request.is_navigation_request():
            self.denied = True
        if response.status == 429:
            self.retry_after = response.headers.get("retry-after")
        if request.is_navigation_request():
            # Redirects, too: what they lead to is yet to come. A frame that is only being made has no object.
            with suppress(Error):
                self._arriving[request.frame] = now
        if not _demands_answer(request) or 300 <= response.status < 400:
            return
        if request.is_navigation_request() and response.status not in _NO_DOCUMENT:
            self.refreshes = "refresh" in response.headers or (self.refreshes and not self._is_of_page(request))
            self.document_status = response.status
            self._since = now
        elif not self.document_status and request in self._awaited:
            # What was sent before the last `mark` may be answered after it.
            self.sent_statuses.append(response.status)

    def _saved(self) -> None:
        # A file was answered: the document is the one that it was.
        self.document_status = 0
        self._arriving.clear()
        self._moved.set()

    def _gone(self) -> None:
        # Nothing is answered any more: whoever waits shall look at the page, and find that it is not there.
        for flights in (self._awaited, self._reads):
            flights.clear()
        self._elsewhere.clear()
        self._arriving.clear()
        self._moved.set()

    def _ended(self, request: Request) -> None:
        self._elsewhere.discard(request)
        if request in self._awaited:
            del self._awaited[request]
            self._last = self._last_awaited = time.monotonic()
        elif request in self._reads:
            del self._reads[request]
            self._last = time.monotonic()
        self._moved.set()

    def _navigated(self, frame: Frame) -> None:
        # The main frame navigates within its document, too; that it stands is told by its own event.
        if frame is not self._page.main_frame:
            self._stands(frame)

    def _stands(self, frame: Frame) -> None:
        self._arriving.pop(frame, None)
        self._moved.set()

    def _is_of_page(self, request: Request) -> bool:
        # A frame that is only being made has no object.
        with suppress(Error):
            return request.frame == self._page.main_frame
        return False

    def _is_of_site(self, request: Request) -> bool:
        host = _host(request.url)
        # The first navigation starts from a blank page.
        own = [*self._hosts, _host(self._page.url)]
        return any(same_site(host, other) for other in own) or not any(own)


def _demands_answer(request: Request) -> bool:
    sends = request.resource_type in ("xhr", "fetch") and request.method not in ("GET", "HEAD", "OPTIONS")
    return sends or request.is_navigation_request()


def _busy(flights: dict[Request, float | None], now: float) -> bool:
    return any(answered is None or now - answered < _BODY_S for answered in flights.values())


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _skew(headers: dict[str, str], before: float) -> float:
    """Seconds that the site's clock is ahead of ours, from its Date header; that header has whole seconds."""
    try:
        # A cache between us and the site says how old the answer is (RFC 9111 section 5.1).
        then = parsedate_to_datetime(headers["date"]).timestamp() + int(headers.get("age", "0"))
    except (KeyError, ValueError):
        return before
    ahead = then - time.time()
    return ahead if abs(ahead) > _CLOCK_TOLERANCE_S else 0.0
