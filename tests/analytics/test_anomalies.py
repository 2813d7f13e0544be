"""What is out of line is found, what only varies is not, and the reason says why."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.data import DASHBOARDS
from playground.series import NOISES, planted
from seezar.analytics.anomalies import LEAST_DAYS, anomalies

FIRST = date(2026, 1, 5)


def days(length: int) -> list[date]:
    return [FIRST + timedelta(days=day) for day in range(length)]


def found(values: Sequence[float | None], *, counts: bool = True) -> list[int]:
    return [(each.day - FIRST).days for each in anomalies(days(len(values)), values, counts=counts)]


def test_what_was_planted_is_found_and_little_else() -> None:
    total: Counter[str] = Counter()
    for seed in range(250):
        series = planted(seed)
        told = {each.day for each in anomalies(series.days, series.values)}
        total["right"] += len(told & series.out_of_line)
        total["wrong"] += len(told - series.out_of_line)
        total["missed"] += len(series.out_of_line - told)
    precision = total["right"] / (total["right"] + total["wrong"])
    recall = total["right"] / (total["right"] + total["missed"])
    assert precision >= 0.95
    assert recall >= 0.95
    assert {planted(seed).noise for seed in range(250)} == set(NOISES)


def test_the_day_of_the_outage_of_the_demo() -> None:
    daily = DASHBOARDS["totp"].daily
    (outage,) = anomalies(days(len(daily)), daily)
    assert outage.value == 18_604
    assert outage.score < -5
    assert 30_000 < outage.low < 50_000 < outage.expected < outage.high
    assert outage.reason.startswith("18,604 is below the ")
    assert outage.reason.endswith("12.5 robust deviations (median), of which 5 are too many")


def test_weekends_are_no_anomalies() -> None:
    weeks: list[float | None] = [1000, 1010, 990, 1005, 995, 400, 380] * 5
    assert found(weeks) == []
    # A working day like a Sunday is one, and so is the other way about.
    assert found([*weeks[:16], 390, *weeks[17:]]) == [16]
    assert found([*weeks[:19], 1000, *weeks[20:]]) == [19]
    last = anomalies(days(35), [*weeks[:16], 390, *weeks[17:]])[0]
    assert last.method == "median by weekday"


def test_small_counts_are_chance() -> None:
    assert found([1, 0, 2, 1, 1, 0, 1, 3, 1, 0, 1, 4]) == []
    assert found([0] * 30 + [3]) == []
    assert found([0] * 30 + [60]) == [30]


def test_a_trend_is_no_anomaly() -> None:
    assert found([100 + 10 * day for day in range(40)]) == []
    assert found([*(100 + 10 * day for day in range(39)), 100]) == [39]


def test_a_quiet_series_may_move_a_little() -> None:
    assert found([1_000_000.0] * 20 + [1_040_000.0], counts=False) == []
    assert found([1_000_000.0] * 20 + [1_400_000.0], counts=False) == [20]


def test_amounts_may_be_negative() -> None:
    assert found([-5.0, -5.2, -4.9, -5.1, -5.0, -4.8, -5.1, -5.0, -5.2, 20.0], counts=False) == [9]
    assert found([-5.0, -5.2, -4.9, -5.1, -5.0, -4.8, -5.1, -5.0, -5.2, 20.0]) == [9]


@pytest.mark.parametrize("length", range(LEAST_DAYS))
def test_too_little_says_nothing(length: int) -> None:
    assert found([1.0] * (length - 1) + [1_000_000.0] if length else []) == []


def test_gaps_are_gaps() -> None:
    values: list[float | None] = [100, None, 101, 99, None, 102, 98, 100, 101, float("nan"), 99, 500]
    assert found(values) == [11]


def test_days_must_ascend() -> None:
    with pytest.raises(ValueError, match="ascend"):
        anomalies([FIRST, FIRST], [1, 2])
    with pytest.raises(ValueError, match="ascend"):
        anomalies([FIRST], [1, 2])


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)), max_size=60), st.booleans())
def test_any_series_is_judged(values: list[float | None], counts: bool) -> None:
    for each in anomalies(days(len(values)), values, counts=counts):
        assert each.reason
