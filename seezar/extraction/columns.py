"""Reading the texts of one column as values of a field: what the column proves helps to read each of its texts."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import urljoin, urlsplit

import jsonschema
from babel import Locale

from seezar.extraction.dates import day_order, read_date, read_moment
from seezar.extraction.fields import Field
from seezar.extraction.numbers import Decimals, currency_of, decimals, folded, read_number, read_unit
from seezar.extraction.problems import MAX_QUOTED, Problem, Unreadable

type Constraint = Callable[[str, Any], Value | Problem]
type Value = str | int | Decimal | bool | date | datetime | timedelta | None

# What pages print where there is nothing.
_NOTHING = re.compile(
    r"^(?:[-\u2010-\u2015\u2212.\u2026_?]{1,3}|n\s?/\s?a|n\.\s?a\.|null|none|nan|\(none\)|#n/a)?$", re.IGNORECASE
)
_YES = frozenset({"yes", "true", "on", "✓", "✔", "☑", "✅", "1"})
_NO = frozenset({"no", "false", "off", "✗", "✘", "☐", "❌", "0"})
# What of a schema says nothing about values that were read as its type.
_NO_RULES = frozenset({"type", "format", "title", "description", "default", "examples", "$comment", "deprecated"})
_CLOCK = re.compile(r"^(?:(\d+):)?(\d{1,2}):(\d{2})(?:[.,](\d+))?$")
_SPAN = re.compile(
    r"(\d+(?:[.,]\d+)?)\s*(ms|s|sec|secs|seconds?|m|min|mins|minutes?|h|hr|hrs|hours?|d|days?|w|weeks?)(?![^\W\d])"
)
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
MAX_TEXT = 10_000


@dataclass(frozen=True)
class Reading:
    """How the texts of a page are read.

    Attributes:
        locale: of the page; None when it does not say.
        now: when it was read, in the time zone of its dates.
        url: its address, from which links count.
    """

    locale: Locale | None
    now: datetime
    url: str = ""


def read_column(
    texts: Sequence[str | None], field: Field, reading: Reading, *, unit: str = ""
) -> list[Value | Problem]:
    """Each of `texts` as a value of `field`, or what is wrong with it; None where nothing stands or is required.

    Args:
        texts: of one field, row by row; None where the row has no such cell.
        unit: what the column's header says of all of them, as in "Revenue (k€)": where a number has no word of
            magnitude and no unit of its own, it has these.
    """
    there = [text for text in texts if text is not None and not is_nothing(text)]
    read, constrained = _reader(there, field, reading, unit), _constraint(field)
    return [_value(text, field, read, constrained) for text in texts]


def is_nothing(text: str) -> bool:
    """Whether a cell is empty or says that there is nothing."""
    return _NOTHING.match(text.strip()) is not None


def _value(text: str | None, field: Field, read: Any, constrained: Constraint) -> Value | Problem:
    if text is None or is_nothing(text):
        if not field.required:
            return None
        shown = (text or "").strip()[:MAX_QUOTED]
        return Problem("missing", shown, "It is required, and nothing stands there.", field.name)
    try:
        value = read(text)
    except Unreadable as error:
        return replace(error.problem, field=field.name)
    return constrained(text, value)


def _reader(texts: Sequence[str], field: Field, reading: Reading, unit: str) -> Any:
    match field.kind:
        case "integer" | "number":
            # "1,234" of whole numbers is decided by that; "1.2k" is one, too, and has decimals.
            sign = decimals(texts, reading.locale)
            of_all = _of_all(unit, reading.locale)
            return partial(_number, field=field, sign=sign, locale=reading.locale, of_all=of_all)
        case "date" | "datetime":
            read = read_date if field.kind == "date" else read_moment
            order = day_order(texts, reading.locale)
            return partial(read, order=order, locale=reading.locale, now=reading.now)
        case "boolean":
            return _boolean
        case "duration":
            return _duration
        case "link":
            return partial(_link, base=reading.url)
        case "text":
            return _text


def _of_all(unit: str, locale: Locale | None) -> tuple[str, int]:
    """The unit and the power of ten that a header says; what is no currency and no per cent is a remark."""
    try:
        found, power = read_unit(unit, locale) if unit else ("", 0)
    except Unreadable:
        return "", 0
    return found if found == "%" or currency_of(found, locale) == found else "", power


def _number(
    text: str, *, field: Field, sign: Decimals | None, locale: Locale | None, of_all: tuple[str, int]
) -> int | Decimal:
    number = read_number(text, sign=sign, locale=locale, whole=field.kind == "integer")
    unit = number.unit or of_all[0]
    if field.unit and unit and not _same_unit(unit, field.unit):
        raise Unreadable("unit", text, f"Its unit is {unit!r}, not {field.unit!r}.")
    value = number.value if number.magnitude else number.value.scaleb(of_all[1])
    if field.kind == "number":
        return value
    if value != value.to_integral_value():
        raise Unreadable("unreadable", text, "It is no whole number.")
    return int(value)


def _same_unit(one: str, other: str) -> bool:
    return folded(one).casefold().rstrip(".") == folded(other).casefold().rstrip(".")


def _text(text: str) -> str:
    plain = re.sub(r"\s+", " ", text).strip()
    if len(plain) > MAX_TEXT:
        raise Unreadable("constraint", plain, f"It is longer than {MAX_TEXT:,} characters.")
    return plain


def _boolean(text: str) -> bool:
    word = folded(text).casefold()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise Unreadable("unreadable", text, "It is neither yes nor no.")


def _duration(text: str) -> timedelta:
    plain = folded(text).casefold()
    if clock := _CLOCK.match(plain):
        hours, minutes, seconds, part = clock.groups()
        fraction = float(f"0.{part}") if part else 0.0
        return timedelta(hours=int(hours or 0), minutes=int(minutes), seconds=int(seconds) + fraction)
    found = _SPAN.findall(plain)
    if not found or re.sub(r"[\s,]|and", "", _SPAN.sub("", plain)):
        raise Unreadable("unreadable", text, "It is no duration.")
    units = (unit if unit == "ms" else unit[0] for _, unit in found)
    return timedelta(
        seconds=sum(float(n.replace(",", ".")) * _SECONDS[u] for (n, _), u in zip(found, units, strict=True))
    )


def _link(text: str, *, base: str) -> str:
    url = urljoin(base, text.strip())
    if urlsplit(url).scheme not in ("http", "https"):
        raise Unreadable("unreadable", text, "It is no address of a page.")
    return url


def _constraint(field: Field) -> Constraint:
    """Checks a value against the field's own JSON Schema (minimum, enum, pattern and the like)."""
    rules = {key: rule for key, rule in field.rules.items() if key not in _NO_RULES and not key.startswith("x-")}
    if not rules:
        return lambda text, value: value
    validator: Any = jsonschema.Draft202012Validator(rules)

    def check(text: str, value: Any) -> Value | Problem:
        plain = value if isinstance(value, str | bool | int) else float(value) if isinstance(value, Decimal) else None
        if plain is None:
            return value
        error = next(validator.iter_errors(plain), None)
        return value if error is None else Problem("constraint", text[:MAX_QUOTED], error.message[:200], field.name)

    return check
