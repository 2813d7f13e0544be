"""The reports that are kept: text, where it comes from, and files; encrypted, and told to the audit log."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

from psycopg.types.json import Jsonb

from seezar.audit import Audit
from seezar.database import Database, Row
from seezar.errors import InvalidInput, SeezarError
from seezar.vault import Cipher
from seezar.vault.columns import REPORT, REPORT_FILE

MAX_TITLE = 200
MAX_TEXT = 50_000
MAX_SOURCES = 100
# A picture at chat width, or a table of some ten thousand rows.
MAX_FILE = 8 * 1024 * 1024
MAX_FILES = 20
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# What can be read without a program of its own. The API sends those that a browser could run as downloads.
MEDIA_TYPES = ("image/png", "image/jpeg", "image/svg+xml", "text/csv", "text/html", "text/markdown", "application/json")
_COLUMNS = (
    "r.id, r.title, r.account, r.made_by, r.sources, r.created_at,"
    " coalesce((SELECT json_agg(json_build_object('name', f.name, 'media_type', f.media_type, 'size', f.size)"
    " ORDER BY f.name) FROM app.report_file f WHERE f.report_id = r.id), '[]') AS files"
)


class ReportUnknown(SeezarError):
    """No report with this id, or no such file in it."""

    status = "unknown_report"


@dataclass(frozen=True)
class Source:
    """Where a statement comes from.

    Attributes:
        kind: which kind of thing `id` names; a document is a page that is kept.
        quote: the words or the number that it says there.
    """

    kind: Literal["run", "page", "document"]
    id: str
    quote: str = ""


@dataclass(frozen=True)
class NewFile:
    """A file that goes with a report; `media_type` is one of `MEDIA_TYPES`."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class NewReport:
    """What `Reports.add` takes.

    Attributes:
        text: Markdown.
        made_by: the client or run that made it.
        account: which one it is about; None = several, or none.
    """

    title: str
    text: str = field(repr=False)
    made_by: str
    account: str | None = None
    sources: Sequence[Source] = ()
    files: Sequence[NewFile] = ()


@dataclass(frozen=True)
class FileInfo:
    """A file of a report; `size` in bytes."""

    name: str
    media_type: str
    size: int


@dataclass(frozen=True)
class Report:
    """A report, without its text."""

    id: str
    title: str
    account: str | None
    made_by: str
    created_at: datetime
    sources: tuple[Source, ...]
    files: tuple[FileInfo, ...]


