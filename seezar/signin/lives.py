"""The browser lives of a sign-in. Each begins and ends with what is stored; an open page between them is only a
cache.
"""

import asyncio
import time
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Page

from seezar.accounts.questions import Answer
from seezar.accounts.records import Account, SessionState
from seezar.application import Application
from seezar.browser.pool import BrowserPool
from seezar.browser.state import capture
from seezar.errors import BackendUnavailable, DatabaseUnavailable, KeyUnusable, RunEnded, SeezarError
from seezar.mail.errors import MessageGone
from seezar.signin.advisors import Advisors
from seezar.signin.answers import after_answer
from seezar.signin.credentials import AccountCredentials, CodeSource, Report
from seezar.signin.detector import detect
from seezar.signin.driver import Progress, SignInDriver
from seezar.signin.egress import outcome_told
from seezar.signin.expiry import kept_by
from seezar.signin.failure import keep_picture
from seezar.signin.life import BrowserLife, browser_life
from seezar.signin.open_pages import OpenPage, OpenPages
from seezar.signin.outcome import Outcome
from seezar.signin.plain_check import learn_plain_check
from seezar.signin.proof import prove
from seezar.signin.reading import LOGIN_KINDS
from seezar.signin.recipes import RecipeBook
from seezar.signin.telling import place
from seezar.telemetry.spans import spans, traced
from seezar.vault.origins import origin_of

# The site waits for what it sent by mail.
CHALLENGES = ("challenge", "challenge_link")
# How long a page stays open for a person: an SMS has come by then, and whoever comes later finds it rebuilt.
_PERSON_PAGE_S = 600.0
# A page that is being rebuilt shows by then what it asks for.
_REBUILD_S = 3.0
_POLL_S = 0.1


def site_host(account: Account) -> str:
    """The host that mails of the account's site must fit."""
    return urlsplit(account.start_url).hostname or ""


