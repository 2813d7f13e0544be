"""Dates and times as pages write them: `2026-11-23T10:15:00Z`, `23.11.2026`, `Nov 23, 2026`, `vor 3 Tagen`.

In digits alone, day and month are told apart by what the column proves, then by the locale (CLDR, by Babel); what can
still be read both ways is ambiguous. Words in some two hundred languages are read by dateparser.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any, Literal
from zoneinfo import ZoneInfo

from babel import Locale

from seezar.extraction.numbers import folded
from seezar.extraction.problems import Unreadable

type DayOrder = Literal["DMY", "MDY"]

_DIGITS = re.compile(r"^(\d{1,2})\s?[./-]\s?(\d{1,2})\s?[./-]\s?(\d{4}|\d{2})(?:,?\s+(?:um |at )?(\d{1,2}:\d{2}.*))?$")
_YEAR_FIRST = re.compile(r"^(\d{4})[./-](\d{1,2})[./-](\d{1,2})(?:[,\s]+(\d{1,2}:\d{2}.*))?$")
_CLOCK = re.compile(r"^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([AaPp])?\.?[Mm]?\.?\s*(?:Uhr|h)?$")
_YEARS = range(1900, 2200)


def proven_order(text: str) -> DayOrder | None:
    """The order of day and month that `text` alone proves, or None."""
    if (found := _DIGITS.match(folded(text))) is None:
        return None
    first, second = int(found[1]), int(found[2])
    if first > 12 >= second:
        return "DMY"
    return "MDY" if second > 12 >= first else None


def day_order(texts: Iterable[str], locale: Locale | None) -> DayOrder | None:
    """The order of a column: what its texts prove, else that of the locale; None when they contradict each other."""
    found: set[DayOrder] = {order for text in texts if (order := proven_order(text)) is not None}
    if len(found) > 1:
        return None
    if found:
        return found.pop()
    if locale is None or (locale.language == "en" and locale.territory is None):
        # English alone does not say which side of the Atlantic it is from.
        return None
    pattern = str(locale.date_formats["short"].pattern)
    return "MDY" if pattern.lower().find("m") < pattern.lower().find("d") else "DMY"


def read_date(text: str, *, order: DayOrder | None, locale: Locale | None, now: datetime) -> date:
    """The day of `text`.

    Args:
        order: of day and month in its column (`day_order`).
        now: when the page was read, with the time zone of the page; "yesterday" counts from it.

    Raises:
        Unreadable: it is no date, or one that can be read in two ways.
    """
    return read_moment(text, order=order, locale=locale, now=now).date()


def read_moment(text: str, *, order: DayOrder | None, locale: Locale | None, now: datetime) -> datetime:
    """The moment of `text`, with a time zone: its own, else that of `now`; without a time of day midnight.

    Raises:
        Unreadable: it is no moment, or one that can be read in two ways.
    """
    plain = folded(text)
    zone = now.tzinfo or UTC
    try:
        moment = datetime.fromisoformat(plain)
    except ValueError:
        moment = _in_digits(plain, text, order) or _in_words(plain, text, locale, now)
    if moment.year not in _YEARS:
        raise Unreadable("unreadable", text, f"No year of a page is {moment.year}.")
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _in_digits(plain: str, text: str, order: DayOrder | None) -> datetime | None:
    if found := _YEAR_FIRST.match(plain):
        year, month, day, clock = found.groups()
    elif found := _DIGITS.match(plain):
        first, second, year, clock = found.groups()
        mine = proven_order(plain) or order
        if mine is None and first != second:
            raise Unreadable("ambiguous", text, "Nothing on the page says which of the two is the day.")
        day, month = (second, first) if mine == "MDY" else (first, second)
        if len(year) == 2:
            year = f"20{year}"
    else:
        return None
    try:
        return datetime.combine(date(int(year), int(month), int(day)), _clock(clock, text))
    except ValueError:
        raise Unreadable("unreadable", text, "There is no such day.") from None


def _clock(clock: str | None, text: str) -> time:
    if clock is None:
        return time()
    if (found := _CLOCK.match(clock.strip())) is None:
        raise Unreadable("unreadable", text, "Its time of day cannot be read.")
    hour = int(found[1])
    if found[4]:
        hour = hour % 12 + (12 if found[4] in "Pp" else 0)
    return time(hour, int(found[2]), int(found[3] or 0))


def _in_words(plain: str, text: str, locale: Locale | None, now: datetime) -> datetime:
    if not re.search(r"[^\W\d_]", plain):
        raise Unreadable("unreadable", text, "It is no date.")
    # Slow to import, and most pages write dates in digits.
    from dateparser import parse

    languages = list(dict.fromkeys([locale.language, "en"])) if locale else None
    settings: dict[str, Any] = {
        "RELATIVE_BASE": now.replace(tzinfo=None),
        "STRICT_PARSING": True,
        "RETURN_AS_TIMEZONE_AWARE": False,
        "DATE_ORDER": "DMY",
    }
    found = parse(plain, languages=languages, settings=settings)
    if found is None:
        raise Unreadable("unreadable", text, "It is no date with day, month and year.")
    return found


def zone_of(name: str | None) -> ZoneInfo:
    """The time zone of an IANA name; UTC for none.

    Raises:
        zoneinfo.ZoneInfoNotFoundError, ValueError: there is none of this name.
    """
    return ZoneInfo(name or "UTC")
