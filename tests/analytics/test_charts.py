"""Pictures: every format, both themes, what they show in words, and names that mean something elsewhere."""

from datetime import date, timedelta

import pytest
from selectolax.lexbor import LexborHTMLParser

from playground.data import DASHBOARDS
from seezar.analytics.anomalies import anomalies
from seezar.analytics.charts import MOST_SLICES, WIDTH, Chart, bars, pie, trend

ROWS = [(row.event, float(row.count)) for row in DASHBOARDS["totp"].events]
DAILY = DASHBOARDS["totp"].daily
DAYS = [date(2026, 11, 9) + timedelta(days=day) for day in range(len(DAILY))]
CHARTS = {
    "pie": pie("Top events", ROWS),
    "bars": bars("Top events", ROWS, unit="a day"),
    "trend": trend("Events a day", DAYS, DAILY, anomalies(DAYS, DAILY)),
}


def words(chart: Chart) -> str:
    """All text of a picture."""
    root = LexborHTMLParser(chart.draw("svg").decode()).root
    assert root is not None
    return root.text(separator="\n")


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_formats(name: str, theme: str) -> None:
    chart = CHARTS[name]
    png = chart.draw("png", theme=theme)  # pyright: ignore[reportArgumentType] - a Literal
    assert png.startswith(b"\x89PNG")
    # The width of a chat, at two pixels for one.
    assert WIDTH <= int.from_bytes(png[16:20]) <= 2.2 * WIDTH
    svg = chart.draw("svg", theme=theme)  # pyright: ignore[reportArgumentType] - a Literal
    assert (b"#0d1117" in svg) == (theme == "dark")
    assert b"@" not in svg
    # It is looked at offline, too.
    html = chart.draw("html", theme=theme)  # pyright: ignore[reportArgumentType] - a Literal
    assert b"<script" not in html
    assert b"</svg>" in html


def test_a_pie_names_its_parts() -> None:
    shown = words(CHARTS["pie"])
    assert "Payment authorised 27,391 (51%)" in " ".join(shown.split())
    assert CHARTS["pie"].text.startswith("Top events: Payment authorised")


def test_many_parts_are_one() -> None:
    chart = pie("Many", [(f"p{n}", float(100 - n)) for n in range(20)])
    rows = chart.spec["data"]["values"]
    assert len(rows) == MOST_SLICES
    assert rows[-1]["name"] == "Other"
    assert sum(row["value"] for row in rows) == sum(100 - n for n in range(20))
    assert pie("Some", [("a", 1), ("b", 0), ("c", -3)]).spec["data"]["values"][0]["label"] == "a  1 (100%)"


def test_a_trend_marks_what_is_out_of_line() -> None:
    assert "18 Nov: 18,604" in words(CHARTS["trend"])
    assert "18,604 is below the" in CHARTS["trend"].text
    assert "nothing is out of line" in trend("Quiet", DAYS, [1.0] * len(DAYS)).text


def test_names_are_only_names() -> None:
    hostile = '"}]</script><script>alert(1)</script> datum.x \\u0022'
    chart = bars(hostile, [(hostile, 1.0)])
    assert hostile in words(chart)
    for form in ("svg", "html"):
        assert b"<script>alert(1)" not in chart.draw(form)
    assert "@ink" in words(bars("x", [("@ink", 1.0)]))


@pytest.mark.parametrize(
    "draw", [lambda: pie("x", []), lambda: pie("x", [("a", 0.0)]), lambda: bars("x", []), lambda: trend("x", [], [])]
)
def test_nothing_is_not_drawn(draw: object) -> None:
    with pytest.raises(ValueError, match="needs a"):
        draw()  # pyright: ignore[reportCallIssue]
