"""Making a report: the rows, what is odd in them, the text with its sources, the pictures."""

import asyncio
import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from seezar.analytics.anomalies import anomalies, shown
from seezar.analytics.attention import BEFORE_DAYS, RECENT_DAYS, Observation, Series, alerts, series_of
from seezar.analytics.charts import Chart, bars, pie, stacked, trend
from seezar.analytics.windows import compare
from seezar.errors import SeezarError
from seezar.extraction.checkpoints import Checkpoints
from seezar.extraction.definitions import Definition
from seezar.extraction.history import History, Place
from seezar.reporting.measures import Measure, measure_of
from seezar.reporting.requests import ReportRequest
from seezar.reporting.telling import day_of, plain, source, span, table
from seezar.reports import NewFile, NewReport, Source

_MOST_TRENDS = 3
_MOST_EVIDENCE = 3
_MOST_LISTED = 50
_NEAR = 5


class ItemUnknown(SeezarError):
    """Nothing was read under this name."""

    status = "unknown_item"


class NoNumbers(SeezarError):
    """Nothing was read that a report could be made of."""

    status = "no_rows"


@dataclass(frozen=True)
class _Told:
    """What a report says: text, pictures (the first one is the main one), a table, and the items it is about."""

    title: str
    text: str
    charts: Sequence[tuple[str, Chart]]
    rows: Sequence[Sequence[object]]
    about: Sequence[str] = ()
    quotes: Mapping[str, str] = field(default_factory=dict[str, str])


class ReportMaker:
    """Makes reports of rows that are stored."""

    def __init__(self, history: History, checkpoints: Checkpoints) -> None:
        self._history = history
        self._checkpoints = checkpoints

    async def make(
        self, request: ReportRequest, definition: Definition, *, made_by: str, notes: Sequence[str] = ()
    ) -> NewReport:
        """The report that `request` asks for, of the rows as they are.

        Args:
            made_by: the run that makes it.
            notes: what its reader has to know of the rows, said first.

        Raises:
            NoNumbers: there are none.
            ItemUnknown: nothing was read under this name; the text has the nearest ones.
            InvalidInput: the extraction leaves open what is to be counted.
        """
        measure = measure_of(definition, amount=request.amount)
        columns = [measure.day, *(name for name in (measure.item, measure.part) if name)]
        sums = await self._history.sums(definition, columns, measure.amount)
        seen = [_observation(row, columns, measure) for row in sums]
        seen = [each for each in seen if each is not None]
        if not seen:
            raise NoNumbers(
                f"Nothing was read by {definition.name!r} yet.",
                kept="No report was made.",
                next_step=f"Read it: seezar extract run {definition.name}.",
            )
        places = await self._history.places(definition, measure.item) if measure.item else {}
        item = _named(request.item, {each.item for each in seen}) if request.item else ""
        # Medians of hundreds of series, and drawing, would hold up the event loop.
        told = await asyncio.to_thread(_tell, request, measure, seen, item)
        evidence = [places[name] for name in told.about if name in places]
        files = await asyncio.to_thread(_files, told)
        return NewReport(
            title=told.title,
            text="\n\n".join([*notes, told.text, _sources(evidence, definition)]),
            made_by=made_by,
            account=definition.accounts[0] if len(definition.accounts) == 1 else None,
            sources=_evidence(evidence, told.quotes),
            files=[*files, *await self._pictures(evidence)],
        )

    async def _pictures(self, evidence: Iterable[Place]) -> list[NewFile]:
        """The pages that the first items were read from, as they looked."""
        found: list[NewFile] = []
        for number, place in enumerate(list(evidence)[:_MOST_EVIDENCE], 1):
            picture = await self._checkpoints.picture(place.run, place.page)
            if picture is not None:
                found.append(NewFile(f"page-{number}.jpg", "image/jpeg", picture))
        return found


def _observation(row: tuple[Any, ...], columns: Sequence[str], measure: Measure) -> Observation | None:
    values = dict(zip(columns, row, strict=False))
    if values[measure.day] is None:
        return None
    item, part = (str(values.get(name) or "") for name in (measure.item, measure.part))
    amount = row[-1]
    return Observation(item, part, day_of(values[measure.day]), None if amount is None else float(amount))


