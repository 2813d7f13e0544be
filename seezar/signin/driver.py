"""The sign-in state machine over one page: look, decide, act, look again.

A driver lives as long as its page. It stops at the mailed code (`challenge`) when it has none, and is run again, on
the same page or on one rebuilt from a checkpoint, once the code is there.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import Error, Locator, Page

from seezar.accounts.records import Account
from seezar.signin.credentials import CodeSource, CredentialSource, Report
from seezar.signin.detector import detect
from seezar.signin.filling import type_code, type_value
from seezar.signin.network import NetworkWatch
from seezar.signin.outcome import Outcome
from seezar.signin.policy import checked_origin, sure
from seezar.signin.reading import Reading

# Longer than any login wizard that we know; a site that asks more often is turning in a circle.
_MAX_TURNS = 12
_LOGIN_KINDS = ("login", "username", "password")
_NEVER_FILLED = ("signup", "change", "reset")
_POLL_S = 0.1
# A page without a form may still be building itself.
_BUILD_S = 3.0
# A code that was wrong gets one more try with a fresh one (only TOTP can be fresh within the same page).
_CODE_TRIES = 2


@dataclass
class Progress:
    """What was done on the site so far; it outlives the page by way of the checkpoint."""

    username_entered: bool = False
    password_submitted: bool = False
    codes_entered: int = 0


class SignInDriver:
    """Drives one page through the login of one account.

    Args:
        page: the page, wherever it is.
        account: names, origins and second factor.
        credentials: asked for a value only when a checked field is in front of the driver.
        report: called with (step, message) for the timeline.
        before_submit: awaited before a password is submitted, so that the attempt counts even if we die right after.
        timeout: seconds that the site may take to answer one action.
    """

    def __init__(
        self,
        page: Page,
        account: Account,
        credentials: CredentialSource,
        report: Report,
        *,
        before_submit: Callable[[], Awaitable[None]] | None = None,
        progress: Progress | None = None,
        timeout: float = 20.0,
    ) -> None:
        self.page = page
        self.progress = progress or Progress()
        self._account = account
        self._credentials = credentials
        self._report = report
        self._before_submit = before_submit
        self._timeout = timeout
        self._network = NetworkWatch(page)

    async def run(self, *, code: CodeSource | None = None) -> Outcome:
        """Go on until the login is submitted, waits for a mailed code, or cannot go on.

        Args:
            code: gives the mailed code; None when it is not there yet.

        Returns:
            `submitted` when no form is left (the proof is the caller's), `challenge` when a mailed code is needed,
            else how it failed.

        Raises:
            SeezarError: a secret is missing or may not be used here.
        """
        try:
            for _ in range(_MAX_TURNS):
                outcome = await self._turn(await self._look(), code)
                if outcome is not None:
                    return outcome
        except Error as error:
            return _browser_failed(error)
        return Outcome("unknown", f"The site asked for something {_MAX_TURNS} times without letting us in.")

    async def open(self, url: str) -> Outcome | None:
        """Load `url`; an outcome says why that was not possible."""
        self._network.mark()
        try:
            response = await self.page.goto(url, wait_until="domcontentloaded")
        except Error as error:
            return _browser_failed(error)
        if response is not None and response.status == 429:
            return self._rate_limited()
        if response is not None and response.status >= 500:
            return Outcome("site_error", f"The site answered {response.status}.")
        return None

    async def _look(self) -> Reading:
        """The reading of the page once it is quiet; a page without a form is given time to build one."""
        await self._network.quiet(self._timeout)
        deadline = time.monotonic() + _BUILD_S
        reading = await detect(self.page)
        while reading.kind == "other" and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_S)
            reading = await detect(self.page)
        return reading

    async def _turn(self, reading: Reading, code: CodeSource | None) -> Outcome | None:
        if reading.kind in _LOGIN_KINDS:
            return await self._login(reading)
        if reading.kind == "otp":
            return await self._otp(reading, code)
        if reading.kind == "await_link":
            return Outcome("challenge", "The site sent a link by mail.")
        if reading.kind == "captcha":
            return Outcome("captcha", "The site shows a captcha, which is left to a person.")
        if reading.kind in _NEVER_FILLED:
            return Outcome("needs_person", f"The page is a {reading.kind} form, which is never filled.")
        if self.progress.password_submitted or self.progress.codes_entered:
            failed = self._failed_status()
            return failed or Outcome("submitted", "The site shows no form any more.")
        if reading.kind == "sso":
            return Outcome("needs_person", "The site offers only sign-in through another provider.")
        return Outcome("unknown", "No login form was found on the start page.")

    async def _login(self, reading: Reading) -> Outcome | None:
        if self.progress.codes_entered:
            return Outcome("challenge_lost", "After the code the site asked for the password again.")
        if self.progress.password_submitted and reading.password is not None:
            return self._failed_status() or Outcome(
                "bad_credentials", "The site refused the user name or the password."
            )
        if self.progress.username_entered and reading.kind == "username":
            return self._failed_status() or Outcome("bad_credentials", "The site does not accept the user name.")
        if not sure(reading):
            return Outcome(
                "needs_person", f"It is not certain that this is the login form ({reading.confidence:.0%} sure)."
            )
        before = await self._fingerprint(reading)
        if reading.username is not None and await self._editable(reading.username):
            await checked_origin(reading.username, self._account.origins)
            await type_value(reading.username, self._account.username, what="user name")
        if reading.password is not None:
            origin = await checked_origin(reading.password, self._account.origins)
            password = await self._credentials.password(origin)
            await type_value(reading.password, password, what="password")
            if self._before_submit is not None:
                await self._before_submit()
            await self._report("password", f"Submitting user name and password to {origin}")
            self.progress.password_submitted = True
        else:
            await self._report("username", "Entering the user name")
            self.progress.username_entered = True
        return await self._submit(reading, reading.password or reading.username, before)

    async def _otp(self, reading: Reading, code: CodeSource | None) -> Outcome | None:
        if not sure(reading):
            return Outcome(
                "needs_person", f"It is not certain that this is the code field ({reading.confidence:.0%} sure)."
            )
        tried = self.progress.codes_entered
        if tried and (failed := self._failed_status()):
            return failed
        totp = self._account.second_factor == "totp"
        if tried >= (_CODE_TRIES if totp else 1):
            return Outcome("bad_code", "The site refused the code.")
        origin = await checked_origin(reading.otp[0], self._account.origins)
        if totp:
            value = await self._credentials.totp(origin)
        elif code is not None:
            value = await code()
        elif self._account.second_factor == "none":
            return Outcome("needs_person", "The site asks for a code, but the account has no second factor registered.")
        else:
            return Outcome("challenge", "The site asks for the code that it sent by mail.")
        await self._report("second_factor", "Entering the code")
        before = await self._fingerprint(reading)
        self._network.mark()
        await type_code(self.page, reading.otp, value)
        self.progress.codes_entered += 1
        # Many code fields send themselves when they are full; a click would then hit the next page.
        await self._network.quiet(self._timeout)
        if self._network.navigations or self._network.statuses:
            return None
        return await self._submit(reading, reading.otp[-1], before)

    async def _submit(self, reading: Reading, field: Locator | None, before: str) -> Outcome | None:
        self._network.mark()
        if reading.submit is not None:
            await reading.submit.click(timeout=self._timeout * 1000)
        elif field is not None:
            await field.press("Enter")
        await self._network.quiet(self._timeout)
        if self._network.navigations or self._network.statuses:
            return None
        # Nothing was sent: the next step may be built by script, or the click did not arrive.
        if await self._changed(before):
            return None
        if field is not None and reading.submit is not None:
            await field.press("Enter")
            await self._network.quiet(self._timeout)
            if self._network.navigations or self._network.statuses or await self._changed(before):
                return None
        return Outcome("unknown", "The form did not react to being submitted.")

    async def _changed(self, before: str) -> bool:
        deadline = time.monotonic() + _BUILD_S
        while time.monotonic() < deadline:
            if self._network.navigations or await self._fingerprint(await detect(self.page)) != before:
                return True
            await asyncio.sleep(_POLL_S)
        return False

    async def _fingerprint(self, reading: Reading) -> str:
        return f"{self.page.url}\n{reading.kind}\n{reading.signature}\n{reading.alerts}"

    async def _editable(self, field: Locator) -> bool:
        # A remembered user name is shown in a field that cannot be changed; the site knows it already.
        return await field.is_editable(timeout=2_000)

    def _failed_status(self) -> Outcome | None:
        if self._network.worst >= 500:
            return Outcome("site_error", f"The site answered {self._network.worst}.")
        if 429 in self._network.statuses:
            return self._rate_limited()
        if 423 in self._network.statuses:
            return Outcome("locked", "The site says that the account is locked.")
        return None

    def _rate_limited(self) -> Outcome:
        after = self._network.retry_after
        when = f" Try again in {after} s." if after and after.isdigit() else ""
        return Outcome("rate_limited", f"The site answered 429: too many attempts.{when}")


def _browser_failed(error: Error) -> Outcome:
    # Only the first line: the call log below it holds the arguments of the call.
    first = error.message.splitlines()[0]
    if "net::" in first or "Timeout" in first or "NS_ERROR" in first:
        code = next((word for word in first.split() if word.startswith("net::")), "no answer in time")
        return Outcome("site_error", f"The site cannot be reached or does not answer ({code}).")
    return Outcome("browser_lost", "The page or its browser went away while it was being used.")
