"""Rows as files for other programs: CSV, JSON (one object a line), Parquet. Written portion by portion."""

import csv
import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, TextIO, get_args

from seezar.errors import InvalidInput
from seezar.extraction.definitions import Definition
from seezar.extraction.fields import Kind
from seezar.extraction.history import Reader

type FileKind = Literal["csv", "json", "parquet"]

KINDS: tuple[FileKind, ...] = get_args(FileKind.__value__)
# Parquet's decimals have a fixed scale; twelve places are more than prices and rates are written with.
_PRECISION, _SCALE = 38, 12


async def export(reader: Reader, definition: Definition, path: Path, kind: FileKind) -> int:
    """Write the rows into a new file; returns how many there were.

    Numbers stay exact: decimals are text in JSON, and decimals in Parquet. Dates are ISO 8601, durations seconds.

    Raises:
        InvalidInput: a number has more digits than Parquet's decimals; the file is not written.
        OSError: it cannot be written.
    """
    if kind == "parquet":
        return await _parquet(reader, definition, path)
    count = 0
    with path.open("x", encoding="utf-8", newline="") as file:
        write = _csv(file, reader.names) if kind == "csv" else _json(file)
        async for portion in reader.portions():
            write(portion)
            count += len(portion)
    return count


def _csv(file: TextIO, names: tuple[str, ...]) -> Any:
    writer = csv.DictWriter(file, names)
    writer.writeheader()

    def write(portion: list[dict[str, Any]]) -> None:
        writer.writerows({name: plain(value) for name, value in row.items()} for row in portion)

    return write


def _json(file: TextIO) -> Any:
    def write(portion: list[dict[str, Any]]) -> None:
        for row in portion:
            file.write(json.dumps({name: plain(value) for name, value in row.items()}, ensure_ascii=False) + "\n")

    return write


def plain(value: Any) -> Any:
    """A value as JSON has it, without losing a digit."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value) if isinstance(value, Decimal) else value


async def _parquet(reader: Reader, definition: Definition, path: Path) -> int:
    # Neither has type stubs; and commands that export nothing do not wait for them.
    arrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    schema = _schema(arrow, reader.names, definition)
    count = 0
    try:
        with path.open("xb") as file, parquet.ParquetWriter(file, schema) as writer:
            async for portion in reader.portions():
                writer.write_table(arrow.Table.from_pylist(portion, schema=schema))
                count += len(portion)
    except (arrow.ArrowInvalid, OverflowError) as error:
        _unlink(path)
        raise InvalidInput(
            f"A number does not fit into Parquet: {str(error)[:200]}.",
            kept="The rows are as they were; no file was written.",
            next_step="Export as CSV or JSON, which keep every digit.",
        ) from None
    return count


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)


def _schema(arrow: Any, names: tuple[str, ...], definition: Definition) -> Any:
    of_kind: dict[Kind, Any] = {
        "text": arrow.string(),
        "integer": arrow.int64(),
        "number": arrow.decimal128(_PRECISION, _SCALE),
        "boolean": arrow.bool_(),
        "date": arrow.date32(),
        "datetime": arrow.timestamp("us", tz="UTC"),
        "duration": arrow.duration("us"),
        "link": arrow.string(),
    }
    own: dict[str, Any] = {"_page": arrow.int32(), "_position": arrow.int32(), "_read_at": of_kind["datetime"]}
    kinds = {field.name: of_kind[field.kind] for field in definition.fields}
    return arrow.schema([(name, kinds.get(name) or own.get(name) or arrow.string()) for name in names])
