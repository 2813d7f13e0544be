"""Markdown out of names and numbers that stood on pages: nothing in a name is taken for Markdown."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime

from seezar.extraction.history import Place

_MARKS = re.compile(r"([\\`*_{}\[\]<>#|!~])")
_LONGEST = 120


def plain(name: str) -> str:
    """A name of a page, on one line, with every sign of Markdown made harmless."""
    line = " ".join(name.split())
    return _MARKS.sub(r"\\\1", line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…")


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the first column is text, the others are numbers."""
    lines = ["| " + " | ".join(headers) + " |", "| --- |" + " ---: |" * (len(headers) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def source(place: Place) -> str:
    """Where something was read, and when."""
    read = place.read_at.astimezone(UTC)
    return f"{place.url}, read {read:%d %b %Y %H:%M} UTC (run {place.run}, page {place.page})"


def span(first: date, last: date) -> str:
    """Some days."""
    return f"{first:%d %b %Y}" if first == last else f"{first:%d %b} to {last:%d %b %Y}"


def day_of(value: date | datetime) -> date:
    """The day of a moment."""
    return value.date() if isinstance(value, datetime) else value
