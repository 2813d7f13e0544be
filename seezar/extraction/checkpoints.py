"""How far a run of an extraction is: its pages, each of which is read once, and its rows are stored with it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from seezar.database import Connection, Database, Row
from seezar.extraction import history
from seezar.extraction.columns import Value
from seezar.extraction.definitions import Definition, definition_of
from seezar.extraction.problems import Problem
from seezar.vault import Cipher
from seezar.vault.columns import EXTRACTION_ADDRESS, EXTRACTION_FILE, EXTRACTION_PICTURE, EXTRACTION_PROBLEMS

type Signature = tuple[str, ...]
"""The kind of what rows stand in, and its headers."""
type Role = Literal["list", "rows"]

MAX_TRIES = 5
"""How often a page is tried whose site does not answer."""
_MAX_PROBLEMS = 200


@dataclass(frozen=True)
class Lead:
    """A page that is to be read.

    Attributes:
        address: of it, with its query.
        role: `list` when it only leads on to others.
        clicks: on what leads to the next page, from that address on.
        item: text of the link that led there.
    """

    address: str = field(repr=False)
    role: Role
    clicks: int = 0
    item: str = ""

    @property
    def digest(self) -> bytes:
        """Names it within a run."""
        return hashlib.sha256(f"{self.role}\n{self.clicks}\n{self.address}".encode()).digest()


@dataclass(frozen=True)
class Waiting:
    """A page that waits to be read; `tries` so far."""

    position: int
    lead: Lead
    tries: int


@dataclass(frozen=True)
class PageDone:
    """What was read of a page.

    Attributes:
        url: where it was in the end, without its query.
        source: what the rows stood in.
        read_at: when.
        rows: position and values of each.
        bad: rows that could not be used.
        partial: whether there was more than was taken.
        problems: of values, a sample.
        picture: PNG or JPEG of it, None when none was taken.
        file: what was downloaded, None for nothing.
        leads: the pages that it leads on to.
        signature: of what the rows stood in; not stored.
    """

    url: str
    source: str
    read_at: datetime
    rows: Sequence[tuple[int, dict[str, Value]]] = ()
    bad: int = 0
    partial: bool = False
    problems: Sequence[Problem] = ()
    picture: bytes | None = field(default=None, repr=False)
    file: bytes | None = field(default=None, repr=False)
    leads: Sequence[Lead] = ()
    signature: Signature = ()

    @property
    def content(self) -> bytes:
        """Digest of the values, the same for the same rows."""
        return hashlib.sha256(json.dumps([values for _, values in self.rows], default=str).encode()).digest()


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        pages: known so far.
        done: of them.
        failed: of them.
        rows: stored.
        bad: rows that could not be used.
        partial: pages of which there was more than was taken.
        reasons: why pages failed, each once.
    """

    pages: int
    done: int
    failed: int
    rows: int
    bad: int
    partial: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class ReadPage:
    """A page of a run, as it is told."""

    position: int
    role: Role
    status: str
    item: str
    url: str | None
    source: str | None
    rows: int
    bad: int
    reason: str
    read_at: datetime | None
    problems: tuple[Problem, ...] = ()


