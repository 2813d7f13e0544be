"""Pictures of numbers, drawn on this machine without a browser: Vega-Lite, by vl-convert.

Made for the width of a chat (`WIDTH`), in light and dark, with labels at the marks instead of a legend where they fit.
Colours are those of Okabe and Ito (2008), told apart by people who see two colours, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from html import escape
from typing import Any, Literal, cast

from seezar.analytics.anomalies import Anomaly

type Theme = Literal["light", "dark"]
type Format = Literal["png", "svg", "html"]

WIDTH = 640
"""Pixels of a picture's width, before the two of a PNG for each."""
MOST_SLICES = 7
"""Slices of a pie; what is less than the largest of them is one slice together."""
MOST_BARS = 20
_SCALE = 2.0
_FONT = "Liberation Sans, Arial, sans-serif"
_COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999"]
_ALARM = {"light": "#C0392B", "dark": "#FF7B6B"}
_MAIN = {"light": "#0072B2", "dark": "#56B4E9"}
_INK = {"light": "#1f2328", "dark": "#e6edf3"}
_FAINT = {"light": "#d0d7de", "dark": "#3d444d"}
_PAPER = {"light": "#ffffff", "dark": "#0d1117"}
# Colours of a specification that depend on the theme.
_ROLES = {"@ink": _INK, "@alarm": _ALARM, "@main": _MAIN}
_OTHER = "Other"
_STACKED_HEIGHT = 150
# Labels of days that have room side by side.
_LABELS = 5


@dataclass(frozen=True)
class Chart:
    """A drawing as Vega-Lite, which every format is made of.

    Attributes:
        spec: Vega-Lite, version 5 or later, with its data inside.
        text: what is to be seen, for who does not see it.
    """

    spec: dict[str, Any]
    text: str
    _drawn: dict[Theme, str] = field(default_factory=dict[Theme, str], init=False, repr=False, compare=False)

    def draw(self, form: Format = "png", *, theme: Theme = "light") -> bytes:
        """The picture.

        Raises:
            ValueError: the specification cannot be drawn.
        """
        import vl_convert

        spec = {**_coloured(self.spec, theme), "config": _config(theme), "background": _PAPER[theme]}
        match form:
            case "png":
                return vl_convert.vegalite_to_png(spec, scale=_SCALE)
            case "svg":
                return self._vectors(spec, theme).encode()
            case "html":
                return self._page(self._vectors(spec, theme), theme).encode()

    def _vectors(self, spec: dict[str, Any], theme: Theme) -> str:
        import vl_convert

        # Drawn once for both of the formats that are made of it.
        if theme not in self._drawn:
            self._drawn[theme] = vl_convert.vegalite_to_svg(spec)
        return self._drawn[theme]

    def _page(self, svg: str, theme: Theme) -> str:
        """A page that shows the vectors. Vega's own page runs a script into which names of a page would be written."""
        title = escape(self.spec["title"]["text"])
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            f"<style>body{{margin:0;background:{_PAPER[theme]}}}svg{{max-width:100%;height:auto}}</style></head>"
            f'<body><figure role="img" aria-label="{escape(self.text)}">{svg}</figure></body></html>'
        )


def _coloured(spec: Any, theme: Theme) -> Any:
    """`spec` with the colours that its roles have in a theme."""
    if isinstance(spec, list):
        return [_coloured(each, theme) for each in cast("list[Any]", spec)]
    if not isinstance(spec, dict):
        return spec
    parts = cast("dict[str, Any]", spec)
    coloured = {key: _coloured(value, theme) for key, value in parts.items()}
    if (role := parts.get("color")) in tuple(_ROLES):
        coloured["color"] = _ROLES[role][theme]
    return coloured


def pie(title: str, parts: Sequence[tuple[str, float]]) -> Chart:
    """Parts of a whole, the largest first, clockwise from the top.

    Args:
        parts: name and value; what is not positive is left out. Those after the first `MOST_SLICES - 1` are one part.

    Raises:
        ValueError: no part is positive.
    """
    there = sorted(((name, value) for name, value in parts if value > 0), key=lambda part: -part[1])
    if not there:
        raise ValueError("a pie needs a part that is more than nothing")
    shown = there
    if len(there) > MOST_SLICES:
        rest = sum(value for _, value in there[MOST_SLICES - 1 :])
        shown = [*there[: MOST_SLICES - 1], (_OTHER, rest)]
    whole = sum(value for _, value in there)
    order = [f"{name}  {value:,.6g} ({value / whole:.0%})" for name, value in shown]
    rows = [
        {"name": name, "value": value, "rank": rank, "label": order[rank]} for rank, (name, value) in enumerate(shown)
    ]
    spec = {
        **_base(title, rows),
        "width": WIDTH - 330,
        "height": 280,
        "mark": {"type": "arc", "outerRadius": 130, "innerRadius": 62, "stroke": None, "padAngle": 0.012},
        "encoding": {
            "theta": {"field": "value", "type": "quantitative", "stack": True},
            "order": {"field": "rank", "type": "ordinal"},
            "color": {
                "field": "label",
                "type": "nominal",
                "sort": order,
                "scale": {"domain": order, "range": _COLOURS[: len(order)]},
                "legend": {"title": None, "orient": "right", "labelLimit": 300, "symbolType": "circle"},
            },
        },
    }
    return Chart(spec, f"{title}: " + "; ".join(order))


