"""Points in time as people write them on a command line."""

import re
from datetime import UTC, datetime, timedelta

from seezar.errors import InvalidInput

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def since(text: str, *, now: datetime | None = None) -> datetime:
    """The moment of `2h`, `30m`, `7d` (so long ago), or of `2026-11-01`, `2026-11-01T10:30` (local without a zone).

    Raises:
        InvalidInput: it is none of these.
    """
    now = now or datetime.now(UTC)
    try:
        if match := re.fullmatch(r"(\d+)([smhdw])", text.strip()):
            return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"{text!r} is not a point in time.", next_step="Write it as 2h, 7d, 2026-11-01 or 2026-11-01T10:30."
        ) from None
