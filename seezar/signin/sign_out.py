"""Signing out at the site, by its own control, and looking whether the session is over there."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urljoin

from playwright.async_api import Dialog, Error, Frame, Locator, Page

from seezar.accounts.records import Account, SessionState
from seezar.browser.pool import BrowserPool
from seezar.errors import InvalidInput
from seezar.redaction import Redactor
from seezar.signin.credentials import Report
from seezar.signin.detector import detect
from seezar.signin.egress import tell_egress
from seezar.signin.filling import press
from seezar.signin.forms import ButtonView
from seezar.signin.network import NetworkWatch
from seezar.signin.offers import NO_SIGN_OUT
from seezar.signin.proof import prove
from seezar.signin.reading import LOGIN_KINDS
from seezar.signin.scan import FrameScan, locator, scan_page
from seezar.signin.words import concepts_of, concepts_of_identifier
from seezar.vault.origins import origin_of

# Share of a control's letters that the words must cover: "Sign out", not "Sign out of all devices".
_FULL: Final = 0.5
_LONGEST_LABEL: Final = 60
# "Are you sure?" asks once more; more than that is a circle.
_MOST_PRESSES: Final = 3
_MOST_MENUS: Final = 4
# Parts of the names that developers give to what opens a menu, and to the menu of who is signed in.
_MENU_NAMES: Final = ("menu", "dropdown", "avatar")
_OWN_NAMES: Final = ("account", "avatar", "user", "profile")


@dataclass(frozen=True)
class SignOut:
    """How the sign-out at the site went.

    Attributes:
        status: `ended`: the stored session no longer works; `still_works`: the site said goodbye and takes it all the
            same; `not_told`: no way to sign out was found, or the site cannot be reached.
        reason: one sentence.
    """

    status: Literal["ended", "still_works", "not_told"]
    reason: str


async def sign_out_at_site(
    pool: BrowserPool, account: Account, state: SessionState, report: Report, redact: Redactor, *, timeout: float
) -> SignOut:
    """Open the verify URL with the session, use the site's own sign-out, and visit again with what was stored.

    Args:
        redact: what hides secrets of the account from the timeline.
        timeout: seconds that the site may take to answer one action.

    Raises:
        BrowserMissing: no Chromium.
    """
    policy = pool.policy_of(account)
    try:
        async with pool.context(policy, state) as context:
            page = await pool.new_page(context)
            before = await prove(page, account, timeout=timeout)
            if before.status == "signed_out":
                return SignOut("ended", "The site had ended the session before.")
            if before.status == "site_error":
                return SignOut("not_told", before.reason)
            leaving = _Leaving(page, account, timeout)
            await report("sign_out", "Looking for the site's own sign-out")
            used = "The site's sign-out was used"
            try:
                found = await leaving.leave()
            except Error:
                # The page may go away under the last look, once the session is over: the fresh visit tells.
                found, used = True, "The page went away while the site's sign-out was looked for or used"
            if not found:
                return SignOut("not_told", "No way to sign out was found on the page behind the login.")
        await report("verify", "Checking with a fresh visit that the session is over")
        async with pool.context(policy, state) as context:
            outcome = await prove(await pool.new_page(context), account, timeout=timeout)
    except Error:
        return SignOut("not_told", "The site cannot be reached, or its page went away.")
    finally:
        await tell_egress(policy, report, redact)
    if outcome.status == "signed_out":
        return SignOut("ended", "The site has ended the session.")
    if outcome.status == "signed_in":
        return SignOut("still_works", f"{used}, but the site still takes the old session.")
    return SignOut("not_told", f"{used}; whether the session is over is not known. {outcome.reason}")


async def _accept(dialog: Dialog) -> None:
    await dialog.accept()


class _Leaving:
    def __init__(self, page: Page, account: Account, timeout: float) -> None:
        self._page = page
        self._account = account
        self._timeout = timeout
        self._watch = NetworkWatch(page, account.origins)
        self._tried: set[str] = set()

    async def is_over(self) -> bool:
        """Whether the page shows the site's way in, and no way out any more."""
        await self._watch.quiet(self._timeout)
        reading = await detect(self._page, origins=self._account.origins)
        invites = reading.opener is not None and not reading.weak_opener
        return reading.kind in LOGIN_KINDS or (invites and not reading.session)

    async def leave(self) -> bool:
        """Use the sign-out control, in a menu where it is hidden in one; whether there was one."""
        pressed = menus = 0
        while pressed < _MOST_PRESSES:
            looks = await self._looks()
            control = sign_out_control(looks)
            if control is not None:
                await self._sign_out(press(control))
                pressed += 1
                if await self.is_over():
                    return True
                continue
            if pressed:
                return True
            menu = self._menu(looks) if menus < _MOST_MENUS else None
            if menu is None:
                return await self._hidden(looks)
            menus += 1
            self._watch.mark()
            await press(menu)
            await self._watch.quiet(self._timeout)
        return True

    async def _looks(self) -> list[tuple[Frame, FrameScan]]:
        """The frames that belong to the account's site; nothing else is clicked in."""
        found: list[tuple[Frame, FrameScan]] = []
        for frame, scan in await scan_page(self._page):
            try:
                if origin_of(frame.url) in self._account.origins:
                    found.append((frame, scan))
            except InvalidInput:
                continue
        return found

    async def _sign_out(self, pressing: Awaitable[object]) -> None:
        """Press what says that it signs out. A page that asks "really?" is told yes then, and no to anything before."""
        self._page.on("dialog", _accept)
        try:
            self._watch.mark()
            await pressing
            await self._watch.quiet(self._timeout)
        finally:
            self._page.remove_listener("dialog", _accept)

    def _menu(self, looks: list[tuple[Frame, FrameScan]]) -> Locator | None:
        """The likeliest control that opens the menu of the account, each once."""
        best: tuple[float, str, Locator] | None = None
        for frame, scan in looks:
            for raw in scan.buttons:
                view = ButtonView(raw)
                key = repr(raw.path)
                if not view.usable or view.leads_away or key in self._tried:
                    continue
                score = self._menu_score(view)
                place = locator(frame, raw.path)
                if place is not None and score and (best is None or score > best[0]):
                    best = (score, key, place)
        if best is None:
            return None
        self._tried.add(best[1])
        return best[2]

    def _menu_score(self, view: ButtonView) -> float:
        """How likely a control opens the menu of the account; 0 for what may do something else when it is clicked."""
        raw = view.raw
        names = f"{raw.id} {raw.cls} {raw.data} {raw.name}".lower()
        shown = [text.strip().lower() for text in (raw.text, raw.aria, raw.title)]
        user = self._account.username.lower()
        own = {user, user.partition("@")[0]}
        is_area = view.said.get("account_area", 0.0) >= _FULL
        opens = raw.popup in ("true", "menu", "listbox") or raw.expanded == "false" or raw.tag == "summary"
        # The entries of a menu are named after it, and may do anything.
        named_menu = any(name in names for name in _MENU_NAMES) and "item" not in names and raw.role != "menuitem"
        # Words with the name in them may be about it ("Delete ops"), unless they are on what opens a menu.
        is_own = any(text in own for text in shown) or (opens and any(own & set(text.split()) for text in shown))
        if raw.disabled or (view.submits and raw.group >= 0) or not (opens or named_menu or is_own or is_area):
            return 0.0
        score = 1.0 if opens or named_menu else 0.5
        score += 2.0 if any(name in names for name in _OWN_NAMES) or is_area else 0.0
        return score + (3.0 if is_own else 0.0)

    async def _hidden(self, looks: list[tuple[Frame, FrameScan]]) -> bool:
        """What no menu would show: a sign-out control that is there and hidden, or the address that one leads to."""
        for frame, scan in looks:
            for raw in scan.buttons:
                if raw.why and not raw.disabled and _says_sign_out(ButtonView(raw)) >= _FULL:
                    place = locator(frame, raw.path)
                    if place is not None:
                        await self._sign_out(place.evaluate("element => element.click()"))
                        return True
        for frame, scan in looks:
            for link in scan.tucked:
                text, _, href = link.partition("\t")
                if concepts_of(text).get("logout", 0.0) < _FULL and "logout" not in concepts_of_identifier(href):
                    continue
                target = urljoin(frame.url, href)
                if origin_of(target) in self._account.origins:
                    await self._page.goto(target, wait_until="domcontentloaded")
                    await self._watch.quiet(self._timeout)
                    return True
        return False


def sign_out_control(looks: list[tuple[Frame, FrameScan]]) -> Locator | None:
    """The visible control whose words, or whose address, say that it signs out."""
    best: tuple[float, Locator] | None = None
    for frame, scan in looks:
        for raw in scan.buttons:
            view = ButtonView(raw)
            score = _says_sign_out(view) if view.usable and not raw.disabled else 0.0
            place = locator(frame, raw.path) if score else None
            if place is not None and (best is None or score > best[0]):
                best = (score, place)
    return best[1] if best else None


def _says_sign_out(view: ButtonView) -> float:
    raw = view.raw
    said = view.said.get("logout", 0.0) if len(raw.text) <= _LONGEST_LABEL else 0.0
    if said >= _FULL:
        return 1.0 + said
    # An icon, or a word that we do not know, whose address or name says it.
    named = "logout" in view.target or "logout" in view.named
    return 1.0 if named and not said and not view.said.keys() & {*NO_SIGN_OUT, "signup"} else 0.0
