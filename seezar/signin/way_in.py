"""No login form is in front of us: what leads to it, or what is there instead."""

from typing import Final

from playwright.async_api import Locator

from seezar.signin.flow import Flow
from seezar.signin.outcome import Outcome
from seezar.signin.reading import NEVER_FILLED, Reading
from seezar.signin.refusals import in_words

# Links and buttons that lead to the form: "Sign in" on a start page, a tab, a dialog, "with a password instead". More
# than these are not a way in.
_OPENINGS: Final = 4
# A banner, and a second one behind its settings.
_CONSENTS: Final = 2
_COVERED: Final = """(element) => {
  const box = element.getBoundingClientRect();
  const root = element.getRootNode();
  const top = root.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  return !!top && top !== element && !element.contains(top) && !top.contains(element);
}"""


async def way_in(flow: Flow, reading: Reading) -> Outcome | None:
    """Take the surest way that the page offers; None: look again."""
    if reading.kind == "other" and (refused := in_words(reading.told)):
        return refused
    if await take_consent(flow, reading):
        return None
    way = _way(flow, reading)
    if way is not None and flow.progress.openings < _OPENINGS:
        flow.progress.openings += 1
        url = flow.stage.page.url
        await flow.take(way, reading, "open", "Opening the sign-in form")
        if way is reading.opener:
            flow.stage.recipes.note(url, reading)
        return None
    if reading.kind in NEVER_FILLED:
        return Outcome("needs_person", f"The page is a {reading.kind} form, which is never filled.")
    if reading.kind == "signed_in":
        return Outcome("submitted", "The site knows this browser already.")
    if reading.passkey:
        return Outcome("passkey_only", "The site offers a passkey only, which is left to a person.", question="passkey")
    if reading.kind == "sso":
        return Outcome("needs_person", "The site offers only sign-in through another provider.")
    return Outcome("needs_person", "No sign-in form was found.")


def _way(flow: Flow, reading: Reading) -> Locator | None:
    if reading.tile is not None and flow.may("tile", 1):
        return reading.tile
    if reading.password_way is not None and flow.may("password way", 2):
        return reading.password_way
    if reading.opener is not None and not reading.weak_opener:
        return reading.opener
    if reading.other_way is not None and flow.may("other way in", 1):
        return reading.other_way
    if reading.opener is not None and reading.kind != "signed_in" and flow.may("weak opener", 1):
        return reading.opener
    return None


async def take_password_way(flow: Flow, reading: Reading) -> bool:
    """Leave a form for a link or a code by mail, where the account has a password and the page offers to use it."""
    wanted = flow.account.password_ref is not None and flow.account.second_factor != "link"
    if reading.kind != "username" or not wanted or reading.password_way is None or not flow.may("password way", 1):
        return False
    await flow.take(reading.password_way, reading, "open", "Choosing to sign in with the password")
    return True


async def take_consent(flow: Flow, reading: Reading) -> bool:
    """Answer a cookie banner with the least consent, where it is all that there is or lies over the form."""
    if reading.consent is None:
        return False
    over = reading.password or reading.username
    if over is None:
        only = reading.opener is None and reading.kind in ("other", "sso") and reading.tile is None
        needed = only or reading.weak_opener
    else:
        # Going past a banner gives no consent either, so one that has nothing but a yes is left alone.
        needed = not reading.consent_accepts and await (reading.submit or over).evaluate(_COVERED)
    if not needed or not flow.may("consent", _CONSENTS):
        return False
    message = "Accepting the cookies, which the page insists on" if reading.consent_accepts else "Declining cookies"
    await flow.take(reading.consent, reading, "interstitial", message)
    return True
