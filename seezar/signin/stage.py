"""The page that a sign-in happens on: looking at it, pressing something, and telling whether the site reacted."""

import asyncio
import time
from collections.abc import Collection
from dataclasses import replace
from typing import Literal

from playwright.async_api import Error, Locator, Page

from seezar.accounts.records import Account
from seezar.browser.popups import close_popup, take_charge
from seezar.errors import InvalidInput
from seezar.signin.detector import detect
from seezar.signin.filling import press
from seezar.signin.network import NetworkWatch
from seezar.signin.reading import Reading
from seezar.signin.recipes import RecipeBook
from seezar.telemetry.spans import spans, traced
from seezar.vault.origins import origin_of

_POLL_S = 0.1
# A form that was sent may still be standing, and a page that was moved on from may still be building the next.
_REACT_S = 3.0
# Applications that are fetched in parts show their form seconds after the page has loaded.
_BUILD_S = 10.0
_LANDING_S = 0.8
# Windows that one action opens and that are looked at; more are a nuisance.
_MOST_WINDOWS = 4
# A spinner turns, or a bar grows: something is still going on.
_ANIMATED = "() => document.getAnimations().some((animation) => animation.playState === 'running')"
# The fields of a form may be there before its button, or the button before its words.
_NAMING_S = 1.5
# The parts of a form that are filled.
type Role = Literal["username", "password", "otp"]
# What the site made of a submit: it reacted; it did not answer in time; nothing happened; or nothing was sent and the
# page lost what had been typed.
type Effect = Literal["moved", "unanswered", "nothing", "lost"]


