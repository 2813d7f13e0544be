"""Series of daily counts of which it is known which days are out of line: five kinds of noise, trends, weeks.

A day that is out of line is off by half of what was to be expected, by ten standard deviations of the noise, or by ten
of chance alone, whichever is most.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np

type Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]
type Noise = Literal["poisson", "normal", "lognormal", "gamma", "laplace"]

NOISES: tuple[Noise, ...] = ("poisson", "normal", "lognormal", "gamma", "laplace")
FIRST_DAY = date(2026, 1, 5)


@dataclass(frozen=True)
class Planted:
    """A series.

    Attributes:
        days: without a gap.
        values: whole numbers, 0 or more.
        out_of_line: the days that are, up to two.
        noise: of the others.
    """

    days: tuple[date, ...]
    values: tuple[float, ...]
    out_of_line: frozenset[date]
    noise: Noise


def planted(seed: int) -> Planted:
    """The series of a seed: 14 to 90 days of 30 to 50,000 events, the noise in turn."""
    dice = np.random.default_rng(seed)
    noise = NOISES[seed % len(NOISES)]
    length = int(dice.integers(14, 91))
    at = np.arange(length)
    base: Numbers = np.full(length, float(np.exp(dice.uniform(np.log(30), np.log(50_000)))))
    if dice.random() < 0.5:
        base *= 1 + dice.uniform(-0.3, 0.6) * at / length
    if length >= 28 and dice.random() < 0.6:
        base[at % 7 >= 5] *= dice.uniform(0.4, 0.8)
    values: Numbers = np.rint(np.maximum(_NOISE[noise](base, dice), 0))
    spread = float(np.std(values / base - 1))
    wrong = dice.choice(length, int(dice.integers(0, 3)), replace=False)
    for index in wrong:
        off = max(0.5, 10 * spread, 10 / float(np.sqrt(base[index])))
        up = dice.random() < 0.6 or off >= 1
        values[index] = np.rint(base[index] * (1 + off if up else 1 - off))
    days = tuple(FIRST_DAY + timedelta(days=day) for day in range(length))
    return Planted(days, tuple(values.tolist()), frozenset(days[index] for index in wrong), noise)


def _normal(base: Numbers, dice: np.random.Generator) -> Numbers:
    return base * (1 + dice.normal(0, dice.uniform(0.02, 0.12), len(base)))


def _lognormal(base: Numbers, dice: np.random.Generator) -> Numbers:
    return base * np.exp(dice.normal(0, dice.uniform(0.03, 0.15), len(base)))


def _gamma(base: Numbers, dice: np.random.Generator) -> Numbers:
    # Counts that vary more than chance alone would have them.
    return dice.poisson(base * dice.gamma(60, 1 / 60, len(base))).astype(float)


def _laplace(base: Numbers, dice: np.random.Generator) -> Numbers:
    return base * (1 + dice.laplace(0, dice.uniform(0.02, 0.06), len(base)))


def _poisson(base: Numbers, dice: np.random.Generator) -> Numbers:
    return dice.poisson(base).astype(float)


_NOISE: dict[Noise, Callable[[Numbers, np.random.Generator], Numbers]] = {
    "poisson": _poisson,
    "normal": _normal,
    "lognormal": _lognormal,
    "gamma": _gamma,
    "laplace": _laplace,
}
