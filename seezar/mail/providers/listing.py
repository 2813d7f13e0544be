"""Reading a list of messages that is given in pages, newest first, so that none is lost.

A cursor is the time of the newest message and the ids of those shortly before it: a provider may show messages later
than the time that it gives them, and out of order. So the list is always read a little further back than the cursor,
and what was there already is known by its id.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from typing import Any, cast

from seezar.mail.provider import MailRef

# How much later than its time a message may appear.
OVERLAP = timedelta(seconds=120)
# Ids in a cursor; of more messages within the overlap the oldest would be listed again, which does no harm.
_MOST_IDS = 300
_MOST_PAGES = 1000
_RESTARTS = 3


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of a list.

    Attributes:
        at: when the provider took the message, with time zone.
        recipients: addresses it is for, lower case.
    """

    id: str
    at: datetime
    sender: str
    subject: str = field(repr=False)
    size: int
    recipients: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list.

    Attributes:
        rows: as they came; empty behind the last page.
        total: rows of all pages; None where the provider does not say.
    """

    rows: list[Listed]
    total: int | None


type FetchPage = Callable[[int], Awaitable[Page]]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the list of an address; without a time it is before all messages."""

    at: datetime | None = None
    ids: tuple[str, ...] = ()

    @classmethod
    def read(cls, cursor: str) -> "Position":
        """The position of a cursor; before all where it is "" or not one of ours: to list again does no harm."""
        try:
            at, ids = json.loads(cursor)
            return cls(datetime.fromisoformat(at), tuple(str(entry) for entry in ids))
        except (ValueError, TypeError, RecursionError):
            return cls()

    def text(self) -> str:
        """The cursor."""
        return "" if self.at is None else json.dumps([self.at.isoformat(), list(self.ids)], separators=(",", ":"))


async def list_behind(
    fetch: FetchPage, cursor: str, address_id: str, *, accept: Callable[[Listed], bool] | None = None
) -> tuple[list[MailRef], str]:
    """Messages behind a cursor, oldest first, and the cursor behind the last of them.

    Args:
        fetch: gives a page, counted from 1.
        cursor: "" is before all.
        address_id: whose messages they are.
        accept: the others are passed over; None = all are taken.
    """
    since = Position.read(cursor)
    floor = None if since.at is None else since.at - OVERLAP
    rows = _oldest_first(await _walk(fetch, floor))
    known = set(since.ids)
    recent = [row for row in rows if row.id in known]
    position, refs = since, list[MailRef]()
    for row in rows:
        if row.id in known or (floor is not None and row.at < floor):
            continue
        recent.append(row)
        position, recent = _behind(since.at, recent)
        if accept is None or accept(row):
            refs.append(MailRef(row.id, address_id, row.at, row.sender, row.subject, row.size, position.text()))
    return refs, cursor if position is since else position.text()


async def newest(fetch: FetchPage) -> str:
    """The cursor behind the newest message."""
    return _behind(None, _oldest_first(await _walk(fetch, None, newest_only=True)))[0].text()


def _oldest_first(found: dict[str, Listed]) -> list[Listed]:
    # Times may be whole seconds: of the same second, what was listed later is older.
    rows = list(found.values())
    rows.reverse()
    rows.sort(key=lambda row: row.at)
    return rows


def _behind(since: datetime | None, rows: list[Listed]) -> tuple[Position, list[Listed]]:
    """The position behind some rows, and those of them whose ids it keeps."""
    if not rows:
        return Position(since), []
    # A time in the future would hide what comes until then.
    at = min(max(row.at for row in rows), datetime.now(UTC))
    at = at if since is None else max(at, since)
    recent = [row for row in rows if row.at >= at - OVERLAP][-_MOST_IDS:]
    return Position(at, tuple(row.id for row in recent)), recent


async def _walk(fetch: FetchPage, floor: datetime | None, *, newest_only: bool = False) -> dict[str, Listed]:
    """The rows by id, until one that is older than `floor`."""
    found: dict[str, Listed] = {}
    for restarts in range(_RESTARTS):
        total: int | None = None
        walked: set[str] = set()
        for number in range(1, _MOST_PAGES):
            page = await fetch(number)
            if restarts < _RESTARTS - 1 and total is not None and page.total is not None and page.total < total:
                # A message was deleted meanwhile: one of the next page has moved to a page that was read already.
                break
            total = page.total
            fresh = [row for row in page.rows if row.id not in walked]
            walked.update(row.id for row in fresh)
            found.update((row.id, row) for row in fresh)
            if newest_only and number == 1 and fresh:
                floor = min(max(row.at for row in fresh), datetime.now(UTC)) - OVERLAP
            # A server that gives the same page for every number must not be asked for ever.
            behind = floor is not None and bool(page.rows) and page.rows[-1].at < floor
            if behind or not fresh or (total is not None and len(walked) >= total):
                return found
    return found


def read_page(payload: Any) -> Page | None:
    """A page of messages in one of the shapes of `members`; None when it is none of them."""
    rows = members(payload)
    if rows is None:
        return None
    total: Any = None
    if isinstance(payload, dict):
        collection = cast("dict[str, Any]", payload)
        total = collection.get("hydra:totalItems", collection.get("totalItems"))
    found = [listed for row in rows if not row.get("isDeleted") and (listed := read_row(row)) is not None]
    return Page(found, total if isinstance(total, int) and total > 0 else None)


def members(payload: Any) -> list[dict[str, Any]] | None:
    """The rows of a collection: a plain list, `hydra:member`, or `member`; None when it is none of them."""
    rows: Any = payload
    if isinstance(payload, dict):
        collection = cast("dict[str, Any]", payload)
        rows = collection.get("hydra:member", collection.get("member"))
    if not isinstance(rows, list):
        return None
    return [cast("dict[str, Any]", row) for row in cast("list[Any]", rows) if isinstance(row, dict)]


def read_row(row: dict[str, Any]) -> Listed | None:
    """A message of a list; None when it has no id."""
    number = row.get("id")
    if not isinstance(number, str | int) or isinstance(number, bool):
        return None
    size = row.get("size")
    subject = row.get("subject")
    return Listed(
        id=str(number),
        at=read_time(row.get("createdAt")),
        sender=_address(row.get("from")),
        subject=subject if isinstance(subject, str) else "",
        size=size if isinstance(size, int) else 0,
        recipients=frozenset(
            address for key in ("to", "cc", "bcc") for entry in _entries(row.get(key)) if (address := _address(entry))
        ),
    )


def read_time(value: Any) -> datetime:
    """A time of a provider; one without a zone is UTC, one that cannot be read is now: a message must not be lost."""
    if isinstance(value, str):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return datetime.now(UTC)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return datetime.now(UTC)


def _entries(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _address(value: Any) -> str:
    """The bare address of `{"address", "name"}` or of a header's text; "" when there is none."""
    if isinstance(value, dict):
        value = cast("dict[str, Any]", value).get("address")
    return parseaddr(value)[1].strip().lower() if isinstance(value, str) else ""