class Stage:
    """One page, or the window that took its place.

    Args:
        page: wherever it is.
        account: whose origins and username it is read for.
        timeout: seconds that the site may take to answer one action.
        recipes: the pages of the site that are known.

    Attributes:
        network: what the page's requests say since the last `mark`.
    """

    def __init__(self, page: Page, account: Account, *, timeout: float, recipes: RecipeBook | None = None) -> None:
        self.page = page
        self.recipes = recipes or RecipeBook()
        self.network = NetworkWatch(page, account.origins)
        self._account = account
        self._timeout = timeout
        self._windows: list[tuple[Page, NetworkWatch]] = []
        self._unwanted: list[Page] = []
        self._left: list[tuple[Page, NetworkWatch]] = []
        # When the windows that the last action opened must have loaded.
        self._follow_until = 0.0
        self._sent: set[str] = set()
        self._alerts_before: frozenset[str] = frozenset()
        self._lines_before: frozenset[int] = frozenset()
        self._told_before: frozenset[str] = frozenset()
        # Shape of the form that was acted upon last, while no other document has come.
        self._acted_on = ""
        take_charge(page, self._opened)

    def _opened(self, window: Page) -> None:
        if len(self._windows) < _MOST_WINDOWS:
            self._windows.append((window, NetworkWatch(window, self._account.origins)))
        else:
            self._unwanted.append(window)

    def sends(self, reading: Reading) -> None:
        """The form of `reading` is about to be sent."""
        self._sent.add(_step(reading.seen or reading))
        self.mark(reading)

    def mark(self, reading: Reading | None = None) -> None:
        """An action is about to be taken on the page as `reading` has it."""
        self._unwanted += [window for window, _ in self._windows]
        self._windows.clear()
        self._follow_until = time.monotonic() + self._timeout
        self.network.mark()
        if reading is not None:
            self._alerts_before = frozenset(reading.alerts)
            self._told_before = reading.told
            self._lines_before = reading.lines
            self._acted_on = reading.signature

    async def read(self) -> Reading:
        """One look, no waiting.

        Raises:
            playwright.async_api.Error: the page is closed or crashed.
        """
        reading = await detect(self.page, origins=self._account.origins, username=self._account.username)
        if self.network.refreshes:
            reading = replace(reading, still=False)
        without_password = self._account.password_ref is None and self._account.second_factor == "email"
        return with_code_for_password(reading) if without_password else reading

    async def look(self, *, in_flow: bool) -> Reading | None:
        """The reading of the page once it is quiet, None when the site does not answer; a page without a form is given
        time to build one.

        Args:
            in_flow: the forms may be behind us; a page without one is then what was wanted, and the proof is a fresh
                visit anyway.
        """
        with spans.span("browser.read") as span:
            reading = await self._looked(in_flow=in_flow)
            if span is not None and reading is not None:
                span.set_attributes({"seezar.page.kind": reading.kind, "seezar.page.confidence": reading.confidence})
        return reading

    async def _looked(self, *, in_flow: bool) -> Reading | None:
        if not await self.network.settled(self._timeout):
            return None
        reading = await self._recalled(await self.read(), in_flow=in_flow)
        # A page that is known, or that nothing can change, need not be watched until it is quiet.
        at_once = reading.recalled or reading.still
        if not at_once and not await self.quiet():
            return None
        # What the last action opened and was not gone on in is an advertisement, or somebody else's.
        self._unwanted += [window for window, _ in self._windows]
        self._windows.clear()
        while self._unwanted:
            await close_popup(self._unwanted.pop())
        if at_once:
            return reading
        begun = formed = time.monotonic()
        reading = await self.read()
        while not reading.still:
            now = time.monotonic()
            if not tells(reading):
                formed = now
                end = begun + (_BUILD_S if not in_flow else _REACT_S if reading.blank else _LANDING_S)
            else:
                end = formed + (_NAMING_S if reading.unfinished else 0.0)
            if now >= end:
                break
            await asyncio.sleep(_POLL_S)
            reading = await self.read()
        return reading

    async def _recalled(self, reading: Reading, *, in_flow: bool) -> Reading:
        """The reading by a recipe, where there is one for it."""
        # A form that stands as it was sent, or again, may be about to go.
        if _step(reading) in self._sent:
            return reading
        if reading.signature == self._acted_on and not self.network.document_status:
            return reading
        return await self.recipes.recall(self.page, reading, self._account.origins, in_flow=in_flow) or reading

    async def quiet(self) -> bool:
        """Wait until the page has done what it was at; False when the site did not answer in time."""
        return await self.network.quiet(self._timeout)

    @traced("browser.press")
    async def act(self, control: Locator, reading: Reading) -> None:
        """Press what is no submit, and wait for what it changes."""
        before = self.fingerprint(reading)
        self.mark(reading)
        await press(control)
        if await self.network.reaction():
            await self.network.settled(self._timeout)
            return
        await self.quiet()
        await self._changed(before)

    async def effect(self, before: str, reading: Reading, filled: Collection[Role]) -> Effect:
        """What came of a submit of the form of `reading`, in which the fields `filled` were filled."""
        if await self.network.reaction():
            return "moved" if await self.network.settled(self._timeout) else "unanswered"
        if not await self.quiet():
            return "unanswered"
        deadline = time.monotonic() + _REACT_S
        while not self.network.reacted and not await self._followed():
            now = await self.read()
            forgotten = await lost(now, reading, filled)
            if self.network.reacted:
                # While we looked: what was read may be the answer already, whose fields are empty of course.
                break
            sent = self.network.sent_frames > 0 or self.network.sent_elsewhere
            if forgotten and not sent:
                return "lost"
            if self.fingerprint(now) != before:
                return "moved"
            if time.monotonic() >= deadline:
                return "moved" if sent else "nothing"
            await asyncio.sleep(_POLL_S)
        return "moved"

    async def _changed(self, before: str) -> None:
        deadline = time.monotonic() + _REACT_S
        while time.monotonic() < deadline:
            if self.network.reacted or await self._followed() or self.fingerprint(await self.read()) != before:
                return
            await asyncio.sleep(_POLL_S)

    async def _followed(self) -> bool:
        """Go on in a window of the account's origins that the last action opened, where the page itself stays."""
        for window, watch in list(self._windows):
            left_ms = max(1.0, (self._follow_until - time.monotonic()) * 1000)
            try:
                await window.wait_for_load_state("domcontentloaded", timeout=left_ms)
                if origin_of(window.url) not in self._account.origins or self.network.reacted:
                    continue
            except InvalidInput:
                continue
            except Error:
                # It is gone, or does not answer: it is not asked again.
                self._windows.remove((window, watch))
                self._unwanted.append(window)
                continue
            self._left.append((self.page, self.network))
            self._windows.remove((window, watch))
            self.page, self.network = window, watch
            take_charge(window, self._opened)
            return True
        return False

    def back(self) -> bool:
        """Whether the window closed and the page that had opened it is there to go on in."""
        while self.page.is_closed() and self._left:
            self.page, self.network = self._left.pop()
            # What the window did there is what this page now shows.
            self.network.mark()
        return not self.page.is_closed()

    async def settled(self, reading: Reading) -> Reading:
        """The reading once it is clear whether a form that was sent stays: a script may be about to take it away."""
        begun = time.monotonic()
        gone = None
        while not self._answered(reading):
            waited = time.monotonic() - begun
            if waited >= _BUILD_S or (waited >= _REACT_S and (gone or not await self._goes_on(reading))):
                break
            await asyncio.sleep(_POLL_S)
            await self.quiet()
            now, seen = await self.read(), reading.seen
            if seen is not None:
                if now.signature != seen.signature or (now.kind != seen.kind and tells(now)):
                    return now
                said = {"alerts": now.alerts, "told": now.told, "lines": now.lines, "code_sent": now.code_sent}
                reading = replace(reading, **said, seen=now)
                continue
            if now.kind != reading.kind and tells(now):
                return now
            # What it became may be on its way still, and tells nothing yet.
            gone = now if now.kind != reading.kind else None
            reading = now if now.kind == reading.kind else reading
        return gone or reading

    def _answered(self, reading: Reading) -> str:
        """The name of what shows that the form stands again because the site refused what was sent; else empty."""
        # A document with the form may hold the script that goes on from it as well.
        if self.network.document_status > 0 and reading.still:
            return "the form in a new document"
        if refused := next((status for status in self.network.statuses if status >= 400), 0):
            return f"answer {refused}"
        return "a new alert" if set(reading.alerts) - self._alerts_before else ""

    async def _goes_on(self, reading: Reading) -> bool:
        """Whether nothing tells of a refusal, and something is still going on."""
        if await self.refused(reading):
            return False
        return self.network.pending or bool(await self.page.evaluate(_ANIMATED))

    async def refused(self, reading: Reading) -> str:
        """The name of what else than its standing there says that the form of `reading` was refused; empty when nothing
        does.
        """
        network = self.network
        if answered := self._answered(reading):
            return answered
        if network.document_status:
            return "the form in a new document"
        if told := self.told(reading):
            return f"words: {min(told)}"
        if reading.lines - self._lines_before:
            return "new words on the page"
        # Sent to another site it may have been a counter of visits, and the page has lost what was typed.
        if not (network.reacted or network.sent_frames or max(network.elsewhere_statuses, default=0) >= 400):
            return ""
        emptied = await lost(reading, reading, ("username",) if reading.password is None else ("password",))
        return "the form emptied" if emptied else ""

    def told(self, reading: Reading) -> frozenset[str]:
        """What the page says now and did not say before the last action."""
        return reading.told - self._told_before

    def fingerprint(self, reading: Reading) -> str:
        """Changes when the page becomes another one, but not because a model or a recipe says more about it."""
        reading = reading.seen or reading
        offers = [
            name for name in ("opener", "send_code", "trust", "skip", "consent", "terms") if getattr(reading, name)
        ]
        return f"{self.page.url}\n{reading.kind}\n{reading.signature}\n{reading.alerts}\n{offers}\n{len(reading.otp)}"


