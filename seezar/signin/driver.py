"""The sign-in state machine over one page: look, decide, act, look again.

A driver lives as long as its page. It stops at the mailed code (`challenge`) when it has none, and is run again, on the
same page or on one rebuilt from a checkpoint, once the code is there.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import Error, Locator, Page

from seezar.accounts.records import Account
from seezar.signin.credentials import CodeSource, CredentialSource, Report
from seezar.signin.detector import detect
from seezar.signin.filling import FieldRefused, press, tick, type_code, type_value
from seezar.signin.network import NetworkWatch
from seezar.signin.outcome import Outcome
from seezar.signin.policy import checked_field, sure
from seezar.signin.reading import LOGIN_KINDS, NEVER_FILLED, Reading

# Longer than any login wizard that we know; a site that asks more often is turning in a circle.
_MAX_TURNS = 16
_POLL_S = 0.1
# A page without a form may still be building itself, and a form that was sent may still be standing.
_BUILD_S = 3.0
_LANDING_S = 0.8
# A code that was wrong gets one more try with a fresh one (only TOTP can be fresh within the same page).
_CODE_TRIES = 2
# Links and buttons that lead to the form: "Sign in" on a start page, a tab, a dialog. More than two is not a way in.
_OPENINGS = 2
# Pages between the last factor and the site: stay signed in, trust this device, set up a passkey.
_OFFERS = 4
_NO_ANSWER = Outcome("site_error", "The site did not answer in time.")


@dataclass
class Progress:
    """What was done on the site so far; it outlives the page by way of the checkpoint."""

    username_entered: bool = False
    password_submitted: bool = False
    codes_entered: int = 0
    code_requested: bool = False
    openings: int = 0
    offers: int = 0

    @property
    def in_flow(self) -> bool:
        """Whether the site has got something from us."""
        return self.password_submitted or self.codes_entered > 0


class SignInDriver:
    """Drives one page through the login of one account.

    Args:
        page: the page, wherever it is.
        account: names, origins and second factor.
        credentials: asked for a value only when a checked field is in front of the driver.
        report: called with (step, message) for the timeline.
        before_submit: awaited before a password is submitted, so that the attempt counts even if we die right after.
        progress: what was done already, of a page that is rebuilt.
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
        self._network = NetworkWatch(page, account.origins)
        self._alerts_before: tuple[str, ...] = ()

    async def run(self, *, code: CodeSource | None = None) -> Outcome:
        """Go on until the login is submitted, waits for a mail, or cannot go on.

        Args:
            code: gives the mailed code; None when it is not there yet.

        Returns:
            `submitted` when no form is left (the proof is the caller's), `challenge` or `challenge_link` when a mail
            with a code or a link is needed, else how it failed.

        Raises:
            SeezarError: a secret is missing or may not be used here.
        """
        try:
            for _ in range(_MAX_TURNS):
                reading = await self._look()
                outcome = await self._turn(reading, code) if reading is not None else _NO_ANSWER
                if outcome is not None:
                    return outcome
        except Error:
            return Outcome("browser_lost", "The page went away, or did not react, while it was being used.")
        return Outcome("unknown", f"The site asked for something {_MAX_TURNS} times without letting us in.")

    async def open(self, url: str) -> Outcome | None:
        """Load `url`; an outcome says why that was not possible."""
        self._network.mark()
        try:
            response = await self.page.goto(url, wait_until="domcontentloaded")
        except Error as error:
            return _not_loaded(error)
        if response is not None and response.status == 429:
            return self._rate_limited()
        if response is not None and response.status >= 500:
            return Outcome("site_error", f"The site answered {response.status}.")
        return None

    async def _look(self) -> Reading | None:
        """The reading of the page once it is quiet, None when the site does not answer; a page without a form is given
        time to build one.
        """
        if not await self._network.quiet(self._timeout):
            return None
        # Once the forms are behind us a page without one is what was wanted, and the proof is a fresh visit anyway.
        deadline = time.monotonic() + (_LANDING_S if self.progress.in_flow else _BUILD_S)
        reading = await detect(self.page)
        while not _tells(reading) and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_S)
            reading = await detect(self.page)
        return reading

    async def _turn(self, reading: Reading, code: CodeSource | None) -> Outcome | None:
        if reading.kind == "captcha" or (reading.captcha and reading.kind in LOGIN_KINDS | {"otp"}):
            return Outcome("captcha", "The site shows a captcha, which is left to a person.")
        if reading.kind in LOGIN_KINDS:
            return await self._login(reading)
        if reading.kind == "otp":
            return await self._otp(reading, code)
        if reading.kind == "await_link":
            if code is not None:
                return Outcome("bad_code", "After the link the site says again that it sent one.")
            return Outcome("challenge_link", "The site sent a link by mail.")
        if not self.progress.in_flow:
            return await self._find_form(reading)
        return await self._leave(reading)

    async def _find_form(self, reading: Reading) -> Outcome | None:
        """No login form is in front of us: open it, or tell what is there instead."""
        if reading.opener is not None and self.progress.openings < _OPENINGS:
            self.progress.openings += 1
            await self._report("open", "Opening the sign-in form")
            before = self._fingerprint(reading)
            self._network.mark()
            await press(reading.opener)
            await self._network.quiet(self._timeout)
            await self._changed(before)
            return None
        if reading.kind in NEVER_FILLED:
            return Outcome("needs_person", f"The page is a {reading.kind} form, which is never filled.")
        if reading.kind == "signed_in":
            return Outcome("submitted", "The site knows this browser already.")
        if reading.passkey:
            return Outcome("passkey_only", "The site offers a passkey only, which is left to a person.")
        if reading.kind == "sso":
            return Outcome("needs_person", "The site offers only sign-in through another provider.")
        return Outcome("needs_person", "No sign-in form was found.")

    async def _leave(self, reading: Reading) -> Outcome | None:
        """The forms are behind us: pass what stands between them and the site."""
        if failed := self._failed_status():
            return failed
        way = reading.trust or reading.skip
        if reading.kind != "signed_in" and way is not None and self.progress.offers < _OFFERS:
            self.progress.offers += 1
            what = "Trusting this browser" if way is reading.trust else "Declining what the site offers"
            await self._report("interstitial", what)
            before = self._fingerprint(reading)
            self._network.mark()
            await press(way)
            await self._network.quiet(self._timeout)
            await self._changed(before)
            return None
        if reading.kind in NEVER_FILLED:
            return Outcome(
                "needs_person", f"After the sign-in the site shows a {reading.kind} form, which is never filled."
            )
        return Outcome("submitted", "The site shows no form any more.")

    async def _login(self, reading: Reading) -> Outcome | None:
        progress = self.progress
        if progress.in_flow or (progress.username_entered and reading.kind == "username"):
            again = await self._still_standing(reading)
            if again.kind != reading.kind:
                return None
            return self._failed_status() or self._refused()
        if not sure(reading):
            return Outcome(
                "needs_person", f"It is not certain that this is the sign-in form ({_percent(reading)} sure)."
            )
        before = self._fingerprint(reading)
        if reading.username is not None and await reading.username.is_editable(timeout=2_000):
            # A remembered user name stands in a field that cannot be changed; the site knows it already.
            await self._type(reading.username, reading.submit, self._user_name, what="user name")
        if reading.remember is not None:
            await tick(reading.remember)
        if reading.password is None:
            await self._report("username", "Entering the user name")
            progress.username_entered = True
            return await self._submit(reading, reading.username, before)
        origin = await self._type(reading.password, reading.submit, self._credentials.password, what="password")
        if self._before_submit is not None:
            await self._before_submit()
        await self._report("password", f"Submitting user name and password to {origin}")
        progress.password_submitted = True
        return await self._submit(reading, reading.password, before)

    async def _type(
        self, field: Locator, submit: Locator | None, value: Callable[[str], Awaitable[str]], *, what: str
    ) -> str:
        """Type the value for the origin of `field` into it; returns that origin."""
        origins = self._account.origins
        element, origin = await checked_field(field, origins, submit=submit)
        typed = await value(origin)
        try:
            await type_value(element, typed, what=what)
        except FieldRefused:
            # The page may have put another element in its place, as it does when it comes to life.
            element, now = await checked_field(field, origins, submit=submit)
            await type_value(element, typed if now == origin else await value(now), what=what)
        return origin

    async def _user_name(self, _origin: str) -> str:
        return self._account.username

    def _refused(self) -> Outcome:
        if self.progress.codes_entered:
            return Outcome("challenge_lost", "After the code the site asked for the password again.")
        if self.progress.password_submitted:
            return Outcome("bad_credentials", "The site refused the user name or the password.")
        return Outcome("bad_credentials", "The site does not accept the user name.")

    async def _otp(self, reading: Reading, code: CodeSource | None) -> Outcome | None:
        progress = self.progress
        if progress.codes_entered:
            again = await self._still_standing(reading)
            if again.kind != "otp":
                return None
            if failed := self._failed_status():
                return failed
        totp = self._account.second_factor == "totp"
        if progress.codes_entered >= (_CODE_TRIES if totp else 1):
            return Outcome("bad_code", "The site refused the code.")
        if not totp and reading.send_code is not None and not progress.code_requested and code is None:
            progress.code_requested = True
            await self._report("second_factor", "Asking the site to send a code")
            before = self._fingerprint(reading)
            self._network.mark()
            await press(reading.send_code)
            await self._network.quiet(self._timeout)
            await self._changed(before)
            return None
        if not sure(reading) or not reading.otp:
            return Outcome("needs_person", f"It is not certain that this is the code field ({_percent(reading)} sure).")
        _, origin = await checked_field(reading.otp[0], self._account.origins, submit=reading.submit)
        if totp:
            value = await self._credentials.totp(origin, clock_skew=self._network.clock_skew)
        elif code is not None:
            value = await code()
        elif self._account.second_factor == "none":
            return Outcome("needs_person", "The site asks for a code, but the account has no second factor registered.")
        else:
            return Outcome("challenge", "The site asks for the code that it sent by mail.")
        return await self._enter(reading, value, origin)

    async def _enter(self, reading: Reading, value: str, origin: str) -> Outcome | None:
        await self._report("second_factor", "Entering the code")
        before = self._fingerprint(reading)
        if reading.remember is not None:
            await tick(reading.remember)
        # Getting the code may have taken half a minute: the boxes are checked again, all of them, and the elements that
        # were checked are typed into.
        checked = [await checked_field(box, self._account.origins, submit=reading.submit) for box in reading.otp]
        if any(now != origin for _, now in checked):
            return Outcome("challenge_lost", "The page with the code field was replaced by another.")
        boxes = [element for element, _ in checked]
        self._network.mark()
        self._alerts_before = reading.alerts
        await type_code(boxes, value)
        self.progress.codes_entered += 1
        # Many code fields send themselves when they are full; a click would then hit the next page.
        if not await self._network.quiet(self._timeout):
            return _NO_ANSWER
        if self._network.reacted:
            return None
        return await self._submit(reading, reading.otp[-1], before)

    async def _submit(self, reading: Reading, field: Locator | None, before: str) -> Outcome | None:
        self._network.mark()
        self._alerts_before = reading.alerts
        if reading.submit is not None:
            await press(reading.submit)
        elif field is not None:
            await field.press("Enter", no_wait_after=True)
        if not await self._network.quiet(self._timeout):
            return _NO_ANSWER
        if self._network.reacted or await self._changed(before):
            return None
        # Nothing was sent and nothing moved: the click did not arrive where the form listens.
        if field is not None and reading.submit is not None:
            await field.press("Enter", no_wait_after=True)
            if not await self._network.quiet(self._timeout):
                return _NO_ANSWER
            if self._network.reacted or await self._changed(before):
                return None
        return Outcome("unknown", "The form did not react to being submitted.")

    async def _still_standing(self, reading: Reading) -> Reading:
        """The reading once it is clear whether a form that was sent stays: a script may be about to take it away."""
        deadline = time.monotonic() + _BUILD_S
        while not self._answered(reading) and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_S)
            await self._network.quiet(self._timeout)
            now = await detect(self.page)
            if now.kind != reading.kind and _tells(now):
                return now
            reading = now if now.kind == reading.kind else reading
        return reading

    def _answered(self, reading: Reading) -> bool:
        """Whether the site has shown that the form stands again because it refused what was sent."""
        spoken = set(reading.alerts) - set(self._alerts_before)
        statuses = self._network.statuses
        return self._network.document_status > 0 or any(status >= 400 for status in statuses) or bool(spoken)

    async def _changed(self, before: str) -> bool:
        deadline = time.monotonic() + _BUILD_S
        while time.monotonic() < deadline:
            if self._network.reacted or self._fingerprint(await detect(self.page)) != before:
                return True
            await asyncio.sleep(_POLL_S)
        return False

    def _fingerprint(self, reading: Reading) -> str:
        return f"{self.page.url}\n{reading.kind}\n{reading.signature}\n{reading.alerts}"

    def _failed_status(self) -> Outcome | None:
        statuses = self._network.statuses
        # The first is the answer to what was submitted; what comes after it is about something else.
        answer = statuses[0] if statuses else 0
        if answer >= 500:
            return Outcome("site_error", f"The site answered {answer}.")
        if answer == 429:
            return self._rate_limited()
        if answer == 423:
            return Outcome("locked", "The site says that the account is locked.")
        return None

    def _rate_limited(self) -> Outcome:
        after = self._network.retry_after
        when = f" Try again in {after} s." if after and after.isdigit() else ""
        return Outcome("rate_limited", f"The site answered 429: too many attempts.{when}")


def _tells(reading: Reading) -> bool:
    """Whether the page has become something; an empty or unknown one is looked at again."""
    return (
        reading.kind != "other" or reading.opener is not None or reading.skip is not None or reading.trust is not None
    )


def _percent(reading: Reading) -> str:
    return f"{reading.confidence:.0%}"


def _not_loaded(error: Error) -> Outcome:
    # Only the first line: the call log below it holds the arguments of the call.
    first = error.message.splitlines()[0]
    if "net::" in first or "Timeout" in first:
        code = next((word for word in first.split() if word.startswith("net::")), "no answer in time")
        return Outcome("site_error", f"The site cannot be reached or does not answer ({code}).")
    return Outcome("browser_lost", "The page or its browser went away while it was loading.")
