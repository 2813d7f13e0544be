"""The header Retry-After (RFC 9110 section 10.2.3): seconds, or a date."""

import time
from email.utils import parsedate_to_datetime


def retry_after_seconds(header: str | None, *, now: float | None = None) -> float | None:
    """Seconds from `now` (epoch seconds; the present when None), never negative; None when the header says nothing."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        # So many digits are no waiting time.
        return float(text) if len(text) <= 12 else None
    try:
        at = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, at - (time.time() if now is None else now))
