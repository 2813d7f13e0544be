"""Rows in files that a page gives away: CSV in whatever encoding and with whatever separator, and XLSX."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from seezar.extraction.tables import Cell, Source

MAX_FILE_ROWS = 200_000
MAX_FILE_BYTES = 30_000_000
# Of an XLSX, which is a ZIP: what it may become.
_MAX_UNPACKED = 300_000_000
_SNIFFED = 20_000
_XLSX = b"PK\x03\x04"
# Sheets begin with headings: the row of headers is among the first ones.
_HEADS = 20
_COLUMNS = 200


class FileUnreadable(Exception):
    """A file that holds no rows; says why."""


def sources_of_file(content: bytes, name: str) -> list[Source]:
    """The tables in a file: each possible row of headers is the head of one.

    Args:
        name: of it; what it is, its content says.

    Raises:
        FileUnreadable: it is no CSV and no XLSX, or too large.
    """
    if len(content) > MAX_FILE_BYTES:
        raise FileUnreadable(f"The file is larger than {MAX_FILE_BYTES // 1_000_000} MB.")
    if content.startswith(_XLSX):
        return list(_workbook(content, name))
    return list(_tables(_csv(content), name, ""))


def _csv(content: bytes) -> Iterator[list[Cell | None]]:
    text = _decoded(content)
    try:
        dialect = csv.Sniffer().sniff(text[:_SNIFFED], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    try:
        for row in csv.reader(io.StringIO(text, newline=""), dialect):
            yield [Cell(cell.strip()) for cell in row[:_COLUMNS]]
    except csv.Error as error:
        raise FileUnreadable(f"The file is no CSV: {error}.") from None


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    if b"\0" in content[:_SNIFFED]:
        raise FileUnreadable("The file is binary, and no XLSX.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What spreadsheet programs of western Windows write; it has a letter for nearly every byte.
        return content.decode("cp1252", "replace")


def _workbook(content: bytes, name: str) -> Iterator[Source]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > _MAX_UNPACKED:
                raise FileUnreadable("The workbook is too large when it is unpacked.")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        for sheet in book.worksheets:
            rows = sheet.iter_rows(values_only=True, max_col=_COLUMNS)
            yield from _tables(([_cell(value) for value in row] for row in rows), name, sheet.title)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        raise FileUnreadable(f"The file is no workbook ({type(error).__name__}).") from None


def _cell(value: Any) -> Cell | None:
    match value:
        case None:
            return None
        case bool():
            return Cell("true" if value else "false", value=value)
        case int():
            return Cell(str(value), value=value)
        case float():
            # As the sheet shows it: the shortest text that is the same number.
            exact = Decimal(repr(value))
            return Cell(str(exact), value=exact)
        case datetime() | date():
            return Cell(value.isoformat(), time=value.isoformat())
        case time() | timedelta():
            return Cell(str(value))
        case _:
            return Cell(str(value).strip())


def _tables(rows: Iterable[Sequence[Cell | None]], name: str, sheet: str) -> Iterator[Source]:
    there = [tuple(row) for row in islice(rows, MAX_FILE_ROWS + 1) if any(cell and cell.text for cell in row)]
    if len(there) > MAX_FILE_ROWS:
        raise FileUnreadable(f"The file has more than {MAX_FILE_ROWS:,} rows.")
    widest = max((len(row) for row in there), default=0)
    where = f"{name} {sheet}".strip()
    for number, row in enumerate(there[:_HEADS]):
        headers = [cell.text if cell else "" for cell in row]
        if sum(1 for header in headers if header) >= min(2, widest):
            headers += [""] * (widest - len(headers))
            yield Source("file", where, sheet or name, tuple(headers), tuple(there[number + 1 :]))
