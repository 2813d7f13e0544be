"""The browser's part of an extraction: several tabs of one signed-in context, each with the next page that waits."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urldefrag, urlsplit

from playwright.async_api import BrowserContext, Error, Page

from seezar.accounts.records import Account, SessionState
from seezar.accounts.site_turns import SiteTurns
from seezar.browser.state import capture
from seezar.errors import NotSignedIn, OriginNotAllowed, SeezarError
from seezar.extraction.checkpoints import MAX_TRIES, PageDone, Signature, Waiting
from seezar.extraction.collecting import Responses
from seezar.extraction.definitions import Definition
from seezar.extraction.leading import next_click
from seezar.extraction.reading import NoRows, read_page
from seezar.redaction import Redactor
from seezar.retry_after import retry_after_seconds
from seezar.signin.egress import tell_egress
from seezar.signin.lives import site_host
from seezar.signin.network import NetworkWatch
from seezar.signin.secrets import account_redactor
from workflows.open_page import PageNotOpened, allowed, not_opened, refuse_forms, refuse_ours
from workflows.runtime import Runtime
from workflows.steps import reporter
from workflows.understanding import Understanding

READ = "read"
"""What `Extracting.work` returns when no page waits any more."""
TIMED_OUT = "timeout"
ENDED = "ended"
# A site that says nothing of how long.
_BUSY_S = 5.0
_MOST_BUSY_S = 120.0
_TOLD_EVERY_S = 2.0
# Pages that are taken out of the table at a time.
_AHEAD = 20


class _Busy(Exception):
    """The site is to be left alone for so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class _NotNow(Exception):
    """A page could not be read, and may be tried again; says why."""


