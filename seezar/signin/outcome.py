"""How a sign-in, or one browser life of it, ended."""

from dataclasses import dataclass, field
from typing import Literal

type SignInStatus = Literal[
    "signed_in",
    "bad_credentials",
    "bad_code",
    "no_code",
    "rate_limited",
    "locked",
    "captcha",
    "passkey_only",
    "needs_person",
    "site_error",
    "unknown",
]
# What is reported on the way: the code is awaited, the site forgot the challenge, the proof is still to be made, the
# site does not know us, the browser died, or it lives and the page went away or did not react.
type LifeStatus = (
    SignInStatus
    | Literal["challenge", "challenge_link", "challenge_lost", "submitted", "signed_out", "browser_lost", "page_lost"]
)


# What only a person can bring: a code that came to a phone, an approval there, a yes to new terms, or to do at the page
# what we leave alone (a captcha, a passkey).
type QuestionKind = Literal["code", "approval", "terms", "captcha", "passkey"]


@dataclass(frozen=True)
class Outcome:
    """A status with its reason in one sentence, fit to be shown (no secret, no text of the page).

    Attributes:
        question: what a person may answer so that the sign-in goes on from here; None when no answer would help.
        retry_after_s: seconds after which the site wants to be asked again, where it says so.
        evidence: names of what decided it, in our own words; for the timeline.
    """

    status: LifeStatus
    reason: str
    question: QuestionKind | None = None
    retry_after_s: float | None = None
    evidence: tuple[str, ...] = field(default=(), compare=False)