def bars(title: str, parts: Sequence[tuple[str, float]], *, unit: str = "") -> Chart:
    """Values beside each other, the largest first; at most `MOST_BARS` of them.

    Raises:
        ValueError: there is none.
    """
    if not parts:
        raise ValueError("a chart needs a value")
    rows = [
        {"name": name, "value": value, "label": f"{value:,.6g} {unit}".strip()}
        for name, value in sorted(parts, key=lambda part: -part[1])[:MOST_BARS]
    ]
    axis = {"title": None, "labelLimit": 190, "ticks": False, "domain": False}
    place = {"field": "name", "type": "nominal", "sort": [row["name"] for row in rows], "axis": axis}
    spec = {
        **_base(title, rows),
        "width": WIDTH - 290,
        "height": {"step": 28},
        "encoding": {"y": place, "x": {"field": "value", "type": "quantitative", "axis": None}},
        "layer": [
            {"mark": {"type": "bar", "color": "@main", "cornerRadiusEnd": 3, "height": 18}},
            {
                "mark": {"type": "text", "align": "left", "dx": 5, "color": "@ink"},
                "encoding": {"text": {"field": "label"}},
            },
        ],
    }
    return Chart(spec, f"{title}: " + "; ".join(f"{row['name']} {row['label']}" for row in rows))


def trend(
    title: str, days: Sequence[date], values: Sequence[float | None], found: Sequence[Anomaly] = (), *, unit: str = ""
) -> Chart:
    """A series of days, with the days that are out of line marked and what was expected of them.

    Args:
        values: one a day, None where there is none.
        found: of `anomalies`.

    Raises:
        ValueError: there is no value.
    """
    rows = [
        {"day": day.isoformat(), "value": value} for day, value in zip(days, values, strict=True) if value is not None
    ]
    if not rows:
        raise ValueError("a chart needs a value")
    labelled = _apart(found, days)
    marked = [
        {
            "day": each.day.isoformat(),
            "value": each.value,
            "low": each.low,
            "high": each.high,
            "label": f"{each.day:%d %b}: {each.value:,.6g}" if each.day in labelled else "",
            # Above a peak; beside a dip, where the line does not run, and inside of the picture.
            "place": "above" if each.score > 0 else "left" if each.day > days[len(days) * 3 // 4] else "right",
        }
        for each in found
    ]
    day = {
        "field": "day",
        "type": "temporal",
        "axis": {"title": None, "format": "%d %b", "labelOverlap": True, "grid": False},
    }
    height = {"field": "value", "type": "quantitative", "axis": {"title": unit or None, "format": "~s", "tickCount": 5}}
    spec = {
        **_base(title, rows),
        "width": WIDTH - 90,
        "height": 240,
        "layer": [
            {
                "mark": {"type": "line", "color": "@main", "strokeWidth": 2, "point": {"size": 24, "color": "@main"}},
                "encoding": {"x": day, "y": height},
            },
            *(_marks(marked, day) if marked else ()),
        ],
    }
    last = rows[-1]
    told = "; ".join(f"{each.day}: {each.reason}" for each in found) or "nothing is out of line"
    return Chart(spec, f"{title}: {len(rows)} days up to {last['day']} ({last['value']:,.6g}); {told}")


def _apart(found: Sequence[Anomaly], days: Sequence[date]) -> list[date]:
    """The days whose labels have room: the furthest out of line first."""
    room = max(1, len(days) // _LABELS)
    chosen: list[date] = []
    for each in sorted(found, key=lambda each: -abs(each.score)):
        if all(abs((each.day - other).days) >= room for other in chosen):
            chosen.append(each.day)
    return chosen


def stacked(title: str, charts: Sequence[Chart]) -> Chart:
    """Several drawings below each other, as one picture.

    Raises:
        ValueError: there is none.
    """
    if not charts:
        raise ValueError("there is nothing to stack")
    own = ("$schema", "padding", "height")
    parts = [{key: part for key, part in chart.spec.items() if key not in own} for chart in charts]
    parts = [{**part, "height": _STACKED_HEIGHT} for part in parts]
    spec = {key: part for key, part in _base(title, []).items() if key != "data"}
    return Chart({**spec, "vconcat": parts, "spacing": 26}, ". ".join([title, *(chart.text for chart in charts)]))


_PLACES: dict[str, dict[str, Any]] = {
    "above": {"dy": -14},
    "right": {"align": "left", "dx": 12, "dy": 4},
    "left": {"align": "right", "dx": -12, "dy": 4},
}


def _marks(marked: list[dict[str, Any]], day: dict[str, Any]) -> list[dict[str, Any]]:
    value = {"field": "value", "type": "quantitative"}
    return [
        {
            "data": {"values": marked},
            "mark": {"type": "rule", "color": "@alarm", "opacity": 0.35, "strokeWidth": 8},
            "encoding": {"x": day, "y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}},
        },
        {
            "data": {"values": marked},
            "mark": {"type": "point", "color": "@alarm", "filled": True, "size": 90, "opacity": 1},
            "encoding": {"x": day, "y": value},
        },
        *(
            {
                "data": {"values": [row for row in marked if row["place"] == place]},
                "mark": {"type": "text", "color": "@alarm", "fontWeight": "bold", **offset},
                "encoding": {"x": day, "y": value, "text": {"field": "label"}},
            }
            for place, offset in _PLACES.items()
        ),
    ]


def _base(title: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": {"text": title, "anchor": "start", "fontSize": 16, "offset": 14},
        "data": {"values": rows},
        "padding": 16,
    }


def _config(theme: Theme) -> dict[str, Any]:
    ink, faint = _INK[theme], _FAINT[theme]
    axis = {
        "labelColor": ink,
        "titleColor": ink,
        "gridColor": faint,
        "domainColor": faint,
        "tickColor": faint,
        "labelFontSize": 12,
        "titleFontSize": 12,
    }
    return {
        "font": _FONT,
        "title": {"color": ink},
        "axis": axis,
        "legend": {"labelColor": ink, "labelFontSize": 13, "rowPadding": 6},
        "text": {"fontSize": 12},
        "view": {"stroke": None},
    }
