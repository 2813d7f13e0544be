"""Geometry of the small bar chart on the dashboards."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, GAP = 560, 260, 8
"""Size of the drawing and the space between bars, in SVG units."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, in SVG units from the top left corner of a WIDTH by HEIGHT drawing; `days_ago` 1 is yesterday."""

    x: float
    y: float
    width: float
    height: float
    value: int
    days_ago: int


def bars(values: Sequence[int]) -> list[Bar]:
    """A bar for each value, the tallest as high as the drawing; `values` ends with yesterday and is not empty."""
    tallest = max(*values, 1)
    width = (WIDTH - GAP * (len(values) - 1)) / len(values)
    return [
        Bar(
            x=round(index * (width + GAP), 1),
            y=round(HEIGHT - HEIGHT * value / tallest, 1),
            width=round(width, 1),
            height=round(HEIGHT * value / tallest, 1),
            value=value,
            days_ago=len(values) - index,
        )
        for index, value in enumerate(values)
    ]
