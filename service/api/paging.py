"""Lists in pages: `items`, and the cursor of the next page where there is one."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from seezar.errors import InvalidInput

LARGEST = 200


class Page[T](BaseModel):
    """A part of a list."""

    items: list[T]
    next: str | None = Field(default=None, description="Give it as `cursor` for the next page; null on the last one.")


type Limit = Annotated[int, Query(ge=1, le=LARGEST, description="At most so many.")]
type Cursor = Annotated[str | None, Query(max_length=400, description="`next` of the page before.")]


def cursor_of(*parts: str) -> str:
    """A cursor that says where the next page begins. Callers must not read anything into it."""
    return base64.urlsafe_b64encode("\n".join(parts).encode()).decode().rstrip("=")


def parts_of(cursor: str, count: int) -> list[str]:
    """The parts of a cursor of ours.

    Raises:
        InvalidInput: it is none.
    """
    try:
        parts = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode().split("\n")
    except (binascii.Error, ValueError):
        parts = []
    if len(parts) != count or "\0" in "".join(parts):
        raise _no_cursor()
    return parts


def _no_cursor() -> InvalidInput:
    return InvalidInput(
        "That is no cursor of this list.",
        kept="Nothing was done.",
        next_step="Give `next` of the page before, or none for the first page.",
    )


def moment_of(cursor: str | None) -> tuple[datetime, str] | None:
    """Time and id of the last thing of a page whose cursor was made of these two; None for the first page.

    Raises:
        InvalidInput: it is none of such a list.
    """
    if cursor is None:
        return None
    at, last = parts_of(cursor, 2)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise _no_cursor() from None
    if moment.tzinfo is None:
        raise _no_cursor()
    return moment, last


def page_by[T, R](
    items: Sequence[T], *, key: Callable[[T], str], show: Callable[[T], R], limit: int, cursor: str | None
) -> Page[R]:
    """A page of a list that is short enough to be had whole, in the order of its keys.

    Raises:
        InvalidInput: as `parts_of`.
    """
    after = parts_of(cursor, 1)[0] if cursor else None
    rest = sorted((item for item in items if after is None or key(item) > after), key=key)
    shown = rest[:limit]
    more = cursor_of(key(shown[-1])) if len(rest) > limit else None
    return Page[R](items=[show(item) for item in shown], next=more)