def _named(wanted: str, items: set[str]) -> str:
    """The item of this name, whatever its case; else the only one that it is a part of."""
    folded = _folded(wanted)
    exact = [item for item in items if _folded(item) == folded]
    near = exact or [item for item in items if folded in _folded(item)]
    if len(near) == 1:
        return near[0]
    import difflib

    some = sorted(near) or difflib.get_close_matches(wanted, sorted(items), n=_NEAR, cutoff=0.5)
    known = ", ".join(some[:_NEAR]) or ", ".join(sorted(items)[:_NEAR])
    what = f"Several are called like {wanted!r}" if near else f"Nothing was read about {wanted!r}"
    raise ItemUnknown(
        f"{what}.", kept="No report was made.", next_step=f"{'They are' if near else 'There are'}: {known}."
    )


def _folded(name: str) -> str:
    """A name as people tell it: "and" for "&", whatever its case."""
    return " ".join(re.sub(r"\band\b", "&", name.casefold()).replace("&", " & ").split())


def _tell(request: ReportRequest, measure: Measure, seen: Sequence[Observation], item: str) -> _Told:
    match request.kind:
        case "attention":
            return _attention(request, measure, seen)
        case "top":
            return _top(request, measure, _of(seen, item), item)
        case "compare":
            return _compare(request, measure, _of(seen, item), item)
        case "trend":
            return _trend(request, measure, _of(seen, item), item)


def _of(seen: Sequence[Observation], item: str) -> list[Observation]:
    """The observations of an item; without one, all of them as if of one."""
    if item:
        return [each for each in seen if each.item == item]
    return [Observation("", each.part, each.day, each.value) for each in seen]


def _attention(request: ReportRequest, measure: Measure, seen: Sequence[Observation]) -> _Told:
    series = series_of(seen)
    last = max(each.day for each in seen)
    found = alerts(series, counts=measure.counts)
    items = sorted({item for item, _ in series})
    what = f"{len(items)} {measure.items}"
    title = f"What needs attention on {last:%d %b %Y}"
    if not found:
        text = (
            f"None of {what} needs attention: no day of the last {RECENT_DAYS} is out of line with its series, and no"
            f" window differs notably from the {BEFORE_DAYS} days before."
        )
        return _Told(title, text, (), [("item", "part", "kind", "score", "reason")])
    lines = [
        f"{number}. **{_name(each.item, each.part)}**: {_escaped(each.reason)}."
        for number, each in enumerate(found[:_MOST_LISTED], 1)
    ]
    named = list(dict.fromkeys(each.item for each in found))
    text = f"{len(named)} of {what} need attention, the most urgent first:\n\n" + "\n".join(lines)
    if len(found) > _MOST_LISTED:
        text += f"\n\n{len(found) - _MOST_LISTED} more are in the table."
    # One picture: a chat shows one of each answer.
    trends = [
        _drawn(each.item, each.part, series[each.item, each.part], each.found, measure) for each in found[:_MOST_TRENDS]
    ]
    charts = [("chart", stacked(title, trends))]
    rows: list[Sequence[object]] = [("item", "part", "kind", "score", "reason")]
    rows += [(each.item, each.part, each.kind, round(each.score, 2), each.reason) for each in found]
    return _Told(title, text, charts, rows, named, {each.item: each.reason for each in reversed(found)})


def _top(request: ReportRequest, measure: Measure, seen: Sequence[Observation], item: str) -> _Told:
    last = max(each.day for each in seen)
    first = last - timedelta(days=request.days - 1)
    sums: dict[str, float] = {}
    for each in seen:
        if first <= each.day and each.value is not None:
            sums[each.part] = sums.get(each.part, 0.0) + each.value
    ranked = sorted(sums.items(), key=lambda each: -each[1])
    whole = sum(sums.values())
    parts = f"{_words(measure.part or measure.amount)}s"
    title = f"Top {parts} of {item or 'all'}, {span(first, last)}"
    rows = [(plain(part), shown(value), f"{value / whole:.1%}" if whole else "-") for part, value in ranked]
    text = table((_words(measure.part) or "all", _words(measure.amount), "share"), rows)
    text += f"\n\n{shown(whole)} in all, {span(first, last)} ({request.days} days)."
    drawable = [(part or "all", value) for part, value in ranked if value > 0]
    draw = pie if request.picture == "pie" else bars
    charts = [("chart", draw(title, drawable))] if drawable else []
    data: list[Sequence[object]] = [(measure.part or "part", measure.amount), *ranked]
    quotes = {item: f"{ranked[0][0]}: {shown(ranked[0][1])}"} if ranked else {}
    return _Told(title, text, charts, data, [item], quotes)