class Extracting:
    """Reads the waiting pages of one run.

    Args:
        deadline: epoch seconds.
    """

    def __init__(
        self, runtime: Runtime, run_id: str, account: Account, definition: Definition, *, deadline: float
    ) -> None:
        self._runtime = runtime
        self._app, self._pool = runtime.application, runtime.pool
        self._understanding: Understanding | None = None
        self._run_id = run_id
        self._account = account
        self._definition = definition
        self._deadline = deadline
        self._turns = SiteTurns(self._app.database, per_minute=definition.per_minute)
        self._in_work: set[int] = set()
        self._ahead: deque[Waiting] = deque()
        self._known: set[Signature] = set()
        self._moved = asyncio.Condition()
        # What ends all tabs; the first one says it.
        self._over = ""
        self._quiet_until = 0.0
        self._told_at = 0.0

    async def work(self) -> str:
        """Read until no page waits.

        Returns:
            `READ`, `TIMED_OUT`, `ENDED` (the run was, by somebody else), or the status of `NotSignedIn`.

        Raises:
            SeezarError: none of the pages can be read: no browser, no way out, a selector that is none.
        """
        app, account = self._app, self._account.name
        info = await app.sessions.info(account)
        if info is None:
            return NotSignedIn.status
        state = await app.sessions.load(account)
        redact = await account_redactor(app.vault, self._account)
        policy = self._pool.policy_of(self._account)
        self._understanding = Understanding(self._runtime, self._run_id, self._account, self._definition, redact, state)
        try:
            async with self._pool.context(policy, state, downloads=bool(self._definition.download)) as context:
                tabs = [self._tab(context, redact) for _ in range(self._definition.tabs)]
                done = await asyncio.gather(*tabs, return_exceptions=True)
                for failure in done:
                    if isinstance(failure, BaseException):
                        raise failure
                if self._over != NotSignedIn.status:
                    await self._renew(context, state, info.id)
        except Error as error:
            raise not_opened(error) from None
        finally:
            hidden = await account_redactor(app.vault, self._account, user_name=True, hosts=True)
            await tell_egress(policy, reporter(self._run_id), hidden)
        return self._over or READ

    async def _tab(self, context: BrowserContext, redact: Redactor) -> None:
        page = await self._pool.new_page(context)
        responses, watch = Responses(page, self._account.origins), NetworkWatch(page, self._account.origins)
        try:
            while (waiting := await self._next()) is not None:
                try:
                    await self._one(page, responses, watch, waiting, redact)
                finally:
                    async with self._moved:
                        self._in_work.discard(waiting.position)
                        self._moved.notify_all()
        except BaseException:
            # The other tabs end after the page that they are at.
            self._over = self._over or "error"
            async with self._moved:
                self._moved.notify_all()
            raise
        finally:
            with suppress(Error):
                await page.close()

    async def _next(self) -> Waiting | None:
        """The next page that nobody is at; None when there is none, and none will come."""
        while not self._over:
            if time.time() >= self._deadline:
                self._over = TIMED_OUT
                break
            async with self._moved:
                if not self._ahead:
                    found = await self._app.checkpoints.waiting(self._run_id, limit=len(self._in_work) + _AHEAD)
                    self._ahead.extend(waiting for waiting in found if waiting.position not in self._in_work)
                if self._ahead:
                    waiting = self._ahead.popleft()
                    self._in_work.add(waiting.position)
                    return waiting
                if not self._in_work:
                    return None
                # A page that is being read may lead on to others.
                await self._moved.wait()
        return None

    async def _one(
        self, page: Page, responses: Responses, watch: NetworkWatch, waiting: Waiting, redact: Redactor
    ) -> None:
        checkpoints, run_id = self._app.checkpoints, self._run_id
        try:
            await self._site_turn()
            async with self._pool.turn():
                await self._open(page, responses, watch, waiting)
                reader = partial(
                    read_page,
                    page,
                    at=waiting.lead,
                    responses=responses,
                    redact=redact,
                    now=datetime.now(UTC),
                    rest=partial(watch.quiet, self._app.settings.page_timeout),
                )
                try:
                    read = await reader(self._definition, known=self._known)
                    self._known.add(read.signature)
                except NoRows as nothing:
                    # A page that asks to sign in has no rows either.
                    await refuse_forms(page, self._account.name)
                    read = await self._understood(page, waiting, reader, nothing)
                if waiting.lead.role == "list" and not read.leads:
                    await refuse_forms(page, self._account.name)
            await checkpoints.done(run_id, self._account.name, waiting, read, self._definition)
        except NotSignedIn as error:
            self._over = error.status
        except _Busy as error:
            self._quiet_until = max(self._quiet_until, time.monotonic() + error.seconds)
            await self._again(waiting, f"The site asked to wait {error.seconds:.0f} s.")
        except _NotNow as error:
            await self._again(waiting, str(error))
        except (NoRows, PageNotOpened, OriginNotAllowed) as error:
            reason = error.what if isinstance(error, SeezarError) else str(error)
            await checkpoints.failed(run_id, waiting.position, reason)
        except Error as error:
            if page.is_closed():
                # The browser is gone, and the other tabs with it; what was read is stored.
                raise
            await self._again(waiting, not_opened(error).what)
        await self._tell()

    async def _understood(
        self, page: Page, waiting: Waiting, reader: Callable[[Definition], Awaitable[PageDone]], nothing: NoRows
    ) -> PageDone:
        """What is read of a page by what was learnt of such pages, or by what a model shows.

        Raises:
            NoRows: `nothing`, when neither gives any.
        """
        understanding = self._understanding
        if understanding is None:
            raise nothing
        if (learnt := await understanding.known(page)) is not None:
            try:
                return await reader(learnt)
            except NoRows:
                await understanding.failed(page)
        shown = await understanding.asked(page, waiting.lead.address) if not waiting.lead.clicks else None
        if shown is None:
            raise nothing
        return await reader(shown)

    async def _open(self, page: Page, responses: Responses, watch: NetworkWatch, waiting: Waiting) -> None:
        address = allowed(waiting.lead.address, self._account)
        responses.forget()
        watch.mark()
        response = await page.goto(address, wait_until="domcontentloaded")
        refuse_ours(response)
        status = response.status if response is not None else 200
        if status in (429, 503):
            header = response.headers.get("retry-after") if response is not None else None
            told = retry_after_seconds(header)
            raise _Busy(min(_BUSY_S if told is None else told, _MOST_BUSY_S))
        if status == 401:
            raise NotSignedIn(f"The site answered {status}.")
        if status >= 500:
            raise _NotNow(f"The site answered {status}.")
        if status >= 400:
            raise PageNotOpened(f"The site answered {status}.")
        await watch.answered(self._app.settings.page_timeout)
        allowed(page.url, self._account)
        if _bare(page.url) != _bare(address):
            # Led elsewhere: most often to where one signs in.
            await refuse_forms(page, self._account.name)
        for _ in range(waiting.lead.clicks):
            await self._click_on(page, responses, watch)

    async def _click_on(self, page: Page, responses: Responses, watch: NetworkWatch) -> None:
        """Click on to the next page of a list that has no address of its own."""
        onward = await next_click(page, self._definition)
        if not onward:
            raise _NotNow("What leads to the next page is not there any more.")
        responses.forget()
        watch.mark()
        await page.locator(onward).first.click()
        await watch.reaction()
        await watch.quiet(self._app.settings.page_timeout)

    async def _site_turn(self) -> None:
        wait = await self._turns.book(f"{site_host(self._account)} extract")
        wait = max(wait, self._quiet_until - time.monotonic())
        if wait > 0:
            await asyncio.sleep(min(wait, max(0.0, self._deadline - time.time())))

    async def _again(self, waiting: Waiting, reason: str) -> None:
        checkpoints = self._app.checkpoints
        if waiting.tries + 1 >= MAX_TRIES:
            await checkpoints.failed(self._run_id, waiting.position, f"{reason} It was tried {MAX_TRIES} times.")
        else:
            await checkpoints.tried(self._run_id, waiting.position)

    async def _renew(self, context: BrowserContext, state: SessionState, session_id: str) -> None:
        """Keep the session as it is now: sites renew cookies as they are used; the old ones may stop working."""
        page = await self._pool.new_page(context)
        renewed = replace(await capture(context, page), session_storage=state.session_storage)
        renewed = replace(renewed, plain_check=state.plain_check, kept_by=state.kept_by)
        await self._app.sessions.verified(self._account.name, renewed, session_id=session_id)

    async def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told_at < _TOLD_EVERY_S:
            return
        self._told_at = now
        if (await self._app.runs.get(self._run_id)).finished:
            self._over = self._over or ENDED
            return
        progress = await self._app.checkpoints.progress(self._run_id)
        told = f"{progress.done + progress.failed} of {progress.pages} pages, {progress.rows} rows"
        await self._app.runs.event(self._run_id, "read", told)


def _bare(url: str) -> str:
    parts = urlsplit(urldefrag(url).url)
    return f"{parts.netloc}{parts.path.rstrip('/')}"
