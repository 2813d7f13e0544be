"""What a page says in words, in terms of our own: too many attempts, a locked account, an approval that is awaited, the
way that a code takes. No text of the page leaves this module.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from seezar.signin.reading import Method
from seezar.signin.scan import FrameScan
from seezar.signin.ways import headed_of
from seezar.signin.words import concepts_of

_SHORT_PAGE: Final = 1_500  # characters of visible text
_BLANK: Final = 80
_TOLD: Final = frozenset({"rate_limited", "locked"})
# The way that a code takes, by the concept of the words that name it.
_CHANNELS: Final[dict[str, Method]] = {"by_app": "totp", "by_sms": "sms", "email": "email", "link_sent": "email"}


@dataclass(frozen=True)
class Signs:
    """What is said.

    Attributes:
        told: of `rate_limited` and `locked`, what the page's alerts, its headings, or its text say when it is short.
        approval: it waits for somebody to approve the sign-in on another device.
        channels: of `totp`, `email` and `sms`, the ways that a short page names for a code.
        code_sent: it says that something was sent.
        blank: it shows next to nothing, as a page does that is still being built.
    """

    told: frozenset[str] = frozenset()
    approval: bool = False
    channels: frozenset[Method] = frozenset()
    code_sent: bool = False
    blank: bool = False


def signs_of(scans: list[FrameScan], foreign: Collection[int]) -> Signs:
    """Read them from all frames but the foreign ones."""
    said: set[str] = set()
    alerted: set[str] = set()
    short: set[str] = set()
    size = 0
    for i, scan in enumerate(scans):
        if i in foreign:
            continue
        length = len(scan.text) + scan.longer
        size += length
        said |= headed_of(scan)
        for alert in scan.alerts:
            alerted |= concepts_of(str(alert["text"])).keys()
        if length < _SHORT_PAGE:
            short |= concepts_of(scan.text).keys()
    return Signs(
        told=frozenset(_TOLD & (said | alerted | short)),
        approval="approval" in said | short,
        channels=frozenset(channel for concept, channel in _CHANNELS.items() if concept in said | short),
        code_sent=bool((said | short) & {"code_sent", "link_sent"}),
        blank=size < _BLANK and not any(field for scan in scans for field in scan.fields if not field.why),
    )