class Checkpoints:
    """The runs and pages in `app.extraction_run` and `app.extraction_page`."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    async def begin(self, run_id: str, name: str, account: str, leads: Sequence[Lead]) -> Definition | None:
        """Begin a run, or find it as it was begun; its definition is that of then. None: there is none of this name.

        Args:
            leads: the first pages.
        """
        async with self._database.connection() as connection:
            await connection.execute(
                "INSERT INTO app.extraction_run (run_id, extraction, account, version, definition)"
                " SELECT %s, name, %s, version, definition FROM app.extraction WHERE name = %s ON CONFLICT DO NOTHING",
                (run_id, account, name),
            )
            row = await self._locked(connection, run_id)
            if row is None:
                return None
            definition = definition_of(row["definition"])
            await self._add(connection, run_id, definition, leads)
        return definition

    async def definition(self, run_id: str) -> Definition | None:
        """The definition with which a run was begun."""
        row = await self._database.one("SELECT definition FROM app.extraction_run WHERE run_id = %s", run_id)
        return None if row is None else definition_of(row["definition"])

    async def waiting(self, run_id: str, *, limit: int) -> list[Waiting]:
        """The next pages that wait, in the order in which they were found."""
        rows = await self._database.all(
            "SELECT position, role, clicks, item, tries, address FROM app.extraction_page"
            " WHERE run_id = %s AND status = 'waiting' ORDER BY position LIMIT %s",
            run_id,
            limit,
        )
        return [
            Waiting(
                row["position"],
                Lead(self._opened(EXTRACTION_ADDRESS, run_id, row, "address"), row["role"], row["clicks"], row["item"]),
                row["tries"],
            )
            for row in rows
        ]

    async def tried(self, run_id: str, position: int) -> None:
        """Count a try of a page that has come to nothing; it waits further."""
        await self._database.run(
            "UPDATE app.extraction_page SET tries = tries + 1"
            " WHERE run_id = %s AND position = %s AND status = 'waiting'",
            run_id,
            position,
        )

    async def done(self, run_id: str, account: str, page: Waiting, read: PageDone, definition: Definition) -> bool:
        """Store what was read of a page, all of it or nothing; False, and nothing stored, when it was read before.

        A page that shows the same rows as the one before it by clicks is the end of its chain: nothing of it is stored.
        """
        position = page.position
        place = history.Place(run_id, account, position, read.read_at, read.url, page.lead.item, read.source)
        async with self._database.connection() as connection:
            # Of two tabs that find new pages at once, each waits for the other's numbers.
            await self._locked(connection, run_id)
            again = page.lead.clicks > 0 and bool(read.rows) and await self._repeated(connection, run_id, read)
            rows = () if again else read.rows
            cursor = await connection.execute(
                "UPDATE app.extraction_page SET status = 'done', url = %s, source = %s, rows = %s, bad = %s,"
                " partial = partial OR %s, content = %s, problems = %s, picture = %s, file = %s, read_at = %s"
                " WHERE run_id = %s AND position = %s AND status = 'waiting'",
                (
                    read.url,
                    read.source,
                    len(rows),
                    read.bad,
                    read.partial,
                    read.content,
                    self._sealed(EXTRACTION_PROBLEMS, run_id, position, _problems(read.problems)),
                    self._sealed(EXTRACTION_PICTURE, run_id, position, read.picture),
                    self._sealed(EXTRACTION_FILE, run_id, position, read.file),
                    read.read_at,
                    run_id,
                    position,
                ),
            )
            if not cursor.rowcount:
                return False
            # A run that gets on takes no worker down.
            await connection.execute("UPDATE app.run SET adoptions = 0 WHERE id = %s AND adoptions > 0", (run_id,))
            if not again:
                if rows:
                    await history.insert(connection, definition, place, rows)
                await self._add(connection, run_id, definition, read.leads)
        return True

    async def failed(self, run_id: str, position: int, reason: str, picture: bytes | None = None) -> None:
        """A page cannot be read, and why; the others go on."""
        await self._database.run(
            "UPDATE app.extraction_page SET status = 'failed', reason = %s, picture = %s, read_at = now()"
            " WHERE run_id = %s AND position = %s AND status = 'waiting'",
            reason,
            self._sealed(EXTRACTION_PICTURE, run_id, position, picture),
            run_id,
            position,
        )

    async def finish(self, run_id: str, status: str) -> None:
        """The run has ended; what waited still is left as it is."""
        await self._database.run(
            "UPDATE app.extraction_run SET status = %s, finished_at = clock_timestamp()"
            " WHERE run_id = %s AND finished_at IS NULL",
            status,
            run_id,
        )

    async def progress(self, run_id: str) -> Progress:
        """How far it is."""
        row = await self._database.one(
            "SELECT count(*) AS pages, count(*) FILTER (WHERE status = 'done') AS done,"
            " count(*) FILTER (WHERE status = 'failed') AS failed, coalesce(sum(rows), 0) AS rows,"
            " coalesce(sum(bad), 0) AS bad, count(*) FILTER (WHERE partial) AS partial,"
            " coalesce(array_agg(DISTINCT reason) FILTER (WHERE reason <> ''), '{}') AS reasons"
            " FROM app.extraction_page WHERE run_id = %s",
            run_id,
        )
        assert row is not None
        numbers = {name: int(row[name]) for name in ("pages", "done", "failed", "rows", "bad", "partial")}
        return Progress(**numbers, reasons=tuple(row["reasons"]))

    async def pages(self, run_id: str, *, problems: bool = False) -> list[ReadPage]:
        """The pages of a run, with the problems of their values if wanted."""
        rows = await self._database.all("SELECT * FROM app.extraction_page WHERE run_id = %s ORDER BY position", run_id)
        names = ("position", "role", "status", "item", "url", "source", "rows", "bad", "reason", "read_at")
        return [
            ReadPage(
                **{name: row[name] for name in names},
                problems=self._problems_of(run_id, row) if problems else (),
            )
            for row in rows
        ]

    async def picture(self, run_id: str, position: int) -> bytes | None:
        """The picture of a page, None when there is none."""
        row = await self._database.one(
            "SELECT position, picture FROM app.extraction_page WHERE run_id = %s AND position = %s", run_id, position
        )
        return None if row is None else self._bytes(EXTRACTION_PICTURE, run_id, row, "picture")

    async def file(self, run_id: str, position: int) -> bytes | None:
        """What was downloaded from a page, None when nothing was."""
        row = await self._database.one(
            "SELECT position, file FROM app.extraction_page WHERE run_id = %s AND position = %s", run_id, position
        )
        return None if row is None else self._bytes(EXTRACTION_FILE, run_id, row, "file")

    async def _locked(self, connection: Connection, run_id: str) -> Row | None:
        cursor = await connection.execute("SELECT * FROM app.extraction_run WHERE run_id = %s FOR UPDATE", (run_id,))
        return await cursor.fetchone()

    async def _repeated(self, connection: Connection, run_id: str, read: PageDone) -> bool:
        cursor = await connection.execute(
            "SELECT 1 FROM app.extraction_page WHERE run_id = %s AND content = %s AND status = 'done'",
            (run_id, read.content),
        )
        return await cursor.fetchone() is not None

    async def _add(self, connection: Connection, run_id: str, definition: Definition, leads: Sequence[Lead]) -> None:
        new = {lead.digest: lead for lead in leads}
        cursor = await connection.execute(
            "SELECT coalesce(max(position), -1) AS last, count(*) AS there,"
            " coalesce(array_agg(digest) FILTER (WHERE digest = ANY(%s)), '{}') AS known"
            " FROM app.extraction_page WHERE run_id = %s",
            (list(new), run_id),
        )
        row = await cursor.fetchone()
        assert row is not None
        for digest in row["known"]:
            del new[bytes(digest)]
        room = definition.max_pages - row["there"]
        for position, (digest, lead) in enumerate(list(new.items())[: max(0, room)], row["last"] + 1):
            sealed = self._cipher.encrypt(lead.address.encode(), context=EXTRACTION_ADDRESS.context(run_id, position))
            await connection.execute(
                "INSERT INTO app.extraction_page (run_id, position, role, digest, address, clicks, item)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (run_id, position, lead.role, digest, sealed, lead.clicks, lead.item),
            )
        if len(new) > max(0, room) and row["last"] >= 0:
            # What was not taken is not forgotten silently.
            await connection.execute(
                "UPDATE app.extraction_page SET partial = true WHERE run_id = %s AND position = %s",
                (run_id, row["last"]),
            )

    def _sealed(self, column: Any, run_id: str, position: int, value: bytes | None) -> bytes | None:
        return None if value is None else self._cipher.encrypt(value, context=column.context(run_id, position))

    def _bytes(self, column: Any, run_id: str, row: Row, name: str) -> bytes | None:
        value = row[name]
        return (
            None
            if value is None
            else self._cipher.decrypt(bytes(value), context=column.context(run_id, row["position"]))
        )

    def _opened(self, column: Any, run_id: str, row: Row, name: str) -> str:
        return (self._bytes(column, run_id, row, name) or b"").decode()

    def _problems_of(self, run_id: str, row: Row) -> tuple[Problem, ...]:
        found = self._bytes(EXTRACTION_PROBLEMS, run_id, row, "problems")
        return tuple(Problem(**each) for each in json.loads(found)) if found else ()


def _problems(problems: Sequence[Problem]) -> bytes | None:
    return json.dumps([asdict(each) for each in problems[:_MAX_PROBLEMS]]).encode() if problems else None
