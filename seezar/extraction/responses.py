"""Rows in the JSON that a page was answered: arrays of objects, however deep, and single objects.

Numbers stay exact (decimals as they were written). Of nested objects the names of the keys are joined with a point.
"""

import json
from collections.abc import Iterator
from decimal import Decimal

from seezar.extraction.tables import Cell, Source

type Plain = str | int | Decimal | bool | None
type Json = Plain | list[Json] | dict[str, Json]

MAX_BYTES = 5_000_000
MAX_ROWS = 10_000
# How deep lists are looked for, and how deep the objects of a row are flattened.
_DEPTH = 8
_NESTED = 3
_COLUMNS = 200


def sources_of(body: bytes, url: str) -> list[Source]:
    """What a JSON response holds in rows; nothing when it is no JSON or larger than `MAX_BYTES`.

    Args:
        url: where it came from, without what may be secret in it.
    """
    if len(body) > MAX_BYTES:
        return []
    try:
        found: Json = json.loads(body, parse_float=Decimal, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return []
    return list(_sources(found, url, "$", 0))


def _sources(found: Json, url: str, path: str, depth: int) -> Iterator[Source]:
    if depth > _DEPTH:
        return
    if isinstance(found, list):
        there = found[:MAX_ROWS]
        objects = [each for each in there if isinstance(each, dict)]
        if objects and len(objects) == len(there):
            yield _table(objects, url, f"{path}[*]")
        for index, each in enumerate(objects[:20]):
            for key, inner in each.items():
                if isinstance(inner, list):
                    yield from _sources(inner, url, f"{path}[{index}].{key}", depth + 1)
    elif isinstance(found, dict):
        if any(not isinstance(value, list | dict) for value in found.values()):
            flat = _flat(found)
            yield Source("response", f"{url} {path}", path, tuple(flat), (tuple(_cell(v) for v in flat.values()),))
        for key, inner in found.items():
            if isinstance(inner, list | dict):
                yield from _sources(inner, url, f"{path}.{key}", depth + 1)


def _table(objects: list[dict[str, Json]], url: str, path: str) -> Source:
    rows = [_flat(each) for each in objects]
    headers = tuple(dict.fromkeys(key for row in rows for key in row))[:_COLUMNS]
    cells = tuple(tuple(_cell(row[key]) if key in row else None for key in headers) for row in rows)
    return Source("response", f"{url} {path}", path, headers, cells)


def _flat(found: dict[str, Json], before: str = "", depth: int = 0) -> dict[str, Plain]:
    flat: dict[str, Plain] = {}
    for key, value in found.items():
        name = f"{before}{key}"
        if isinstance(value, dict):
            if depth < _NESTED:
                flat |= _flat(value, f"{name}.", depth + 1)
        elif not isinstance(value, list):
            flat[name] = value
    return flat


def _cell(value: Plain) -> Cell | None:
    if value is None:
        return None
    return Cell("true" if value is True else "false" if value is False else str(value), value=value)
