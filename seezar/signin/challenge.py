"""Does a page ask for more than the password: a passkey, an approval elsewhere, a choice of ways to get a code?

Words of these stand on the pages of a site as well ("3 orders are waiting for approval", "Add a passkey"), so what
the page is headed with, and what else it offers, tell the two apart.
"""

from collections.abc import Collection
from typing import Final

from seezar.signin.offers import Offers
from seezar.signin.reading import Challenge
from seezar.signin.scan import FrameScan
from seezar.signin.signs import Signs
from seezar.signin.ways import Ways, headed_of
from seezar.signin.words import concepts_of

_SHORT_PAGE: Final = 1_500  # characters of visible text
# A page that only asks something has a few controls; the pages of a site have a menu.
_FEW_CONTROLS: Final = 12
_HEADED: Final = frozenset({"approval", "choose_method", "code", "verify", "other_way"})


def challenge_of(
    scans: list[FrameScan], foreign: Collection[int], offers: Offers, ways: Ways, signs: Signs
) -> Challenge:
    """How sure it is that the page asks to prove who one is, other than by a form."""
    if not (signs.approval or ways.methods or offers.passkey):
        return "none"
    own = [scan for i, scan in enumerate(scans) if i not in foreign]
    short = sum(len(scan.text) + scan.longer for scan in own) < _SHORT_PAGE
    headed = {concept for scan in own for concept in headed_of(scan)}
    in_site = offers.logout >= 0.5 or offers.account_words > 0
    if ways.methods and not headed & _HEADED and "totp" not in ways.methods and not _speaks_of_codes(own):
        # Controls for mail and text messages are the menu of many a site.
        return "none"
    if signs.approval or ways.methods:
        return "sure" if headed & _HEADED else "none" if in_site or not _few_controls(own) else "perhaps"
    if not short or _may_be_declined(offers):
        return "none"
    if in_site:
        # Whether it asks for the passkey that there is, or offers to make one, the words do not tell.
        return "perhaps" if headed & (_HEADED | {"passkey"}) and not offers.account_words else "none"
    if headed & (_HEADED | {"passkey", "login"}):
        return "sure"
    return "perhaps" if _few_controls(own) else "none"


def _may_be_declined(offers: Offers) -> bool:
    """Whether it is an offer, which "not now" answers; a question has at most a way back."""
    return offers.skip is not None and "go_back" not in offers.skip.view.said


def _speaks_of_codes(scans: list[FrameScan]) -> bool:
    return any(concepts_of(scan.text).keys() & {"code", "choose_method"} for scan in scans)


def _few_controls(scans: list[FrameScan]) -> bool:
    return sum(not button.why for scan in scans for button in scan.buttons) <= _FEW_CONTROLS
