"""The customers of the analytics site: what each of them did, day by day, and which of them are in trouble.

Nobody draws these numbers anew: they follow from the day alone, so that tests, evals and people have the same truth.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Literal

import numpy as np

type Trouble = Literal["drop", "stopped", "spike", "decline", "errors"]

DAYS = 60
"""Days that the site shows; the last of them is yesterday."""
ERRORS = "Error raised"
_EVENTS = (
    "Page viewed",
    "Report opened",
    "Search run",
    "Export created",
    "Invite sent",
    "Invoice paid",
    "Comment added",
    "Webhook delivered",
)
_NAMES = (
    *("Northwind", "Alder & Finch", "Bluepeak Outdoors", "Cobalt Dental", "Driftwood Books", "Eastgate Motors"),
    *("Fernhill Dairy", "Granite Insurance", "Harrow Optics", "Ironbark Timber", "Jasper Hotels", "Kingfisher Rail"),
    *("Larkspur Schools", "Moorland Energy", "Nettle Skincare", "Oakmere Bank", "Pinecrest Clinics", "Quayside Fish"),
    *("Redfern Tools", "Saltmarsh Brewing", "Thornbury Law", "Umberfield Farms", "Valewood Homes", "Wrenfield Post"),
    *("Yarrow Pharmacy", "Zephyr Cargo", "Ashdown Cycles", "Bramley Catering", "Calder Steel", "Dovecote Linen"),
    *("Elmsworth Paint", "Foxglove Florists", "Glenburn Gas", "Hawthorn Press", "Inverlea Ferries", "Juniper Lane"),
    *("Kelso Woollens", "Linden Software", "Maplewick Toys", "Newbridge Water", "Orchid Airways", "Penrose Museums"),
    *("Quillon Games", "Rosedale Bakery", "Sedgeway Buses", "Tamarind Spices", "Underhill Mining", "Violet Studios"),
)
_PLANS = ("Enterprise", "Growth", "Starter")
_COUNTRIES = ("Germany", "France", "Ireland", "Portugal", "Sweden", "Poland")

TROUBLES: dict[str, Trouble] = {
    "Northwind": "spike",
    "Harrow Optics": "drop",
    "Moorland Energy": "stopped",
    "Thornbury Law": "decline",
    "Zephyr Cargo": "errors",
    "Glenburn Gas": "drop",
    "Newbridge Water": "spike",
    "Quillon Games": "decline",
}
"""The customers that need attention, and why; the others vary by chance, by the week, or grow slowly."""

_TINY = frozenset({"Nettle Skincare", "Dovecote Linen", "Violet Studios"})
# Of large customers: what they are off by is no chance.
_LARGE = (2_500, 40_000)
_SMALL = (300, 2_500)


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer, as the site shows it.

    Attributes:
        name: of it.
        slug: its name in addresses.
        plan: what it pays for.
        country: where it is.
        since: its first day.
        revenue: monthly, euros and cents.
        counts: of each event, one a day, `DAYS` of them, oldest first.
    """

    name: str
    slug: str
    plan: str
    country: str
    since: date
    revenue: Decimal
    counts: dict[str, tuple[int, ...]]

    def total(self, days: int, event: str | None = None) -> int:
        """Events of the last `days` days; of one kind, or of all."""
        chosen = self.counts.values() if event is None else [self.counts[event]]
        return sum(sum(each[-days:]) for each in chosen)

    def daily(self) -> tuple[int, ...]:
        """All events, one a day."""
        return tuple(map(sum, zip(*self.counts.values(), strict=True)))

    def top(self, days: int) -> list[tuple[str, int]]:
        """The events of the last `days` days, the most frequent first."""
        return sorted(((event, self.total(days, event)) for event in self.counts), key=lambda each: -each[1])


@lru_cache(maxsize=8)
def customers(today: date) -> tuple[Customer, ...]:
    """All of them as they are on `today`, whose own events are not counted yet."""
    return tuple(_customer(number, name, today) for number, name in enumerate(_NAMES))


def days(today: date) -> tuple[date, ...]:
    """The days that are shown, oldest first."""
    return tuple(today - timedelta(days=DAYS - index) for index in range(DAYS))


def _customer(number: int, name: str, today: date) -> Customer:
    dice = np.random.default_rng(4_100 + number)
    low, high = (8, 30) if name in _TINY else _LARGE if name in TROUBLES or number % 3 == 0 else _SMALL
    level = float(np.exp(dice.uniform(np.log(low), np.log(high))))
    weekend = float(dice.uniform(0.35, 0.6)) if dice.random() < 0.5 else 1.0
    growth = float(dice.uniform(-0.02, 0.04))
    chosen = [*dice.choice(_EVENTS, 5, replace=False).tolist(), ERRORS]
    shares = np.sort(dice.dirichlet([2.0] * 5))[::-1] * 0.97
    noise = dice.gamma(400, 1 / 400, DAYS)
    at = np.arange(DAYS)
    week = np.array([weekend if day.weekday() >= 5 else 1.0 for day in days(today)])
    shape = level * (1 + growth * at / DAYS) * week * noise
    trouble = TROUBLES.get(name)
    counts: dict[str, tuple[int, ...]] = {}
    for event, share in zip(chosen, [*shares.tolist(), 0.03], strict=True):
        expected = _troubled(shape * share, trouble, errors=event == ERRORS)
        counts[event] = tuple(int(each) for each in dice.poisson(expected))
    return Customer(
        name=name,
        slug=name.lower().replace(" & ", "-").replace(" ", "-"),
        plan=_PLANS[0] if level > _LARGE[0] else _PLANS[1 + number % 2],
        country=_COUNTRIES[int(dice.integers(len(_COUNTRIES)))],
        since=date(2019, 1, 1) + timedelta(days=int(dice.integers(2_400))),
        revenue=Decimal(int(dice.integers(9_900, 1_950_000))) / 100,
        counts=counts,
    )


def _troubled(expected: np.ndarray, trouble: Trouble | None, *, errors: bool) -> np.ndarray:
    changed = expected.copy()
    match trouble:
        case "drop":
            changed[-1] *= 0.3
        case "stopped":
            changed[-3:] = 0
        case "spike":
            changed[-2] *= 2.4
        case "decline":
            changed[-7:] *= 0.55
        case "errors" if errors:
            changed[-7:] *= 5
        case _:
            pass
    return changed