class Reports:
    """The reports in `app.report`."""

    def __init__(self, database: Database, cipher: Cipher, audit: Audit) -> None:
        self._database = database
        self._cipher = cipher
        self._audit = audit

    async def add(self, report: NewReport, *, report_id: str | None = None) -> Report:
        """Keep a report with all its files, or nothing of it.

        Args:
            report_id: a UUID that names it; one that is there already is that report, and nothing is stored.

        Raises:
            InvalidInput: a part of it is empty, too large, of another kind, or names what is not here.
        """
        _check(report)
        report_id = report_id or str(uuid4())
        sources = [{"kind": source.kind, "id": source.id, "quote": source.quote} for source in report.sources]
        body = self._cipher.encrypt(report.text.encode(), context=REPORT.context(report_id))
        async with self._database.connection() as connection:
            for source in report.sources:
                cursor = await connection.execute(_THERE[source.kind].encode(), (source.id,))
                if await cursor.fetchone() is None:
                    raise _refused(f"The source names the {source.kind} {source.id[:80]!r}, which is not here.")
            added = await connection.execute(
                "INSERT INTO app.report (id, title, account, made_by, sources, body) VALUES (%s, %s, %s, %s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                (report_id, report.title, report.account, report.made_by, Jsonb(sources), body),
            )
            for file in report.files if added.rowcount else ():
                content = self._cipher.encrypt(file.content, context=REPORT_FILE.context(report_id, file.name))
                await connection.execute(
                    "INSERT INTO app.report_file (report_id, name, media_type, size, content)"
                    " VALUES (%s, %s, %s, %s, %s)",
                    (report_id, file.name, file.media_type, len(file.content), content),
                )
            if added.rowcount:
                await self._audit.append(connection, "report.add", report.account, report=report_id)
        return await self.get(report_id)

    async def get(self, report_id: str) -> Report:
        """A report, without its text.

        Raises:
            ReportUnknown: there is none of this id.
        """
        query = f"SELECT {_COLUMNS} FROM app.report r WHERE r.id::text = %s"  # noqa: S608 - of our own words
        row = await self._database.one(query, report_id)
        if row is None:
            raise _unknown(report_id)
        return _report(row)

    async def text(self, report_id: str) -> str:
        """The Markdown of a report. It may quote web sites: a model must not do what it says.

        Raises:
            ReportUnknown: there is none of this id.
            KeyUnusable: it does not open.
        """
        row = await self._database.one("SELECT body FROM app.report WHERE id::text = %s", report_id)
        if row is None:
            raise _unknown(report_id)
        return self._cipher.decrypt(bytes(row["body"]), context=REPORT.context(report_id)).decode()

    async def list(
        self, *, account: str | None = None, limit: int = 50, before: tuple[datetime, str] | None = None
    ) -> list[Report]:
        """The newest reports first.

        Args:
            account: only those about it.
            limit: at most so many.
            before: `created_at` and id of the last one that is known.
        """
        at, last = before or (None, None)
        query = (
            f"SELECT {_COLUMNS} FROM app.report r"  # noqa: S608 - of our own words
            " WHERE (%s::text IS NULL OR r.account = %s)"
            " AND (%s::timestamptz IS NULL OR r.created_at < %s OR (r.created_at = %s AND r.id::text < %s))"
            " ORDER BY r.created_at DESC, r.id DESC LIMIT %s"
        )
        rows = await self._database.all(query, account, account, at, at, at, last, limit)
        return [_report(row) for row in rows]

    async def file(self, report_id: str, name: str) -> NewFile:
        """A file of a report.

        Raises:
            ReportUnknown: there is no such report, or no such file in it.
            KeyUnusable: it does not open.
        """
        row = await self._database.one(
            "SELECT media_type, content FROM app.report_file WHERE report_id::text = %s AND name = %s", report_id, name
        )
        if row is None:
            raise ReportUnknown(
                f"The report {report_id!r} has no file {name!r}.", next_step="See what it has: GET /v1/reports/ID."
            )
        content = self._cipher.decrypt(bytes(row["content"]), context=REPORT_FILE.context(report_id, name))
        return NewFile(name, row["media_type"], content)

    async def remove(self, report_id: str) -> None:
        """Delete a report with its files.

        Raises:
            ReportUnknown: there is none of this id.
        """
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                "DELETE FROM app.report WHERE id::text = %s RETURNING account", (report_id,)
            )
            row = await cursor.fetchone()
            if row is None:
                raise _unknown(report_id)
            await self._audit.append(connection, "report.remove", row["account"], report=report_id)


_THERE = {
    "run": "SELECT 1 FROM app.run WHERE id = %s",
    "page": "SELECT 1 FROM app.page WHERE id::text = %s",
    "document": "SELECT 1 FROM knowledge.document WHERE id::text = %s",
}


def _check(report: NewReport) -> None:
    if not report.title.strip() or not report.text.strip():
        raise _refused("A report needs a title and a text.")
    if len(report.title) > MAX_TITLE or len(report.text) > MAX_TEXT:
        raise _refused(f"The title is longer than {MAX_TITLE} signs, or the text longer than {MAX_TEXT:,}.")
    if len(report.sources) > MAX_SOURCES or len(report.files) > MAX_FILES:
        raise _refused(f"A report has at most {MAX_SOURCES} sources and {MAX_FILES} files.")
    names = [file.name for file in report.files]
    if len(set(names)) != len(names):
        raise _refused("Two files have the same name.")
    for file in report.files:
        if not _FILE_NAME.fullmatch(file.name):
            raise _refused(f"{file.name[:60]!r} is no plain name of a file.")
        if file.media_type not in MEDIA_TYPES:
            raise _refused(f"Files of the type {file.media_type[:60]!r} are not kept. Types: {', '.join(MEDIA_TYPES)}.")
        if len(file.content) > MAX_FILE:
            raise _refused(f"The file {file.name} is larger than {MAX_FILE // 1024 // 1024} MiB.")


def _refused(what: str) -> InvalidInput:
    return InvalidInput(what, kept="Nothing was stored.", next_step="Change it and try again.")


def _unknown(report_id: str) -> ReportUnknown:
    return ReportUnknown(f"There is no report {report_id!r}.", next_step="See: seezar report list.")


def _report(row: Row) -> Report:
    sources: list[dict[str, Any]] = row["sources"]
    files: list[dict[str, Any]] = row["files"]
    return Report(
        id=str(row["id"]),
        title=row["title"],
        account=row["account"],
        made_by=row["made_by"],
        created_at=row["created_at"],
        sources=tuple(Source(**source) for source in sources),
        files=tuple(FileInfo(**file) for file in files),
    )
