"""One-time codes: the mailed ones and TOTP."""

import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

from pyotp.totp import TOTP

from playground.clock import Clock
from playground.knobs import Knobs


class CodeVerdict(Enum):
    """What a site says to a code."""

    ACCEPTED = "accepted"
    WRONG = "wrong"
    EXPIRED = "expired"
    USED = "used"
    SUPERSEDED = "superseded"


@dataclass(slots=True)
class MailedCode:
    """A code that was mailed, good until `expires_at` (seconds since the epoch)."""

    code: str = field(repr=False)
    expires_at: float


@dataclass(slots=True)
class MailChallenge:
    """The codes mailed for one sign-in, the newest last. Only the newest is good."""

    codes: list[MailedCode] = field(default_factory=list[MailedCode])
    sends: int = 0


class MailCodes:
    """Makes and checks mailed codes. A code belongs to the sign-in it was mailed for and is good once."""

    def __init__(self, clock: Clock, knobs: Knobs) -> None:
        self._clock = clock
        self._knobs = knobs
        self._used: dict[tuple[str, str], list[MailedCode]] = {}

    def issue(self, user: tuple[str, str], challenge: MailChallenge) -> MailedCode:
        """A fresh code for `user` (site, username); those before it in `challenge` are good no more."""
        taken = {known.code for known in self._remembered(user, challenge)}
        code = next(candidate for candidate in self._draw() if candidate not in taken)
        mailed = MailedCode(code=code, expires_at=self._clock.now() + self._knobs.code_lifetime)
        challenge.codes.append(mailed)
        challenge.sends += 1
        return mailed

    def withdraw(self, challenge: MailChallenge, mailed: MailedCode) -> None:
        """Undo `issue` for a code whose mail could not be sent; the code before it is good again."""
        if mailed in challenge.codes:  # the sign-in may have been finished with an older code meanwhile
            challenge.codes.remove(mailed)
        challenge.sends -= 1

    def check(self, user: tuple[str, str], challenge: MailChallenge, typed: str) -> CodeVerdict:
        """Judge `typed`; an accepted code is spent."""
        newest = challenge.codes[-1] if challenge.codes else None
        if newest is not None and _equal(newest.code, typed):
            if newest.expires_at <= self._clock.now():
                return CodeVerdict.EXPIRED
            challenge.codes.clear()
            self._used.setdefault(user, []).append(newest)
            return CodeVerdict.ACCEPTED
        if any(_equal(older.code, typed) for older in challenge.codes[:-1]):
            return CodeVerdict.SUPERSEDED
        if any(_equal(spent.code, typed) for spent in self._used.get(user, [])):
            return CodeVerdict.USED
        return CodeVerdict.WRONG

    def _draw(self) -> Iterator[str]:
        while True:
            yield "".join(secrets.choice("0123456789") for _ in range(self._knobs.code_length))

    def _remembered(self, user: tuple[str, str], challenge: MailChallenge) -> list[MailedCode]:
        # Spent codes are kept as long as they could still be mistaken for good ones.
        now = self._clock.now()
        spent = [code for code in self._used.get(user, []) if code.expires_at > now]
        self._used[user] = spent
        return spent + challenge.codes


class TotpCodes:
    """Checks TOTP codes (RFC 6238: SHA-1, 6 digits), one step of clock drift allowed either way."""

    def __init__(self, clock: Clock, knobs: Knobs) -> None:
        self._clock = clock
        self._knobs = knobs
        self._last_step: dict[tuple[str, str], int] = {}

    def check(self, user: tuple[str, str], secret: str, typed: str) -> CodeVerdict:
        """Judge `typed` for `user` (site, username) whose base32 secret is `secret`."""
        totp = TOTP(secret, interval=self._knobs.totp_period)
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        matches = [drift for drift in (-1, 0, 1) if _equal(totp.at(now, counter_offset=drift), typed)]
        if not matches:
            return CodeVerdict.WRONG
        step = totp.timecode(now) + matches[-1]
        if self._knobs.refuse_totp_reuse and step <= self._last_step.get(user, -1):
            return CodeVerdict.USED
        self._last_step[user] = step
        return CodeVerdict.ACCEPTED


def _equal(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())