class SignInLives:
    """Runs the parts of a sign-in that need a browser.

    Args:
        application: stores and settings.
        pool: where browser contexts come from.
    """

    def __init__(self, application: Application, pool: BrowserPool) -> None:
        self._app = application
        self._pool = pool
        self._advisors = Advisors(application)
        self._open = OpenPages(pool)

    async def open_and_submit(
        self,
        run_id: str,
        number: int,
        account: Account,
        report: Report,
        *,
        accept_terms: bool = False,
        deadline: float | None = None,
    ) -> Outcome:
        """Open the site, give user name and password, and the TOTP code if that is the second factor.

        Args:
            accept_terms: a person has said yes to new terms.
            deadline: of the run, epoch seconds; None for no limit. What was proved by then is still stored.

        Returns:
            `signed_in` with the session stored; `challenge`, or an outcome with a question for a person, with a
            checkpoint stored; or how it failed.

        Raises:
            BrowserMissing: no Chromium.
            RunEnded: the run was ended meanwhile.
        """
        async with browser_life(self._pool, account, deadline) as life:
            page = await self._pool.new_page(life.context)
            recipes = RecipeBook(await self._app.recipes.of(account.origins))
            opened = self._opened(life.context, page, account, report, recipes, run_id=run_id, number=number)
            life.opened = opened
            await report("open", f"Opening {account.start_url}", page=place(account.start_url, account))
            outcome = await opened.driver.open(account.start_url)
            outcome = outcome or await self._drive(opened.driver, accept_terms=accept_terms)
            await self._settle(life, run_id, number, account, opened, outcome, report)
        return await outcome_told(life.outcome, life.policy, account, report, self._app.vault)

    async def answer(
        self,
        run_id: str,
        number: int,
        account: Account,
        handle: str,
        report: Report,
        *,
        link: bool,
        deadline: float | None = None,
    ) -> Outcome:
        """Enter the mailed code or open the mailed link where `open_and_submit` stopped: on its page, or a rebuilt one.

        Args:
            handle: of the mail (`Mailboxes.has_code`, `has_link`).
            link: the mail's link is wanted, not its code.
            deadline: as of `open_and_submit`.

        Returns:
            `signed_in` with the session stored, `challenge_lost` when the site forgot the challenge, or how it failed.

        Raises:
            BrowserMissing, RunEnded: as `open_and_submit`.
        """
        value = await self._claim(run_id, account, handle, link=link)
        if value is None:
            return Outcome("challenge_lost", "The mail is gone or was used before.")
        opened = await self._back(run_id, number, account, report, deadline)
        if isinstance(opened, Outcome):
            return opened
        async with browser_life(self._pool, account, deadline, opened) as life:
            outcome = await self._open_link(opened.driver, account, value, report) if link else None
            outcome = outcome or await self._drive(opened.driver, None if link else _source(value))
            if outcome.status in CHALLENGES:
                outcome = Outcome("challenge_lost", "The site no longer asks for what it sent by mail.")
            await self._settle(life, run_id, number, account, opened, outcome, report)
        return await outcome_told(life.outcome, life.policy, account, report, self._app.vault)

    async def ask_again(
        self, run_id: str, number: int, account: Account, report: Report, *, deadline: float | None = None
    ) -> None:
        """Have the site send its mail once more, if the page that waits for it offers that; at most once an attempt.

        The page waits on afterwards. One that does not is closed, and rebuilt from its checkpoint when the mail comes.

        Raises:
            BrowserMissing: no Chromium.
        """
        opened = await self._back(run_id, number, account, report, deadline)
        if isinstance(opened, Outcome):
            return

        async def allowed() -> bool:
            return await self._app.attempts.ask_again(run_id, number)

        async with browser_life(self._pool, account, deadline, opened) as life:
            if await opened.driver.ask_again(allowed):
                await self._save_checkpoint(run_id, number, opened)
                life.begin_to_keep()
                life.held = True
                await self._open.hold(run_id, number, opened, seconds=self._app.settings.sign_in_timeout)

    async def answer_person(
        self,
        run_id: str,
        number: int,
        account: Account,
        answer: Answer,
        report: Report,
        *,
        again: bool,
        deadline: float | None = None,
    ) -> Outcome:
        """Go on where a life stopped with a question, with what a person has answered or done meanwhile.

        Args:
            again: an answer that did not help may be asked for once more.
            deadline: as of `open_and_submit`.

        Returns:
            As `open_and_submit`; `challenge_lost` when only a new beginning can help.

        Raises:
            BrowserMissing, RunEnded: as `open_and_submit`.
        """
        opened = await self._back(run_id, number, account, report, deadline)
        if isinstance(opened, Outcome):
            return opened
        driver = opened.driver
        async with browser_life(self._pool, account, deadline, opened) as life:
            # The codes that were refused before are the concern of whoever counts the answers.
            driver.progress.codes_entered = 0
            code = _source(answer.value) if answer.question == "code" and answer.value is not None else None
            outcome = await self._drive(driver, code, accept_terms=answer.question == "terms")
            if answer.question == "approval" and outcome.question == "approval":
                outcome = await driver.open(driver.page.url) or await self._drive(driver)
            outcome = after_answer(answer, outcome, again=again)
            if outcome.question == "code":
                driver.progress.codes_entered = 0
            await self._settle(life, run_id, number, account, opened, outcome, report)
        return await outcome_told(life.outcome, life.policy, account, report, self._app.vault)

    async def _open_link(self, driver: SignInDriver, account: Account, link: str, report: Report) -> Outcome | None:
        """Open a mailed link in the context that asked for it; only on the account's own origins, and once."""
        if origin_of(link) not in account.origins:
            return Outcome("needs_person", "The mailed link leads to an origin that is not registered for the account.")
        await report("second_factor", "Opening the mailed link")
        driver.progress.links_opened += 1
        return await driver.open(link)

    async def drop(self, run_id: str) -> None:
        """Close what a run still has open."""
        self._advisors.drop(run_id)
        await self._open.drop(run_id)

    def rest(self, run_id: str) -> None:
        """The run waits for a person: what is open stays open for a while."""
        self._advisors.drop(run_id)

    async def drop_stale(self) -> None:
        """Close the pages whose run has not come back for them in time (it was cancelled, or moved to another
        worker).
        """
        await self._open.drop_stale()

    def _opened(
        self,
        context: BrowserContext,
        page: Page,
        account: Account,
        report: Report,
        recipes: RecipeBook,
        *,
        run_id: str,
        number: int,
        progress: Progress | None = None,
        before: list[dict[str, Any]] | None = None,
    ) -> OpenPage:
        cookies = before or []

        async def before_submit() -> None:
            cookies[:] = [dict(cookie) for cookie in await context.cookies()]
            await self._app.attempts.submitted(run_id, number)

        driver = SignInDriver(
            page,
            account,
            AccountCredentials(
                account, self._app.vault, self._app.attempts, report, audit=self._app.audit, run_id=run_id
            ),
            report,
            before_submit=before_submit,
            progress=progress,
            timeout=self._app.settings.page_timeout,
            advisor=self._advisors.of(run_id, account, report),
            recipes=recipes,
        )
        return OpenPage(context, driver, cookies)

    async def _drive(
        self, driver: SignInDriver, code: CodeSource | None = None, *, accept_terms: bool = False
    ) -> Outcome:
        try:
            return await driver.run(code, accept_terms=accept_terms)
        except RunEnded:
            raise
        except SeezarError as error:
            if isinstance(error, BackendUnavailable | DatabaseUnavailable | KeyUnusable):
                raise
            return Outcome("needs_person", str(error))

    async def _settle(
        self,
        life: BrowserLife,
        run_id: str,
        number: int,
        account: Account,
        opened: OpenPage,
        outcome: Outcome,
        report: Report,
    ) -> None:
        """Keep the page that waits for something, or prove and store the session; sets the outcome of the life."""
        if outcome.status in CHALLENGES or outcome.question is not None:
            await self._save_checkpoint(run_id, number, opened)
            seconds = self._app.settings.sign_in_timeout if outcome.question is None else _PERSON_PAGE_S
            life.begin_to_keep()
            life.outcome, life.held = outcome, True
            await self._open.hold(run_id, number, opened, seconds=seconds)
        else:
            life.outcome = await self._finish(life, run_id, account, opened, outcome, report)
            life.begin_to_keep()
            await self._remember(opened.driver.recipes, life.outcome)
        if life.outcome.status != "signed_in" and life.outcome.status not in CHALLENGES:
            await keep_picture(self._app, run_id, number, account, opened.driver, life.outcome, report)

    async def _finish(
        self, life: BrowserLife, run_id: str, account: Account, opened: OpenPage, outcome: Outcome, report: Report
    ) -> Outcome:
        if outcome.status != "submitted":
            return outcome
        where = place(account.verify_url, account)
        await report("verify", f"Checking with a fresh visit to {account.verify_url}", page=where)
        timeout = self._app.settings.page_timeout
        page = opened.driver.page
        proof = await prove(page, account, timeout=timeout)
        if proof.status == "signed_out":
            reason = f"The forms were gone, but the proof failed. {proof.reason}"
            return Outcome("unknown", reason, evidence=proof.evidence)
        if proof.status != "signed_in":
            return proof
        life.begin_to_keep()
        state = await capture(opened.context, page)
        state = replace(
            state,
            plain_check=await learn_plain_check(account, state, timeout=timeout, policy=self._pool.policy_of(account)),
            kept_by=kept_by(account, opened.before, state.storage["cookies"]),
        )
        # In the same step that obtained it: a crash right after must not lose it.
        with spans.span("session.store"):
            await self._app.sessions.store(account.name, state, run_id=run_id)
        await report("store", "The session is stored, encrypted", page=where, evidence=list(proof.evidence))
        return proof

    async def _remember(self, recipes: RecipeBook, outcome: Outcome) -> None:
        """Keep what has just worked; a recipe that led nowhere is dropped, and the next sign-in learns anew."""
        if outcome.status == "signed_in":
            await self._app.recipes.learn(recipes.learned)
        elif outcome.status in ("unknown", "needs_person") and outcome.question is None:
            await self._app.recipes.drop(recipes.used)

    async def _claim(self, run_id: str, account: Account, handle: str, *, link: bool) -> str | None:
        try:
            ref, reading = await self._app.mailboxes.open_code(handle, site=site_host(account))
        except MessageGone:
            return None
        if not await self._app.mail.claim(ref.id, run_id):
            return None
        return reading.link if link else reading.code

    @traced("browser.checkpoint")
    async def _save_checkpoint(self, run_id: str, number: int, opened: OpenPage) -> None:
        driver = opened.driver
        state = await capture(opened.context, driver.page)
        checkpoint = {
            "state": state.to_json(),
            "url": driver.page.url,
            "progress": asdict(driver.progress),
            "before": opened.before,
        }
        await self._app.attempts.save_checkpoint(run_id, number, checkpoint)

    async def _back(
        self, run_id: str, number: int, account: Account, report: Report, deadline: float | None
    ) -> OpenPage | Outcome:
        """The page on which a life stopped: the one that is still open, or a rebuilt one."""
        return await self._open.take(run_id, number) or await self._rebuild(run_id, number, account, report, deadline)

    async def _rebuild(
        self, run_id: str, number: int, account: Account, report: Report, deadline: float | None
    ) -> OpenPage | Outcome:
        checkpoint = await self._app.attempts.load_checkpoint(run_id, number)
        if checkpoint is None:
            return Outcome("challenge_lost", "The page that waited is gone.")
        await report("resume", "Rebuilding the page that waits")
        state = SessionState.from_json(checkpoint["state"])
        async with browser_life(self._pool, account, deadline, state=state) as life:
            page = await self._pool.new_page(life.context)
            opened = self._opened(
                life.context,
                page,
                account,
                report,
                RecipeBook(await self._app.recipes.of(account.origins)),
                run_id=run_id,
                number=number,
                progress=Progress(**checkpoint["progress"]),
                before=checkpoint.get("before"),
            )
            life.opened = opened
            outcome = await opened.driver.open(checkpoint["url"])
            if outcome is None and opened.driver.progress.in_flow and await _starts_over(page):
                outcome = Outcome("challenge_lost", "The site asks to sign in from the start again.")
            if outcome is None:
                life.held = True
                return opened
            life.outcome = outcome
        return await outcome_told(life.outcome, life.policy, account, report, self._app.vault)


async def _starts_over(page: Page) -> bool:
    """Whether the site has forgotten what was submitted to it: there is the login form again."""
    deadline = time.monotonic() + _REBUILD_S
    reading = await detect(page)
    while reading.kind == "other" and time.monotonic() < deadline:
        await asyncio.sleep(_POLL_S)
        reading = await detect(page)
    return reading.kind in LOGIN_KINDS


def _source(value: str) -> CodeSource:
    async def source() -> str:
        return value

    return source