def _compare(request: ReportRequest, measure: Measure, seen: Sequence[Observation], item: str) -> _Told:
    last = max(each.day for each in seen)
    rows: list[Sequence[str]] = []
    data: list[Sequence[object]] = [("part", "now_per_day", "before_per_day", "change", "notable")]
    series = series_of(seen)
    for (_, part), each in sorted(series.items(), key=lambda each: each[0][1]):
        if not part and len(series) > 2:
            name = "all"
        elif part or len(series) == 1:
            name = part or "all"
        else:
            continue
        found = compare(
            each.days, each.values, last=last, now=request.days, before=request.before, counts=measure.counts
        )
        now, before = found.now.per_day, found.before.per_day
        change = "-" if found.change is None else f"{found.change:+.0%}"
        told = ("-" if value is None else shown(value) for value in (now, before))
        rows.append((plain(name), *told, f"**{change}**" if found.notable else change))
        data.append((name, now, before, found.change, found.notable))
    first = last - timedelta(days=request.days - 1)
    title = f"{item or 'All'}: {request.days} days against the {request.before} before, a day"
    headers = (_words(measure.part) or "all", f"{request.days} days", f"{request.before} days before", "change")
    text = f"{table(headers, rows)}\n\n{_words(measure.amount).capitalize()} a day; {span(first, last)}. What is bold"
    text += " is more than the days vary among themselves (Welch's statistic of 3 or more, and a tenth at least)."
    whole = series[item, ""]
    return _Told(title, text, [("chart", _drawn(item, "", whole, (), measure))], data, [item])


def _trend(request: ReportRequest, measure: Measure, seen: Sequence[Observation], item: str) -> _Told:
    part = _named(request.part, {each.part for each in seen}) if request.part else ""
    series = series_of(seen)[item, part]
    found = anomalies(series.days, series.values, counts=measure.counts)
    first, last = series.days[0], series.days[-1]
    title = f"{' · '.join(filter(None, (item or 'All', part)))}, {span(first, last)}"
    told = [f"- {each.day:%d %b %Y}: {_escaped(each.reason)}" for each in found]
    text = f"{_words(measure.amount).capitalize()} a day, {span(first, last)}.\n\n"
    text += "\n".join(["Out of line:", "", *told]) if told else "No day is out of line."
    data: list[Sequence[object]] = [("day", measure.amount), *zip(series.days, series.values, strict=True)]
    quotes = {item: found[-1].reason if found else "No day is out of line."}
    return _Told(title, text, [("chart", _drawn(item, part, series, found, measure))], data, [item], quotes)


def _drawn(item: str, part: str, series: Series, found: Sequence[Any], measure: Measure) -> Chart:
    title = " · ".join(filter(None, (item or "All", part))) or measure.amount
    return trend(title, series.days, series.values, found)


def _files(told: _Told) -> list[NewFile]:
    files: list[NewFile] = []
    for name, chart in told.charts:
        files.append(NewFile(f"{name}.png", "image/png", chart.draw("png")))
        files.append(NewFile(f"{name}-dark.png", "image/png", chart.draw("png", theme="dark")))
        files.append(NewFile(f"{name}.svg", "image/svg+xml", chart.draw("svg")))
        files.append(NewFile(f"{name}.html", "text/html", chart.draw("html")))
    text = io.StringIO()
    csv.writer(text).writerows(told.rows)
    return [*files, NewFile("data.csv", "text/csv", text.getvalue().encode())]


def _sources(evidence: Sequence[Place], definition: Definition) -> str:
    if not evidence:
        return f"Source: the rows of the extraction {definition.name}."
    lines = [f"- {source(place)}" for place in evidence[:_MOST_LISTED]]
    return "\n".join(["Sources:", "", *lines])


def _evidence(evidence: Sequence[Place], quotes: Mapping[str, str]) -> list[Source]:
    runs = dict.fromkeys(place.run for place in evidence)
    first = {place.run: place for place in reversed(evidence)}
    return [Source("run", run, quotes.get(first[run].item, "")[:300]) for run in runs]


def _words(name: str) -> str:
    return name.strip("_").replace("_", " ")


def _name(item: str, part: str) -> str:
    return " · ".join(filter(None, (plain(item) or "All", plain(part))))


def _escaped(reason: str) -> str:
    return reason.replace("|", "\\|").replace("<", "\\<")
