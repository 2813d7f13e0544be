"""Windows of different length compared a day at a time."""

from datetime import date, timedelta

import pytest

from seezar.analytics.windows import compare

LAST = date(2026, 11, 22)


def series(*values: float | None) -> tuple[list[date], list[float | None]]:
    """The last value is that of `LAST`."""
    return [LAST - timedelta(days=len(values) - 1 - index) for index in range(len(values))], list(values)


def test_seven_days_against_thirty() -> None:
    days, values = series(*([100.0, 104.0, 96.0] * 10), *([150.0] * 7))
    found = compare(days, values, last=LAST)
    assert (found.now.days, found.before.days) == (7, 30)
    assert (found.now.first, found.before.first) == (date(2026, 11, 16), date(2026, 10, 17))
    assert found.now.per_day == 150
    assert found.change == pytest.approx(0.5)
    assert found.notable


def test_what_varies_is_not_notable() -> None:
    days, values = series(*([80.0, 120.0] * 15), *([120.0, 80.0, 120.0, 80.0, 120.0, 80.0, 115.0]))
    assert not compare(days, values, last=LAST).notable
    # Chance alone makes ones and threes of the same thing.
    days, values = series(*([1.0] * 30), *([2.0] * 7))
    found = compare(days, values, last=LAST)
    assert found.change == pytest.approx(1.0)
    assert not found.notable


def test_small_changes_of_quiet_amounts_are_not_notable() -> None:
    days, values = series(*([1000.0, 1001.0] * 15), *([1020.0] * 7))
    found = compare(days, values, last=LAST, counts=False)
    assert found.score is not None
    assert found.score > 3
    assert not found.notable


def test_missing_days_do_not_count_as_none() -> None:
    days, values = series(*([100.0] * 30), None, None, 100.0, None, 100.0, None, 100.0)
    found = compare(days, values, last=LAST)
    assert (found.now.days, found.change) == (3, 0.0)


def test_nothing_before_and_nothing_now() -> None:
    days, values = series(*([0.0] * 30), *([50.0] * 7))
    found = compare(days, values, last=LAST)
    assert found.change is None
    assert found.notable
    found = compare(*series(5.0), last=LAST)
    assert (found.before.per_day, found.change, found.score, found.notable) == (None, None, None, False)
    assert compare([], [], last=LAST).now.per_day is None


def test_windows_have_days() -> None:
    with pytest.raises(ValueError, match="a day at least"):
        compare([], [], last=LAST, now=0)
