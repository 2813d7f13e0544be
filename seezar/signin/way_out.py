"""The forms are behind us: what stands between them and the site."""

from typing import Final

from seezar.signin.code_turn import method_of_account
from seezar.signin.filling import tick
from seezar.signin.flow import Flow
from seezar.signin.outcome import Outcome
from seezar.signin.reading import NEVER_FILLED, Method, Reading
from seezar.signin.refusals import refusal

# Pages between the last factor and the site: stay signed in, trust this device, set up a passkey.
_OFFERS: Final = 4
# Of an account without a second factor: the way that costs least. A person is asked for the code.
_ANY_METHOD: Final[tuple[Method, ...]] = ("totp", "email", "sms")


async def way_out(flow: Flow, reading: Reading, *, accept_terms: bool) -> Outcome | None:
    """Pass what the site still asks; None: look again."""
    if refused := refusal(flow.stage, reading):
        return refused
    if reading.kind == "signed_in" and not _asks_despite_session(flow, reading):
        return Outcome("submitted", "The site shows no form any more.")
    if await _second_factor(flow, reading):
        return None
    if reading.kind == "signed_in":
        return Outcome("submitted", "The site shows no form any more.")
    if reading.approval:
        return Outcome(
            "needs_person", "The site waits for the sign-in to be approved on another device.", question="approval"
        )
    if reading.methods and not reading.session and flow.tried["method"] == 0:
        return Outcome(
            "needs_person", "The site offers only codes that come another way than the account's.", question="code"
        )
    if reading.terms is not None and not reading.session:
        return await _terms(flow, reading, accept_terms=accept_terms)
    way = reading.trust or reading.skip
    if way is not None and flow.progress.offers < _OFFERS:
        flow.progress.offers += 1
        what = "Trusting this browser" if way is reading.trust else "Declining what the site offers"
        await flow.take(way, reading, "interstitial", what)
        return None
    # A form for whatever comes first in a new account is passed over: whether we are in, only a fresh visit tells.
    what = f"a {reading.kind} form, which is never filled" if reading.kind in NEVER_FILLED else "no form any more"
    return Outcome("submitted", f"The site shows {what}.")


def _asks_despite_session(flow: Flow, reading: Reading) -> bool:
    """Whether a page that lets one sign out asks for the account's second factor all the same."""
    progress, wanted = flow.progress, method_of_account(flow.account.second_factor)
    return wanted is not None and reading.challenge == "sure" and not (progress.codes_entered or progress.links_opened)


async def _second_factor(flow: Flow, reading: Reading) -> bool:
    """Get the site to ask for the account's own second factor."""
    wanted = method_of_account(flow.account.second_factor)
    if reading.approval and wanted is None:
        return False
    if reading.session and not _asks_despite_session(flow, reading):
        return False
    possible: tuple[Method, ...] = _ANY_METHOD if wanted is None else (wanted,)
    for method in possible:
        if method in reading.methods and flow.may("method", 2):
            flow.progress.code_requested = flow.progress.code_requested or method != "totp"
            await flow.choose(reading.methods[method], reading, "Choosing how the code comes")
            return True
    if reading.send_code is not None and wanted != "totp" and not flow.progress.code_requested:
        flow.progress.code_requested = True
        await flow.take(reading.send_code, reading, "second_factor", "Asking the site to send a code")
        return True
    another = reading.approval or reading.send_code is not None or bool(reading.methods) or reading.passkey
    if wanted is not None and another and reading.other_way is not None and flow.may("other way", 2):
        await flow.take(reading.other_way, reading, "second_factor", "Looking for the account's own second factor")
        return True
    return False


async def _terms(flow: Flow, reading: Reading, *, accept_terms: bool) -> Outcome | None:
    if not accept_terms or reading.terms is None or not flow.may("terms", 2):
        return Outcome("needs_person", "The site asks to accept new terms.", question="terms")
    if reading.terms_box is not None:
        await tick(reading.terms_box)
    await flow.take(reading.terms, reading, "interstitial", "Accepting the terms, as a person said")
    return None
