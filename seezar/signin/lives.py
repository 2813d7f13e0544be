"""The browser lives of a sign-in. Each begins and ends with what is stored; an open page between them is only a
cache.
"""

import time
from dataclasses import asdict, dataclass, replace
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Error, Page

from seezar.accounts.records import Account, SessionState
from seezar.application import Application
from seezar.browser.pool import BrowserPool
from seezar.browser.state import capture
from seezar.errors import SeezarError
from seezar.mail.errors import MessageGone
from seezar.signin.credentials import AccountCredentials, CodeSource, Report
from seezar.signin.driver import Progress, SignInDriver
from seezar.signin.outcome import Outcome
from seezar.signin.plain_check import learn_plain_check
from seezar.signin.proof import prove
from seezar.vault.origins import origin_of

# The site waits for what it sent by mail.
CHALLENGES = ("challenge", "challenge_link")
_BROWSER_LOST = Outcome("browser_lost", "The browser went away in the middle.")


@dataclass
class _OpenPage:
    context: BrowserContext
    driver: SignInDriver
    opened_at: float


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
        self._open: dict[tuple[str, int], _OpenPage] = {}

    async def open_and_submit(self, run_id: str, number: int, account: Account, report: Report) -> Outcome:
        """Open the site, give user name and password, and the TOTP code if that is the second factor.

        Returns:
            `signed_in` with the session stored, `challenge` with a checkpoint stored, or how it failed.

        Raises:
            BrowserMissing: no Chromium.
        """
        context = await self._pool.new_context()
        keep = False
        try:
            page = await self._pool.new_page(context)
            driver = self._driver(page, account, report, run_id=run_id, number=number)
            await report("open", f"Opening {account.start_url}")
            outcome = await driver.open(account.start_url) or await self._drive(driver)
            if outcome.status in CHALLENGES:
                await self._save_checkpoint(run_id, number, context, driver)
                self._open[run_id, number] = _OpenPage(context, driver, time.monotonic())
                keep = True
                return outcome
            return await self._finish(run_id, account, context, driver, outcome, report)
        except Error:
            return _BROWSER_LOST
        finally:
            if not keep:
                await self._pool.close_context(context)

    async def answer(
        self, run_id: str, number: int, account: Account, handle: str, report: Report, *, link: bool
    ) -> Outcome:
        """Enter the mailed code or open the mailed link where `open_and_submit` stopped: on its page, or a rebuilt one.

        Args:
            handle: of the mail (`Mailboxes.has_code`, `has_link`).
            link: the mail's link is wanted, not its code.

        Returns:
            `signed_in` with the session stored, `challenge_lost` when the site forgot the challenge, or how it failed.

        Raises:
            BrowserMissing: no Chromium.
        """
        value = await self._claim(run_id, account, handle, link=link)
        if value is None:
            return Outcome("challenge_lost", "The mail is gone or was used before.")
        held = self._open.pop((run_id, number), None)
        if held is not None and held.driver.page.is_closed():
            await self._pool.close_context(held.context)
            held = None
        if held is None:
            rebuilt = await self._rebuild(run_id, number, account, report)
            if isinstance(rebuilt, Outcome):
                return rebuilt
            held = rebuilt
        try:

            async def source() -> str:
                return value

            outcome = await self._open_link(held.driver, account, value, report) if link else None
            outcome = outcome or await self._drive(held.driver, source)
            if outcome.status in CHALLENGES:
                outcome = Outcome("challenge_lost", "The site no longer asks for what it sent by mail.")
            return await self._finish(run_id, account, held.context, held.driver, outcome, report)
        except Error:
            return _BROWSER_LOST
        finally:
            await self._pool.close_context(held.context)

    async def _open_link(self, driver: SignInDriver, account: Account, link: str, report: Report) -> Outcome | None:
        """Open a mailed link in the context that asked for it; only on the account's own origins, and once."""
        if origin_of(link) not in account.origins:
            return Outcome("needs_person", "The mailed link leads to an origin that is not registered for the account.")
        await report("second_factor", "Opening the mailed link")
        driver.progress.codes_entered += 1
        return await driver.open(link)

    async def drop(self, run_id: str) -> None:
        """Close what a run still has open."""
        for key in [key for key in self._open if key[0] == run_id]:
            await self._pool.close_context(self._open.pop(key).context)

    async def drop_stale(self) -> None:
        """Close the pages whose run has not come back for them in time (it was cancelled, or moved to another
        worker).
        """
        limit = time.monotonic() - self._app.settings.sign_in_timeout
        for key in [key for key, held in self._open.items() if held.opened_at < limit]:
            # Its run may have come back for it while another was being closed.
            held = self._open.pop(key, None)
            if held is not None:
                await self._pool.close_context(held.context)

    def _driver(
        self,
        page: Page,
        account: Account,
        report: Report,
        *,
        run_id: str,
        number: int,
        progress: Progress | None = None,
    ) -> SignInDriver:
        async def before_submit() -> None:
            await self._app.attempts.submitted(run_id, number)

        return SignInDriver(
            page,
            account,
            AccountCredentials(account, self._app.vault, self._app.attempts, report),
            report,
            before_submit=before_submit,
            progress=progress,
            timeout=self._app.settings.page_timeout,
        )

    async def _drive(self, driver: SignInDriver, code: CodeSource | None = None) -> Outcome:
        try:
            return await driver.run(code=code)
        except SeezarError as error:
            if error.status in ("database_unavailable", "key_unusable"):
                raise
            return Outcome("needs_person", str(error))

    async def _finish(
        self,
        run_id: str,
        account: Account,
        context: BrowserContext,
        driver: SignInDriver,
        outcome: Outcome,
        report: Report,
    ) -> Outcome:
        if outcome.status != "submitted":
            return outcome
        await report("verify", f"Checking with a fresh visit to {account.verify_url}")
        timeout = self._app.settings.page_timeout
        proof = await prove(driver.page, account, timeout=timeout)
        if proof.status == "signed_out":
            return Outcome("unknown", f"The forms were gone, but the proof failed. {proof.reason}")
        if proof.status != "signed_in":
            return proof
        state = await capture(context, driver.page)
        state = replace(state, plain_check=await learn_plain_check(account, state, timeout=timeout))
        # In the same step that obtained it: a crash right after must not lose it.
        await self._app.sessions.store(account.name, state, run_id=run_id)
        await report("store", "The session is stored, encrypted")
        return proof

    async def _claim(self, run_id: str, account: Account, handle: str, *, link: bool) -> str | None:
        try:
            ref, reading = await self._app.mailboxes.open_code(handle, site=site_host(account))
        except MessageGone:
            return None
        if not await self._app.mail.claim(ref.id, run_id):
            return None
        return reading.link if link else reading.code

    async def _save_checkpoint(self, run_id: str, number: int, context: BrowserContext, driver: SignInDriver) -> None:
        state = await capture(context, driver.page)
        checkpoint = {"state": state.to_json(), "url": driver.page.url, "progress": asdict(driver.progress)}
        await self._app.attempts.save_checkpoint(run_id, number, checkpoint)

    async def _rebuild(self, run_id: str, number: int, account: Account, report: Report) -> _OpenPage | Outcome:
        checkpoint = await self._app.attempts.load_checkpoint(run_id, number)
        if checkpoint is None:
            return Outcome("challenge_lost", "The page that waited for the code is gone.")
        await report("resume", "Rebuilding the page that waits for the code")
        state = SessionState.from_json(checkpoint["state"])
        context = await self._pool.new_context(state)
        page = await self._pool.new_page(context)
        progress = Progress(**checkpoint["progress"])
        driver = self._driver(page, account, report, run_id=run_id, number=number, progress=progress)
        outcome = await driver.open(checkpoint["url"])
        if outcome is not None:
            await self._pool.close_context(context)
            return outcome
        return _OpenPage(context, driver, time.monotonic())
