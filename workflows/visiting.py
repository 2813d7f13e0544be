"""A page of an account in a browser of the pool, for one browser life: opened with the session, kept after it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from playwright.async_api import BrowserContext, Error, Page

from seezar.accounts.pages import NewPage
from seezar.accounts.records import Account, SessionState
from seezar.browser.state import capture
from seezar.redaction import Redactor
from seezar.signin.egress import tell_egress
from seezar.signin.network import NetworkWatch
from seezar.signin.secrets import account_redactor
from seezar.telemetry.spans import spans
from workflows.open_page import PageNotOpened, allowed, not_opened, refuse_forms, refuse_ours, shown
from workflows.runtime import runtime
from workflows.steps import reporter


@dataclass
class Visit:
    """A page of an account that is signed in.

    Attributes:
        target: the address that was asked for.
        redact: the gate before everything that leaves.
    """

    run_id: str
    target: str
    page: Page
    context: BrowserContext
    watch: NetworkWatch
    record: Account
    state: SessionState
    session_id: str | None
    redact: Redactor

    @property
    def target_shown(self) -> str:
        """The address without query, redacted."""
        return self.redact(shown(self.target))

    async def rested(self) -> None:
        """Wait until the page is quiet."""
        await self.watch.quiet(runtime().application.settings.page_timeout)

    async def open(self) -> None:
        """Load the address, and make sure that it is a page behind the login.

        Raises:
            PageNotOpened: the site answers with an error.
            OriginNotAllowed, NotSignedIn: as `settle`.
        """
        await runtime().application.runs.event(self.run_id, "open", f"Opening {self.target_shown}")
        with spans.span("browser.open", {"server.address": urlsplit(self.target).hostname or ""}, kind="CLIENT"):
            response = await self.page.goto(self.target, wait_until="domcontentloaded")
        refuse_ours(response)
        if response is not None and response.status >= 400:
            raise PageNotOpened(f"The site answered {response.status}.", kept="The session is unchanged.")
        await self.settle()

    async def settle(self) -> None:
        """Wait until the page is quiet, and make sure that it is still a page of the account behind its login.

        Raises:
            OriginNotAllowed, NotSignedIn: it is not.
        """
        await self.watch.quiet(runtime().application.settings.page_timeout)
        allowed(self.page.url, self.record)
        await refuse_forms(self.page, self.record.name)

    async def keep(self, page: NewPage) -> str:
        """Store what was read and the session as it is now; returns the id of the page record."""
        app = runtime().application
        renewed = await capture(self.context, self.page)
        page_id = await app.pages.store(page)
        # Sites renew cookies as they are used; the old ones may stop working.
        renewed = replace(renewed, plain_check=self.state.plain_check, kept_by=self.state.kept_by)
        await app.sessions.verified(self.record.name, renewed, session_id=self.session_id)
        return page_id


@asynccontextmanager
async def visiting(run_id: str, record: Account, url: str | None, *, downloads: bool = False) -> AsyncGenerator[Visit]:
    """A visit to `url` (or the verify URL) of an account, whose page is still empty: call `open`.

    Raises:
        OriginNotAllowed: the address is on no origin of the account.
        PageNotOpened: the browser cannot go there.
    """
    app, pool = runtime().application, runtime().pool
    target = allowed(urljoin(record.verify_url, url) if url else record.verify_url, record)
    info = await app.sessions.info(record.name)
    state = await app.sessions.load(record.name)
    redact = await account_redactor(app.vault, record)
    policy = pool.policy_of(record)
    try:
        async with pool.turn(), pool.context(policy, state, downloads=downloads) as context:
            page = await pool.new_page(context)
            watch = NetworkWatch(page, record.origins)
            yield Visit(run_id, target, page, context, watch, record, state, info.id if info else None, redact)
    except Error as error:
        raise not_opened(error) from None
    finally:
        hidden = await account_redactor(app.vault, record, user_name=True, hosts=True)
        await tell_egress(policy, reporter(run_id), hidden)
