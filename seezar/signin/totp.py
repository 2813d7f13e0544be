"""Time-based one-time codes (RFC 6238), from a base32 key or an `otpauth://` URI."""

from dataclasses import dataclass

from pyotp import parse_uri
from pyotp.totp import TOTP

from seezar.errors import InvalidInput

# A code typed in the last seconds of its window may arrive in the next one.
SAFE_SECONDS = 4.0


@dataclass(frozen=True)
class TotpCode:
    """A code with the time step it belongs to (a code must not be used twice) and when that step starts, epoch
    seconds.
    """

    code: str
    time_step: int
    starts_at: float

    def __repr__(self) -> str:
        return f"TotpCode(time_step={self.time_step})"


def check_totp(key: str) -> None:
    """Make sure that `key` is usable.

    Raises:
        InvalidInput: neither base32 nor an otpauth://totp/ URI.
    """
    try:
        _totp(key).at(0)
    except (ValueError, TypeError):
        raise InvalidInput(
            "The TOTP key is neither base32 nor an otpauth://totp/… address.",
            kept="Nothing was stored.",
            next_step="Copy it again from the site: letters A to Z and digits 2 to 7, spaces do not matter.",
        ) from None


def next_code(key: str, *, now: float, last_step: int | None = None) -> TotpCode:
    """The code to use at `now` or soon after it.

    Args:
        key: base32 key or otpauth:// URI (digits, period and algorithm are honoured).
        now: time, epoch seconds.
        last_step: time step of the code used last; that one and earlier ones are not given again.

    Returns:
        The code of the current step, or of the next one when the current step has under `SAFE_SECONDS` left or was
        used. The caller waits until `starts_at`.
    """
    totp = _totp(key)
    interval = totp.interval
    step = int(now // interval)
    if (step + 1) * interval - now < SAFE_SECONDS:
        step += 1
    if last_step is not None:
        step = max(step, last_step + 1)
    return TotpCode(code=totp.at(step * interval), time_step=step, starts_at=float(step * interval))


def _totp(key: str) -> TOTP:
    text = key.strip()
    if text.lower().startswith("otpauth://"):
        parsed = parse_uri(text)
        if not isinstance(parsed, TOTP):
            raise ValueError("not a time-based key")
        return parsed
    compact = "".join(text.split()).replace("-", "").upper()
    if not compact:
        raise ValueError("empty key")
    return TOTP(compact)
