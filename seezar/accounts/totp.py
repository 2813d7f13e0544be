"""Time-based one-time codes (RFC 6238), from a base32 key or an `otpauth://` URI.

Written here because the usual libraries refuse keys under 112 bits, as new keys should be. A site that gave out 80 bits
years ago (sixteen letters, the most common length) still asks for their codes.
"""

import base64
import hmac
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from seezar.errors import InvalidInput

# A code typed in the last seconds of its window may arrive in the next one.
SAFE_SECONDS = 4.0
_ALGORITHMS = ("sha1", "sha256", "sha512")
_DIGITS = range(4, 11)
_LONGEST_PERIOD = 3600


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
        _parse(key)
    except ValueError:
        raise InvalidInput(
            "The TOTP key is neither base32 nor an otpauth://totp/… address.",
            kept="Nothing was stored.",
            next_step="Copy it again from the site: letters A to Z and digits 2 to 7, spaces do not matter.",
        ) from None


def base32_key(key: str) -> str:
    """The key alone, upper-case base32 without spaces, as a site may show it; `key` must have passed `check_totp`."""
    return _parse(key).base32


def next_code(key: str, *, now: float, last_step: int | None = None) -> TotpCode:
    """The code to use at `now` or soon after it.

    Args:
        key: base32 key or otpauth:// URI (digits, period and algorithm are honoured).
        now: time, epoch seconds.
        last_step: time step of the code used last; that one and earlier ones are not given again. One that lies ahead
            is not believed: the clock was wrong then.

    Returns:
        The code of the current step, or of the next one when the current step has under `SAFE_SECONDS` left or was
        used. The caller waits until `starts_at`.
    """
    parsed = _parse(key)
    current = int(now // parsed.period)
    step = current
    if (step + 1) * parsed.period - now < SAFE_SECONDS:
        step += 1
    if last_step is not None and last_step <= current + 1:
        step = max(step, last_step + 1)
    return TotpCode(code=_code(parsed, step), time_step=step, starts_at=float(step * parsed.period))


@dataclass(frozen=True)
class _Key:
    base32: str = field(repr=False)
    digits: int = 6
    period: int = 30
    algorithm: str = "sha1"


def _code(key: _Key, step: int) -> str:
    # RFC 4226 section 5.3: the last four bits of the digest say where in it the number stands.
    digest = hmac.digest(_secret(key.base32), step.to_bytes(8, "big"), key.algorithm)
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**key.digits).zfill(key.digits)


def _parse(key: str) -> _Key:
    text = key.strip()
    if not text.lower().startswith("otpauth://"):
        return _Key(_compact(text))
    parts = urlsplit(text)
    if parts.netloc.lower() != "totp":
        raise ValueError("not a time-based key")
    given = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    algorithm = given.get("algorithm", "sha1").lower().replace("-", "")
    digits, period = int(given.get("digits", "6")), int(given.get("period", "30"))
    if algorithm not in _ALGORITHMS or digits not in _DIGITS or not 0 < period <= _LONGEST_PERIOD:
        raise ValueError("out of range")
    return _Key(_compact(given.get("secret", "")), digits, period, algorithm)


def _compact(base32: str) -> str:
    compact = "".join(base32.split()).replace("-", "").upper().rstrip("=")
    if not _secret(compact):
        raise ValueError("empty key")
    return compact


def _secret(base32: str) -> bytes:
    return base64.b32decode(base32 + "=" * (-len(base32) % 8))
