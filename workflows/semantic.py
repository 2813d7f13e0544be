"""Doing or finding something on a page behind a login that only a model can point at, durably.

What the page says goes into an encrypted page record; rows and events hold its reference, names and outcomes.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

from dbos import DBOS
from playwright.async_api import Error

from seezar.accounts.pages import NewPage
from seezar.accounts.records import Account, SessionState
from seezar.browser.reader import read_text, screenshot
from seezar.browser.risks import NotAgreed
from seezar.browser.semantic import SemanticBrowser
from seezar.browser.state import capture
from seezar.errors import SeezarError
from seezar.redaction import Redactor
from seezar.signin.egress import tell_egress
from seezar.signin.network import NetworkWatch
from seezar.signin.secrets import account_redactor
from seezar.telemetry.spans import spans
from workflows.names import ACT_ON_PAGE, EXTRACT_FROM_PAGE
from workflows.open_page import PageNotOpened, allowed, not_opened, refuse_forms, refuse_ours, shown
from workflows.runtime import runtime
from workflows.shell import to_its_end, workflow_id
from workflows.steps import reporter
from workflows.taking import account_of, ended_before
from workflows.tracing import traced_workflow


class Interrupted(SeezarError):
    """What was to be done on a page was cut off, or failed in the middle; whether it was done is not known."""

    status = "interrupted"


def _interrupted(what: str) -> Interrupted:
    return Interrupted(
        what,
        kept="It may have been done, and is not done a second time.",
        next_step="Open the page to see whether it was done.",
    )


@DBOS.workflow(name=ACT_ON_PAGE)
@traced_workflow
async def act_on_page(account: str, instruction: str, url: str | None, agreed: str = "") -> dict[str, Any]:
    """Do the one thing that `instruction` asks for on the page `url` (or the verify URL) of `account`.

    Args:
        agreed: what a person has said may be done; anything else that is risky is not.

    Returns:
        `{"status": "done", "account", "method", "page_id", "url", "title"}`, or a status with `reason`; of
        "needs_confirmation" that is what would be done.
    """
    run_id = workflow_id()
    return await to_its_end(run_id, account, act(run_id, account, instruction, url, agreed))


@DBOS.workflow(name=EXTRACT_FROM_PAGE)
@traced_workflow
async def extract_from_page(account: str, question: str, url: str | None) -> dict[str, Any]:
    """Find the answer to `question` on the page `url` (or the verify URL) of `account`.

    Returns:
        `{"status": "extracted", "account", "page_id", "url", "title"}`: the answer is the text of the page record; or a
        status with `reason`.
    """
    run_id = workflow_id()
    return await to_its_end(run_id, account, extract(run_id, account, question, url))


@DBOS.step()
async def act(run_id: str, account: str, instruction: str, url: str | None, agreed: str = "") -> dict[str, Any]:
    """Open, act, read what came of it."""
    app = runtime().application
    if (over := await ended_before(run_id)) is not None:
        return over
    if any(event.step == "act" for event in await app.runs.events(run_id)):
        raise _interrupted("The worker stopped while it acted on the page.")
    begun = False

    async def before() -> None:
        nonlocal begun
        # A step that is taken up again after a crash must not do it twice.
        await app.runs.event(run_id, "act", "Acting on the page")
        visit.watch.mark()
        begun = True

    try:
        async with _opened(run_id, account, url) as visit:
            await app.runs.event(run_id, "ask", "Asking a model where on the page it is done")
            done = await visit.browser.act(instruction, agreed=agreed, before=before)
            # A click is done before the page has sent what it leads to.
            await visit.watch.reaction()
            await visit.settle()
            text = await read_text(visit.browser.page, visit.redact)
            picture = await screenshot(visit.browser.page, visit.redact)
            page_id = await visit.keep(NewPage(run_id, account, text.url, text.title, text.text, picture))
    except NotAgreed as error:
        return await _finished(run_id, {"status": error.status, "account": account, "reason": error.what})
    except Exception as error:
        if not begun:
            raise
        what = error.what if isinstance(error, SeezarError) else f"{type(error).__name__} came in between."
        raise _interrupted(f"What came of it cannot be told: {what}") from None
    result = {"status": "done", "account": account, "method": done.method, "page_id": page_id}
    return await _finished(run_id, result | {"url": text.url, "title": text.title})


@DBOS.step()
async def extract(run_id: str, account: str, question: str, url: str | None) -> dict[str, Any]:
    """Open, ask, keep the answer."""
    app = runtime().application
    if (over := await ended_before(run_id)) is not None:
        return over
    async with _opened(run_id, account, url) as visit:
        await app.runs.event(run_id, "extract", "Asking a model what the page says")
        answer = visit.redact((await visit.browser.extract(question)).answer)
        text = await read_text(visit.browser.page, visit.redact)
        page_id = await visit.keep(NewPage(run_id, account, text.url, text.title, answer, None))
    result = {"status": "extracted", "account": account, "page_id": page_id}
    return await _finished(run_id, result | {"url": text.url, "title": text.title})


@dataclass
class _Visit:
    """A page of an account in a browser that understands it."""

    browser: SemanticBrowser
    watch: NetworkWatch
    record: Account
    state: SessionState
    session_id: str | None
    redact: Redactor

    async def settle(self) -> None:
        """Wait until the page is quiet, and make sure that it is still a page of the account behind its login.

        Raises:
            OriginNotAllowed, NotSignedIn: it is not.
        """
        await self.watch.quiet(runtime().application.settings.page_timeout)
        allowed(self.browser.page.url, self.record)
        await refuse_forms(self.browser.page, self.record.name)

    async def keep(self, page: NewPage) -> str:
        """Store what was read and the session as it is now; returns the id of the page record."""
        app = runtime().application
        renewed = await capture(self.browser.context, self.browser.page)
        page_id = await app.pages.store(page)
        # Sites renew cookies as they are used; the old ones may stop working.
        renewed = replace(renewed, plain_check=self.state.plain_check, kept_by=self.state.kept_by)
        await app.sessions.verified(self.record.name, renewed, session_id=self.session_id)
        return page_id


@asynccontextmanager
async def _opened(run_id: str, account: str, url: str | None) -> AsyncGenerator[_Visit]:
    app = runtime().application
    record = await account_of(run_id, account)
    target = allowed(urljoin(record.verify_url, url) if url else record.verify_url, record)
    info = await app.sessions.info(account)
    state = await app.sessions.load(account)
    redact = await account_redactor(app.vault, record, user_name=True)
    settings = app.settings

    async def spend() -> bool:
        return await app.runs.spend_model_call(run_id, limit=settings.model_calls_per_sign_in)

    pool = runtime().pool
    policy = pool.policy_of(record)
    browser = SemanticBrowser(
        settings, app.models, redact, record.origins, way_out=pool.way_out, policy=policy, spend=spend, state=state
    )
    try:
        async with pool.turn(), browser:
            await app.runs.event(run_id, "open", f"Opening {redact(shown(target))}")
            watch = NetworkWatch(browser.page, record.origins)
            visit = _Visit(browser, watch, record, state, info.id if info else None, redact)
            with spans.span("browser.open", {"server.address": urlsplit(target).hostname or ""}, kind="CLIENT"):
                response = await browser.page.goto(target, wait_until="domcontentloaded")
            refuse_ours(response)
            if response is not None and response.status >= 400:
                raise PageNotOpened(f"The site answered {response.status}.", kept="The session is unchanged.")
            await visit.settle()
            yield visit
    except Error as error:
        raise not_opened(error) from None
    finally:
        hidden = await account_redactor(app.vault, record, user_name=True, hosts=True)
        await tell_egress(policy, reporter(run_id), hidden)


async def _finished(run_id: str, result: dict[str, Any]) -> dict[str, Any]:
    app = runtime().application
    await app.runs.event(run_id, "done", str(result["status"]))
    await app.runs.finish(run_id, str(result["status"]), reason=str(result.get("reason", "")), result=result)
    return result
