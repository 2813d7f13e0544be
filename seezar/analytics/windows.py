"""Two windows of days compared by their values a day, so that 7 days and 30 can be held against each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

NOTABLE = 3.0
"""Standard errors from which on a change is more than the days vary among themselves."""
LEAST_CHANGE = 0.1
"""Part of the earlier value that a notable change has at least."""


@dataclass(frozen=True, slots=True)
class Window:
    """Some days.

    Attributes:
        first: day of it.
        last: day of it, included.
        days: of them with a value.
        per_day: their mean; None without any.
    """

    first: date
    last: date
    days: int
    per_day: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A window and the one before it.

    Attributes:
        now: the later one.
        before: the earlier one.
        change: of the value a day, as a part of the earlier one; None when that is 0 or one of them has no value.
        score: the difference in standard errors; None with fewer than two values in either.
        notable: whether it is more than the days vary, and at least `LEAST_CHANGE`.
    """

    now: Window
    before: Window
    change: float | None
    score: float | None
    notable: bool


def compare(
    days: Sequence[date],
    values: Sequence[float | None],
    *,
    last: date,
    now: int = 7,
    before: int = 30,
    counts: bool = True,
) -> Comparison:
    """The `now` days up to `last` against the `before` days ahead of them.

    Args:
        days: one a value, in any order.
        values: None where there is none.
        counts: of events, whose chance alone makes a day vary by the root of its value: a change from one to three is
            none.

    Raises:
        ValueError: a window has no days, or there are not as many days as values.
    """
    if now < 1 or before < 1 or len(days) != len(values):
        raise ValueError("a window has a day at least, and there is one day a value")
    start = last - timedelta(days=now - 1)
    later = _in(days, values, start, last)
    earlier = _in(days, values, start - timedelta(days=before), start - timedelta(days=1))
    window = Window(start, last, len(later), _mean(later))
    reference = Window(start - timedelta(days=before), start - timedelta(days=1), len(earlier), _mean(earlier))
    if window.per_day is None or reference.per_day is None:
        return Comparison(window, reference, None, None, notable=False)
    change = window.per_day / reference.per_day - 1 if reference.per_day else None
    score = _score(later, earlier, counts=counts)
    large = change is None or abs(change) >= LEAST_CHANGE
    return Comparison(window, reference, change, score, notable=score is not None and abs(score) >= NOTABLE and large)


def _in(days: Sequence[date], values: Sequence[float | None], first: date, last: date) -> list[float]:
    return [value for day, value in zip(days, values, strict=True) if value is not None and first <= day <= last]


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _score(later: list[float], earlier: list[float], *, counts: bool) -> float | None:
    """Welch's statistic; the variance of a day is never taken to be less than that of chance."""
    if len(later) < 2 or len(earlier) < 2:
        return None
    error = 0.0
    for values in (later, earlier):
        chance = max(float(np.mean(values)), 1.0) if counts else 0.0
        error += max(float(np.var(values, ddof=1)), chance) / len(values)
    difference = float(np.mean(later) - np.mean(earlier))
    if error == 0.0:
        return None if difference == 0.0 else float(np.copysign(np.inf, difference))
    return difference / float(np.sqrt(error))
