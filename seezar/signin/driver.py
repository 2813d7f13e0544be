"""The sign-in state machine over one page: look, decide, act, look again.

A driver lives as long as its page. It stops at what it has not got (`challenge` for a mailed code, a question for a
person), and is run again, on the same page or on one rebuilt from a checkpoint, once that is there.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from playwright.async_api import Error, Page

from seezar.accounts.records import Account
from seezar.browser.way_out import gate_said
from seezar.signin.advice import Advisor
from seezar.signin.code_turn import code_turn
from seezar.signin.credentials import CodeSource, CredentialSource, Report
from seezar.signin.egress import WAY_OUT_SHUT
from seezar.signin.flow import NO_ANSWER, Flow
from seezar.signin.login_turn import login_turn
from seezar.signin.outcome import Outcome
from seezar.signin.policy import sure
from seezar.signin.progress import Progress
from seezar.signin.reading import LOGIN_KINDS, Reading
from seezar.signin.recipes import RecipeBook
from seezar.signin.refusals import rate_limited
from seezar.signin.stage import Stage, tells
from seezar.signin.telling import decided_on
from seezar.signin.way_in import take_consent, take_password_way, way_in
from seezar.signin.way_out import way_out
from seezar.telemetry.spans import spans

__all__ = ["Progress", "SignInDriver"]

# Longer than any login wizard that we know; a site that asks more often is turning in a circle.
_MAX_TURNS = 24
# Chromium's own page in the place of one that could not be loaded; its words are not the site's.
_ERROR_PAGE = "chrome-error:"
# What Chromium makes of any answer of our proxy to CONNECT but yes.
_NO_TUNNEL = "net::ERR_TUNNEL_CONNECTION_FAILED"


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
        advisor: asked about a page that the detector is not sure of; None to ask nobody.
        recipes: what is known of the site's pages; learns what works.
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
        advisor: Advisor | None = None,
        recipes: RecipeBook | None = None,
    ) -> None:
        self._advisor = advisor
        self._stage = Stage(page, account, timeout=timeout, recipes=recipes)
        self._flow = Flow(self._stage, account, credentials, report, progress or Progress(), before_submit)

    @property
    def page(self) -> Page:
        """The page that the sign-in is on: the one given, or a window that it has opened and gone on in."""
        return self._stage.page

    @property
    def place(self) -> str:
        """Where that page is, for the timeline (`seezar.signin.telling.place`)."""
        return self._flow.place

    @property
    def recipes(self) -> RecipeBook:
        """What is known of the site's pages, and what was learned."""
        return self._stage.recipes

    @property
    def progress(self) -> Progress:
        """What was done so far."""
        return self._flow.progress

    @progress.setter
    def progress(self, value: Progress) -> None:
        self._flow.progress = value

    async def run(self, code: CodeSource | None = None, *, accept_terms: bool = False) -> Outcome:
        """Go on until the login is submitted, waits for a mail or a person, or cannot go on.

        Args:
            code: gives the code that was mailed, or that a person gave; None when it is not there yet.
            accept_terms: a person has said yes to the terms that the site asks to accept.

        Returns:
            `submitted` when no form is left (the proof is the caller's), `challenge` or `challenge_link` when a mail
            with a code or a link is needed, an outcome with a `question` when a person is, else how it failed.

        Raises:
            SeezarError: a secret is missing or may not be used here.
        """
        self._flow.answer_entered = False
        for _ in range(_MAX_TURNS):
            try:
                outcome = await self._turn(code, accept_terms=accept_terms)
            except Error:
                # A window that did its part closes; the page that had opened it goes on.
                window_closed = self.page.is_closed()
                if not (window_closed and self._stage.back()):
                    return Outcome("page_lost", "The page went away, or did not react, while it was being used.")
                continue
            if outcome is not None:
                return outcome
        return Outcome("unknown", f"The site asked for something {_MAX_TURNS} times without letting us in.")

    async def open(self, url: str) -> Outcome | None:
        """Load `url`; an outcome says why that was not possible."""
        self._stage.mark()
        try:
            # The address may be a mailed link: its host is all that is told of it.
            with spans.span("browser.open", {"server.address": urlsplit(url).hostname or ""}, kind="CLIENT"):
                response = await self.page.goto(url, wait_until="domcontentloaded")
        except Error as error:
            return _not_loaded(error)
        if (said := gate_said(response)) is not None:
            return Outcome("site_error", f"The site cannot be reached ({said}).", evidence=(WAY_OUT_SHUT,))
        if response is not None and response.status == 429:
            return rate_limited(self._stage)
        if response is not None and response.status >= 500:
            told = f"answer {response.status}"
            return Outcome("site_error", f"The site answered {response.status}.", evidence=(told,))
        return None

    async def ask_again(self, allowed: Callable[[], Awaitable[bool]]) -> bool:
        """Have the site send its mail once more, where the page offers that.

        Args:
            allowed: asked before the page is touched, and only if it offers it.

        Returns:
            Whether the page still waits for what is mailed.
        """
        reading = await self._waiting()
        if reading is None:
            return False
        # A recipe knows the form alone.
        seen = reading.seen or reading
        if seen.resend is None or not await allowed():
            return True
        await self._flow.take(seen.resend, seen, "second_factor", "Asking the site to send the mail again")
        return await self._waiting() is not None

    async def _waiting(self) -> Reading | None:
        reading = await self._stage.look(in_flow=self.progress.in_flow)
        return reading if reading is not None and reading.kind in ("otp", "await_link") else None

    async def _turn(self, code: CodeSource | None, *, accept_terms: bool) -> Outcome | None:
        reading = await self._stage.look(in_flow=self.progress.in_flow)
        if reading is None:
            return NO_ANSWER
        if self.page.url.startswith(_ERROR_PAGE):
            return Outcome("site_error", "The site led to an address that cannot be loaded.")
        if self._doubtful(reading):
            reading = await self._advised(reading)
        outcome = await self._decide(reading, code, accept_terms=accept_terms)
        return None if outcome is None else decided_on(outcome, reading)

    async def _decide(self, reading: Reading, code: CodeSource | None, *, accept_terms: bool) -> Outcome | None:
        flow, kind = self._flow, reading.kind
        if kind == "captcha" or (reading.captcha and kind in LOGIN_KINDS | {"otp"}):
            return Outcome("captcha", "The site shows a captcha, which is left to a person.", question="captcha")
        if (kind in LOGIN_KINDS or kind == "otp") and await take_consent(flow, reading):
            return None
        if kind == "otp" or (kind in LOGIN_KINDS and reading.otp and self._asked_for_code(reading)):
            return await code_turn(flow, reading, code)
        if kind in LOGIN_KINDS:
            if await take_password_way(flow, reading):
                return None
            return await login_turn(flow, reading)
        if kind == "await_link":
            return self._awaits_link()
        if not (self.progress.in_flow or self.progress.username_entered):
            return await way_in(flow, reading)
        return await way_out(flow, reading, accept_terms=accept_terms)

    def _asked_for_code(self, reading: Reading) -> bool:
        """Whether a box for a code in the login form is what the site answered the password with."""
        if not (self.progress.password_submitted and self._flow.submitted_here):
            return False
        if self._flow.code_box_stood and self._flow.account.second_factor == "none":
            # It stood there from the start, for those who have a second factor: it asks nothing of us.
            return False
        # The site answered with a list of where the code may come from; without a choice no code is right.
        return not self._flow.code_with_password or reading.device is not None

    def _awaits_link(self) -> Outcome:
        if self.progress.links_opened:
            return Outcome("bad_code", "After the link the site says again that it sent one.")
        return Outcome("challenge_link", "The site sent a link by mail.")

    def _doubtful(self, reading: Reading) -> bool:
        if reading.captcha:
            return False
        if reading.kind in LOGIN_KINDS or reading.kind == "otp":
            return not sure(reading)
        tried = self._flow.tried["weak opener"] if reading.weak_opener else 0
        return reading.kind == "other" and not self.progress.in_flow and (not tells(reading) or tried > 0)

    async def _advised(self, reading: Reading) -> Reading:
        if self._advisor is None:
            return reading
        return await self._advisor.advise(self.page, reading) or reading


def _not_loaded(error: Error) -> Outcome:
    # Only the first line: the call log below it holds the arguments of the call.
    first = error.message.splitlines()[0]
    if "net::" in first or "Timeout" in first:
        code = next((word for word in first.split() if word.startswith("net::")), "no answer in time")
        shut = (WAY_OUT_SHUT,) if code.startswith(_NO_TUNNEL) else ()
        return Outcome("site_error", f"The site cannot be reached or does not answer ({code}).", evidence=shut)
    if "Download is starting" in first:
        return Outcome("site_error", "The site answers with a file instead of a page.")
    return Outcome("browser_lost", "The page or its browser went away while it was loading.")