def _step(reading: Reading) -> str:
    """What a form asks for; one that only a model or a recipe knows is known by its shape."""
    return reading.signature if reading.kind == "other" else reading.kind


def with_code_for_password(reading: Reading) -> Reading:
    """The reading for an account that has codes by mail and no password: a box for the password takes the code as well,
    where the form has a button that sends one.
    """
    if reading.password is None or (reading.send_code or reading.resend) is None:
        return reading
    return replace(reading, kind="otp", otp=[reading.password], password=None)


def tells(reading: Reading) -> bool:
    """Whether the page has become something; an empty or unknown one is looked at again."""
    ways = (
        *(reading.opener, reading.send_code, reading.trust, reading.skip, reading.consent, reading.terms),
        *(reading.tile, reading.password_way),
    )
    return (
        reading.kind != "other"
        or reading.passkey
        or reading.approval
        or bool(reading.methods)
        or any(way is not None for way in ways)
    )


async def lost(now: Reading, before: Reading, filled: Collection[Role]) -> bool:
    """Whether the form still stands as `before`, but a field of those that were filled is empty."""
    seen, stands = before.seen or before, now.seen or now
    if stands.kind != seen.kind or stands.signature != seen.signature:
        return False
    where = now if before.seen is None else before
    fields = {"username": [where.username], "password": [where.password], "otp": where.otp}
    try:
        values = [await f.input_value(timeout=500) for role in filled for f in fields[role] if f is not None]
    except Error:
        return False
    return bool(values) and not all(values)
