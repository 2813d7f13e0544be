"""What in many series needs somebody's attention: the odd ones, ranked, each with what was seen and expected.

Of each item its whole and its parts are looked at, in the last days only: what was odd a month ago is history. A part
is told only where the whole says nothing of it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby
from typing import Literal

from seezar.analytics.anomalies import Anomaly, anomalies, shown
from seezar.analytics.windows import Comparison, compare

type Kind = Literal["out_of_line", "changed", "silent"]

RECENT_DAYS = 7
"""Days that are looked at; they are compared with those before."""
BEFORE_DAYS = 30
# A change that lasts is told by standard errors of a mean, one day by robust deviations of a value: the first grow
# with the number of days, and neither may always come first.
_MOST_SCORE = 100.0
# Part of the change of an item from which on a single part of it explains it.
_MOST_OF = 0.6


@dataclass(frozen=True, slots=True)
class Observation:
    """One number that was read.

    Attributes:
        item: whose it is, such as a customer.
        part: what of it, such as an event; empty when there is one number a day.
        day: of it.
        value: None where nothing stood.
    """

    item: str
    part: str
    day: date
    value: float | None


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that needs attention.

    Attributes:
        item: whose numbers.
        part: of them; empty for all together.
        kind: `out_of_line` (days that do not fit their series), `changed` (the last days together against those
            before), `silent` (nothing at all where others have numbers).
        score: how far, for the order only.
        reason: for a person, with method and threshold.
        found: the days that are out of line, the furthest first.
        comparison: of the last days with those before; None when silent.
    """

    item: str
    part: str
    kind: Kind
    score: float
    reason: str
    found: tuple[Anomaly, ...] = ()
    comparison: Comparison | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers of an item by day: ascending, without gaps from its first to its last day."""

    days: tuple[date, ...]
    values: tuple[float | None, ...]


def series_of(observations: Iterable[Observation]) -> dict[tuple[str, str], Series]:
    """The series of each item and part; under the part "" the sum of all parts of an item.

    A part that has no number on a day on which its item has others has 0; a day of which an item has none is unknown.
    """
    by_item: dict[str, dict[str, dict[date, float]]] = defaultdict(lambda: defaultdict(dict))
    for each in observations:
        if each.value is not None:
            of_part = by_item[each.item][each.part]
            of_part[each.day] = of_part.get(each.day, 0.0) + each.value
    found: dict[tuple[str, str], Series] = {}
    for item, parts in by_item.items():
        known = {day for values in parts.values() for day in values}
        every = _every_day(min(known), max(known))
        for part, values in parts.items():
            if part or len(parts) == 1:
                found[item, part] = Series(every, tuple(values.get(d, 0.0) if d in known else None for d in every))
        sums = {day: sum(values.get(day, 0.0) for values in parts.values()) for day in known}
        found[item, ""] = Series(every, tuple(sums.get(day) for day in every))
    return found


def alerts(series: Mapping[tuple[str, str], Series], *, last: date | None = None, counts: bool = True) -> list[Alert]:
    """What needs attention, the most urgent first; one alert an item, and one for each part that its whole hides.

    Args:
        series: of `series_of`.
        last: the day that counts as the last one; that of all series when None.
        counts: as of `seezar.analytics.anomalies.anomalies`.
    """
    if not series:
        return []
    at = last or max(each.days[-1] for each in series.values())
    found: list[Alert] = []
    for _, group in groupby(sorted(series.items()), key=lambda each: each[0][0]):
        # The whole comes first: its part is "".
        of_item = [alert for (item, part), each in group if (alert := _judged(item, part, each, at, counts))]
        whole = next((alert for alert in of_item if not alert.part), None)
        found += [_explained(whole, of_item)] if whole is not None else of_item
    return sorted(found, key=lambda alert: (-alert.score, alert.item, alert.part))


def _judged(item: str, part: str, series: Series, last: date, counts: bool) -> Alert | None:
    since = last - timedelta(days=RECENT_DAYS)
    if series.days[-1] <= since:
        if part:
            return None
        reason = f"Nothing since {series.days[-1]:%d %b %Y}, where others have numbers up to {last:%d %b %Y}."
        return Alert(item, part, "silent", _MOST_SCORE, reason)
    odd = [each for each in anomalies(series.days, series.values, counts=counts) if each.day > since]
    odd.sort(key=lambda each: -abs(each.score))
    change = compare(series.days, series.values, last=last, now=RECENT_DAYS, before=BEFORE_DAYS, counts=counts)
    if change.notable:
        score = min(abs(change.score or 0.0), _MOST_SCORE)
        return Alert(item, part, "changed", score, _told(change, odd), tuple(odd), change)
    if odd:
        score = min(abs(odd[0].score), _MOST_SCORE)
        reason = "; ".join(f"{each.day:%d %b}: {each.reason}" for each in odd[:3])
        return Alert(item, part, "out_of_line", score, reason, tuple(odd), change)
    return None


def _explained(whole: Alert, of_item: Sequence[Alert]) -> Alert:
    """The alert of an item with the part that accounts for most of its change, where one does."""
    moved = [(alert, _moved(alert)) for alert in of_item if alert.part]
    part, amount = max(moved, key=lambda each: abs(each[1]), default=(None, 0.0))
    if part is None or abs(amount) < _MOST_OF * abs(_moved(whole)):
        return whole
    return replace(whole, reason=f"{whole.reason}. Most of it is “{part.part}”: {part.reason}")


def _moved(alert: Alert) -> float:
    change = alert.comparison
    if alert.kind == "out_of_line":
        return alert.found[0].value - alert.found[0].expected
    if change is None or change.now.per_day is None or change.before.per_day is None:
        return 0.0
    return change.now.per_day - change.before.per_day


def _told(change: Comparison, odd: Sequence[Anomaly]) -> str:
    now, before = change.now, change.before
    assert now.per_day is not None
    assert before.per_day is not None
    share = "" if change.change is None else f" ({change.change:+.0%})"
    told = (
        f"{shown(now.per_day)} a day in the last {now.days} days against {shown(before.per_day)} in the {before.days}"
        f" before{share}, {abs(change.score or 0.0):.1f} standard errors"
    )
    return f"{told}; {odd[0].day:%d %b}: {odd[0].reason}" if odd else told


def _every_day(first: date, last: date) -> tuple[date, ...]:
    return tuple(first + timedelta(days=number) for number in range((last - first).days + 1))
