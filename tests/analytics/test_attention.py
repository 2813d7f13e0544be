"""What needs attention: the customers of the playground that misbehave on purpose, and nobody else."""

from datetime import date, timedelta

import pytest

from playground.customers import TROUBLES, customers, days
from seezar.analytics.attention import Observation, alerts, series_of

TODAY = date(2026, 11, 24)


def observed(today: date, *, without: str = "", until: date | None = None) -> list[Observation]:
    """Every count of the playground; of the customer `without` only those up to `until`."""
    return [
        Observation(each.name, event, day, float(count))
        for each in customers(today)
        for event, counts in each.counts.items()
        for day, count in zip(days(today), counts, strict=True)
        if each.name != without or until is None or day <= until
    ]


@pytest.mark.parametrize("shift", range(0, 70, 7))
def test_those_that_misbehave_are_told_and_no_other(shift: int) -> None:
    found = alerts(series_of(observed(TODAY + timedelta(days=shift))))
    assert {alert.item for alert in found} == set(TROUBLES)
    assert [alert.score for alert in found] == sorted((alert.score for alert in found), reverse=True)


def test_a_part_that_accounts_for_a_change_is_named() -> None:
    found = {alert.item: alert for alert in alerts(series_of(observed(TODAY)))}
    assert "“Error raised”" in found["Zephyr Cargo"].reason


def test_who_has_fallen_silent_is_told() -> None:
    found = alerts(series_of(observed(TODAY, without="Jasper Hotels", until=TODAY - timedelta(days=9))))
    silent = [alert for alert in found if alert.kind == "silent"]
    assert [(alert.item, alert.reason.partition(",")[0]) for alert in silent] == [
        ("Jasper Hotels", "Nothing since 15 Nov 2026")
    ]


def test_small_counts_are_no_anomalies() -> None:
    counts = [1, 0, 2, 1, 0, 1, 3, 1, 0, 1, 2, 1, 1, 0, 1, 2, 0, 1, 1, 1, 0, 4, 0, 1]
    seen = [Observation("Tiny", "", TODAY + timedelta(days=n), float(count)) for n, count in enumerate(counts)]
    assert alerts(series_of(seen)) == []


def test_days_of_which_nothing_is_known_are_no_zeros() -> None:
    seen = [Observation("A", "x", TODAY + timedelta(days=n), 500.0 + n) for n in range(40) if n not in (36, 37)]
    assert alerts(series_of(seen)) == []
    assert series_of(seen)["A", ""].values[36] is None


def test_nothing_observed_needs_nothing() -> None:
    assert alerts(series_of([])) == []
