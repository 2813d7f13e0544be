"""Values that are out of line with the rest of their series, each with what was expected and why it counts.

Method: a robust fit of level, trend and, where there are weeks enough, of the days of the week (medians throughout, so
that what is out of line does not bend the line), and the distance of each value from it in robust standard deviations
(1.4826 times the median absolute deviation; Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993). The slope
is that of Theil (1950) and Sen (1968). Counts are compared after Anscombe's transform 2·√(x + 3/8) (Biometrika 35,
1948), after which chance alone gives a deviation of one whatever their level: less than that is never assumed, so that
three instead of one is no alarm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

import numpy as np

type Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]

THRESHOLD = 5.0
"""Robust standard deviations from which on a value is out of line."""
LEAST_DAYS = 8
"""Values that a series must have before any of them can be judged."""
SEASON_DAYS = 21
"""Days after which the days of the week are told apart: three of each."""
LEAST_CHANGE = 0.1
"""Part of the expected value that a value must be off, however quiet the series is."""
_WEEK = 7
_MAD_TO_SIGMA = 1.4826
# Four fifths of a normal distribution are within so many standard deviations.
_NORMAL_80 = 1.2816


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One value that is out of line.

    Attributes:
        day: of the value.
        value: that stands there.
        expected: by the rest of the series.
        low: the least value that would not have been out of line.
        high: the greatest.
        score: its distance in robust standard deviations, positive above what was expected.
        method: "median" or "median by weekday".
        threshold: the score from which on a value is out of line.
    """

    day: date
    value: float
    expected: float
    low: float
    high: float
    score: float
    method: Literal["median", "median by weekday"]
    threshold: float

    @property
    def reason(self) -> str:
        """For a person."""
        side = "above" if self.score > 0 else "below"
        share = f" ({self.value / self.expected - 1:+.0%})" if self.expected else ""
        return (
            f"{shown(self.value)} is {side} the {shown(self.low)} to {shown(self.high)} expected{share}: "
            f"{abs(self.score):.1f} robust deviations ({self.method}), of which {self.threshold:g} are too many"
        )


def shown(number: float) -> str:
    """A number for people: no more places than it has weight."""
    return f"{number:,.0f}" if abs(number) >= 100 or number == int(number) else f"{number:,.3g}"


def anomalies(
    days: Sequence[date], values: Sequence[float | None], *, counts: bool = True, threshold: float = THRESHOLD
) -> list[Anomaly]:
    """The values that are out of line, in the order of the series.

    Args:
        days: ascending, one a value; days may be missing.
        values: None where there is none. Fewer than `LEAST_DAYS` of them say nothing, and nothing is found.
        counts: of events, which are never negative and vary by chance; else amounts of any kind.
        threshold: robust standard deviations from which on a value is out of line.

    Raises:
        ValueError: the days do not ascend, or there are not as many as values.
    """
    if len(days) != len(values) or any(one >= other for one, other in pairwise(days)):
        raise ValueError("days must ascend, one a value")
    there = [index for index, value in enumerate(values) if value is not None and np.isfinite(value)]
    if len(there) < LEAST_DAYS:
        return []
    at = np.array([(days[index] - days[there[0]]).days for index in there], dtype=np.float64)
    raw = np.array([values[index] for index in there], dtype=np.float64)
    counts = counts and bool((raw >= 0).all())
    seen = _stable(raw) if counts else raw
    seasonal = int(at[-1]) + 1 >= SEASON_DAYS and len(there) >= SEASON_DAYS
    fit = _fit(at, seen, seasonal=seasonal)
    rest = seen - fit
    floor = 1.0 if counts else float(np.median(np.abs(raw))) * 1e-3
    sigma = max(_spread(rest), floor, 1e-12)
    expected = _plain(fit) if counts else fit
    low, high = fit - threshold * sigma, fit + threshold * sigma
    if counts:
        low, high = _plain(low), _plain(high)
    far = np.abs(raw - expected) >= LEAST_CHANGE * np.abs(expected)
    return [
        Anomaly(
            days[there[index]],
            float(raw[index]),
            float(expected[index]),
            float(low[index]),
            float(high[index]),
            float(rest[index] / sigma),
            "median by weekday" if seasonal else "median",
            threshold,
        )
        for index in np.flatnonzero((np.abs(rest) > threshold * sigma) & far)
    ]


def _spread(rest: Numbers) -> float:
    """The robust standard deviation: of the middle half, or of the middle four fifths where the tails are heavier."""
    away = np.abs(rest - _median(rest))
    half, most = np.quantile(away, [0.5, 0.8])
    return float(max(_MAD_TO_SIGMA * half, most / _NORMAL_80))


def _stable(counts: Numbers) -> Numbers:
    return 2.0 * np.sqrt(counts + 0.375)


def _plain(stable: Numbers) -> Numbers:
    return np.maximum((np.maximum(stable, 0.0) / 2.0) ** 2 - 0.375, 0.0)


def _fit(at: Numbers, seen: Numbers, *, seasonal: bool) -> Numbers:
    """What is expected of each value by all of them: level, trend and, if told, the day of the week."""
    season = np.zeros_like(seen)
    line = _line(at, seen)
    # Trend and week are told apart by taking the one out of the other, until neither moves.
    for _ in range(3 if seasonal else 0):
        of_week = at.astype(int) % _WEEK
        rest = seen - line
        for day in range(_WEEK):
            of_day = of_week == day
            if of_day.any():
                season[of_day] = _median(rest[of_day])
        season -= _median([season[of_week == day][0] for day in range(_WEEK) if (of_week == day).any()])
        line = _line(at, seen - season)
    return line + season


def _line(at: Numbers, seen: Numbers) -> Numbers:
    """Median level and Theil–Sen slope."""
    one, other = _pairs(len(at))
    slopes = (seen[other] - seen[one]) / (at[other] - at[one])
    slope = _median(slopes)
    level = _median(seen - slope * at)
    return level + slope * at


@lru_cache(maxsize=64)
def _pairs(count: int) -> tuple[np.ndarray[Any, np.dtype[np.intp]], np.ndarray[Any, np.dtype[np.intp]]]:
    return np.triu_indices(count, 1)


def _median(values: Sequence[float] | Numbers) -> float:
    """As NumPy's, whose checks take longer than the few values here: a report asks for tens of thousands of medians."""
    ordered = np.sort(np.asarray(values))
    half = len(ordered) // 2
    return float(ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2)
