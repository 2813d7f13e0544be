"""Finding the rows of a schema among what a page shows: its tables, its definition lists, the JSON it was answered.

A source fits when every required field has a column of its own; the one with the most fields wins, a JSON response
before a table before a list. Two that fit equally well and say different things are nobody's to choose between.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal

from seezar.extraction.fields import Field

type SourceKind = Literal["response", "table", "definitions", "selectors", "file", "answer"]

_ORDER: dict[str, int] = {"selectors": 0, "file": 0, "response": 1, "table": 2, "definitions": 3, "answer": 4}
# What a header says of its unit, as in "Errors [%]".
_BRACKETED = re.compile(r"[(\[]([^()\[\]]{1,24})[)\]]\s*$")
_WORDS = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one place.

    Attributes:
        text: as it is shown.
        href: where a link in it leads, absolute.
        value: what a JSON response has there: a number, a boolean, a text; None when it came from the page itself.
        time: of a `time` element its machine-readable moment.
    """

    text: str
    href: str = ""
    value: int | Decimal | bool | str | None = None
    time: str = ""


@dataclass(frozen=True)
class Source:
    """Rows that stand on a page.

    Attributes:
        kind: what they are written as.
        where: CSS path of the element, or address and path of the JSON.
        caption: what the page calls them.
        headers: one a column.
        rows: cells, one a column, None where a row has none.
    """

    kind: SourceKind
    where: str
    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Cell | None, ...], ...]


@dataclass(frozen=True)
class Match:
    """A source, and which of its columns are which fields."""

    source: Source
    columns: dict[str, int] = field(default_factory=dict[str, int])

    def cells(self, name: str) -> list[Cell | None]:
        """The cells of a field, row by row."""
        column = self.columns.get(name)
        if column is None:
            return [None] * len(self.source.rows)
        return [row[column] if column < len(row) else None for row in self.source.rows]

    def header(self, name: str) -> str:
        """What the page calls a field; empty when it has no such column."""
        column = self.columns.get(name)
        return "" if column is None else self.source.headers[column]


@dataclass(frozen=True)
class Unclear:
    """Several sources fit equally well; their captions and places."""

    places: tuple[str, ...]


def choose(sources: Sequence[Source], fields: Sequence[Field], *, caption: str = "") -> Match | Unclear | None:
    """The source that has the rows of `fields`, None when none has.

    Args:
        caption: what the page calls the right one; empty for any.
    """
    wanted = [source for source in sources if not caption or plain(caption) in plain(source.caption)]
    matches = [match for source in wanted if (match := fit(source, fields)) is not None]
    if not matches:
        return None
    best = max(len(match.columns) for match in matches)
    matches = [match for match in matches if len(match.columns) == best]
    # An empty table is the answer only where nothing else is.
    matches = sorted([m for m in matches if m.source.rows] or matches, key=lambda m: _ORDER[m.source.kind])
    first = matches[0]
    rivals = [m for m in matches if m.source.kind == first.source.kind and not _same(m, first, fields)]
    if rivals:
        return Unclear(tuple(m.source.caption or m.source.where for m in (first, *rivals)))
    return first


def fit(source: Source, fields: Sequence[Field]) -> Match | None:
    """Which columns of `source` are which fields; None when a required one is missing.

    A column whose header is a label of the field comes before one that only has the words of it.
    """
    columns: dict[str, int] = {}
    headers = [plain(header) for header in source.headers]
    for exact in (True, False):
        for each in fields:
            if each.name in columns:
                continue
            found = [
                index
                for index, header in enumerate(headers)
                if index not in columns.values() and any(_named(header, plain(label), exact) for label in each.labels)
            ]
            if len(found) == 1:
                columns[each.name] = found[0]
            elif found and exact:
                # The same header twice: which one it is, nobody can tell.
                return None
    if not columns or any(each.required and each.name not in columns for each in fields):
        return None
    return Match(source, columns)


def plain(header: str) -> str:
    """A header as words in lower case: without marks of sorting, units in brackets and the writing of programs."""
    text = _BRACKETED.sub("", header.strip())
    words = _WORDS.findall(_CAMEL.sub(" ", text).replace("_", " "))
    return " ".join(words).casefold()


def bracketed(header: str) -> str:
    """What a header says in brackets at its end, most often a unit."""
    found = _BRACKETED.search(header.strip())
    return found[1].strip() if found else ""


def _named(header: str, label: str, exact: bool) -> bool:
    if not header or not label:
        return False
    if exact:
        return header == label
    one, other = set(header.split()), set(label.split())
    return one < other or other < one


def _same(one: Match, other: Match, fields: Sequence[Field]) -> bool:
    """Whether two matches say the same of every field."""
    return all(
        [cell and cell.text for cell in one.cells(each.name)] == [cell and cell.text for cell in other.cells(each.name)]
        for each in fields
    )


def of_page(found: dict[str, Any]) -> list[Source]:
    """The sources that `sources.js` has collected."""
    return [
        Source(
            source["kind"],
            source["where"],
            source["caption"],
            tuple(source["headers"]),
            tuple(tuple(None if cell is None else _cell(cell) for cell in row) for row in source["rows"]),
        )
        for source in found["sources"]
    ]


def _cell(cell: dict[str, str]) -> Cell:
    return Cell(cell["text"], cell.get("href", ""), None, cell.get("time", ""))


def redacted(source: Source, redact: Callable[[str], str]) -> Source:
    """`source` with every text through the redaction gate."""

    def clean(cell: Cell | None) -> Cell | None:
        if cell is None:
            return None
        value = redact(cell.value) if isinstance(cell.value, str) else cell.value
        return replace(cell, text=redact(cell.text), href=redact(cell.href), value=value)

    rows = tuple(tuple(clean(cell) for cell in row) for row in source.rows)
    headers = tuple(redact(header) for header in source.headers)
    return replace(source, caption=redact(source.caption), headers=headers, rows=rows)
