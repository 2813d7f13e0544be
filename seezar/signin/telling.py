"""What the timeline is told beside its sentences: names in our own words, and addresses without a value in them. Never
text of a page.
"""

from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from seezar.accounts.records import Account
from seezar.errors import InvalidInput
from seezar.redaction import Redactor
from seezar.signin.address import template
from seezar.signin.outcome import Outcome
from seezar.signin.reading import Reading
from seezar.vault.origins import origin_of

# Reasons that are told of a page, the strongest first.
MOST_REASONS: Final = 4


def place(url: str, account: Account) -> str:
    """Origin and path of a page, without what belongs to a visit or a user; empty for what is no page of a site."""
    try:
        origin, path = origin_of(url), urlsplit(url).path
    except (InvalidInput, ValueError):
        return ""
    # What such a path holds is hidden by its shape; a name may look like any other word.
    return origin + Redactor({"username": account.username})(template(path))


def seen(reading: Reading) -> tuple[str, ...]:
    """The names of what a page was taken for, and why."""
    signs = {
        "captcha": reading.captcha,
        "control to sign out": reading.session,
        "approval awaited": reading.approval,
        "passkey": reading.passkey,
    }
    present = [name for name, shown in signs.items() if shown and name != reading.kind]
    return (f"page: {reading.kind}", *present, *reading.evidence[:MOST_REASONS])


def decided_on(outcome: Outcome, reading: Reading) -> Outcome:
    """`outcome` with what it was decided on: what it names itself, and the page of `reading`."""
    return replace(outcome, evidence=(*outcome.evidence, *seen(reading)))
