"""Rows of values, each with where it comes from, out of a match of a page's source with the fields of a schema."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from seezar.extraction.columns import Reading, Value, read_column
from seezar.extraction.fields import Field
from seezar.extraction.problems import Problem
from seezar.extraction.tables import Cell, Match, bracketed

# Moments as programs count them, in seconds or milliseconds since 1970, between 2001 and 2286.
_EPOCH_S = range(10**9, 10**10)
_EPOCH_MS = range(10**12, 10**13)


@dataclass(frozen=True)
class Row:
    """One row that was read.

    Attributes:
        position: in its source, from 0.
        values: of the fields, by name; None where nothing stands.
        problems: of the fields that have no value because of them.
    """

    position: int
    values: dict[str, Value]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Rows:
    """What was read of one page.

    Attributes:
        good: rows with every required field.
        bad: rows that lack a required field or hold what the schema forbids; none of their values is used.
        absent: optional fields that the page has no column for.
    """

    good: tuple[Row, ...]
    bad: tuple[Row, ...]
    absent: tuple[str, ...]


def rows_of(match: Match, fields: Sequence[Field], reading: Reading) -> Rows:
    """The rows of a match. An optional value that cannot be read is left out, and its problem told."""
    columns = {each.name: _column(match, each, reading) for each in fields}
    good: list[Row] = []
    bad: list[Row] = []
    for position in range(len(match.source.rows)):
        found = {name: column[position] for name, column in columns.items()}
        problems = tuple(value for value in found.values() if isinstance(value, Problem))
        values = {name: None if isinstance(value, Problem) else value for name, value in found.items()}
        if all(value is None for value in values.values()):
            # A line that only parts others.
            if problems and any(problem.text for problem in problems):
                bad.append(Row(position, values, problems))
            continue
        lost = {problem.field for problem in problems}
        fatal = any(each.required and each.name in lost for each in fields)
        (bad if fatal else good).append(Row(position, values, problems))
    absent = tuple(each.name for each in fields if each.name not in match.columns)
    return Rows(tuple(good), tuple(bad), absent)


def _column(match: Match, field: Field, reading: Reading) -> list[Value | Problem]:
    cells = match.cells(field.name)
    texts = [_text(cell, field) for cell in cells]
    values = read_column(texts, field, reading, unit=bracketed(match.header(field.name)))
    return [
        _exact(cell, field, value) if cell is not None and cell.value is not None else value
        for cell, value in zip(cells, values, strict=True)
    ]


def _text(cell: Cell | None, field: Field) -> str | None:
    if cell is None:
        return None
    if field.kind == "link":
        return cell.href or cell.text
    if field.kind in ("date", "datetime") and cell.time:
        return cell.time
    return cell.text


def _exact(cell: Cell, field: Field, read: Value | Problem) -> Value | Problem:
    """What JSON says without words: numbers need no reading, and moments may be counted."""
    value = cell.value
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return read
    if field.kind in ("date", "datetime") and isinstance(value, int):
        seconds = value if value in _EPOCH_S else value / 1000 if value in _EPOCH_MS else None
        if seconds is not None:
            moment = datetime.fromtimestamp(seconds, UTC)
            return moment if field.kind == "datetime" else moment.date()
    if field.kind == "number":
        # Its writing is that of JSON, whatever the locale of the page.
        return Decimal(value) if isinstance(read, Decimal | Problem) and _only_writing(read) else read
    return read


def _only_writing(read: Decimal | Problem) -> bool:
    return isinstance(read, Decimal) or read.trouble in ("ambiguous", "unreadable")
