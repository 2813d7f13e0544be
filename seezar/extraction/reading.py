"""Reading one page that stands: its rows, what they were read from, and where it leads on to."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from playwright.async_api import Error, Page
from playwright.async_api import TimeoutError as BrowserTimeout

from seezar.browser.reader import screenshot
from seezar.extraction.checkpoints import Lead, PageDone, Signature
from seezar.extraction.collecting import Collected, Responses, collect
from seezar.extraction.columns import Reading
from seezar.extraction.dates import zone_of
from seezar.extraction.definitions import Definition
from seezar.extraction.files import MAX_FILE_BYTES, FileUnreadable, sources_of_file
from seezar.extraction.leading import leading
from seezar.extraction.numbers import locale_of
from seezar.extraction.problems import Problem
from seezar.extraction.rows import Rows, rows_of
from seezar.extraction.tables import Match, Source, Unclear, choose, redacted
from seezar.redaction import Redactor
from seezar.telemetry.spans import traced

_DOWNLOAD_MS = 60_000
_MAX_TOLD = 5


class NoRows(Exception):
    """A page does not have what was to be read of it; says what it has instead."""


@traced("extraction.read")
async def read_page(
    page: Page,
    definition: Definition,
    at: Lead,
    responses: Responses,
    redact: Redactor,
    now: datetime,
    *,
    known: Collection[Signature] = (),
    rest: Callable[[], Awaitable[object]],
) -> PageDone:
    """Read `page`, which was opened as `at`.

    Args:
        responses: what it was answered.
        now: the present, with a time zone.
        known: what pages of this extraction were read from before; a page that has rows of that kind is not waited for
            any longer.
        rest: waits until the page has come to rest.

    Raises:
        NoRows: nothing on it has the fields of the definition.
        InvalidInput: a selector of the definition cannot be used.
        playwright.async_api.Error: the page is gone.
    """
    if at.role == "list":
        await rest()
        onward = await leading(page, definition, at)
        shown = await collect(page, ())
        return PageDone(shown.url, "links", now, leads=onward.leads(at), picture=None)
    content: bytes | None = None
    if definition.download:
        await rest()
        content, name = await _downloaded(page, definition.download)
        shown = await collect(page, ())
        shown = replace(shown, sources=tuple(_of_file(content, name)), truncated=False)
    else:
        shown = await _collected(page, definition, responses, known, rest)
    onward = await leading(page, definition, at)
    match = _chosen(shown, definition, redact)
    locale = locale_of(definition.locale or shown.lang)
    here = Reading(locale, now.astimezone(zone_of(definition.timezone)), page.url)
    rows = rows_of(match, definition.fields, here)
    return PageDone(
        url=redact(shown.url),
        source=f"{match.source.kind} {match.source.where}",
        read_at=now,
        rows=[(row.position, row.values) for row in rows.good],
        bad=len(rows.bad),
        partial=shown.truncated,
        problems=_problems(rows),
        picture=await screenshot(page, redact, quick=True),
        file=content,
        leads=onward.leads(at),
        signature=_signature(match.source),
    )


async def _collected(
    page: Page,
    definition: Definition,
    responses: Responses,
    known: Collection[Signature],
    rest: Callable[[], Awaitable[object]],
) -> Collected:
    async def taken() -> Collected:
        return await collect(page, definition.fields, rows=definition.rows, responses=responses)

    if known:
        shown = await taken()
        found = choose(shown.sources, definition.fields, caption=definition.caption)
        if isinstance(found, Match) and found.source.rows and _signature(found.source) in known:
            return shown
    await rest()
    return await taken()


def _signature(source: Source) -> Signature:
    return (source.kind, *source.headers)


def _chosen(shown: Collected, definition: Definition, redact: Redactor) -> Match:
    found = choose(shown.sources, definition.fields, caption=definition.caption)
    match found:
        case Match():
            return Match(redacted(found.source, redact), found.columns)
        case Unclear():
            places = "; ".join(redact(place) for place in found.places[:_MAX_TOLD])
            raise NoRows(f"Several things on the page fit, and say different things: {places}. Say which by `caption`.")
        case None:
            raise NoRows(_instead(shown.sources, definition, redact))


def _instead(sources: Sequence[Source], definition: Definition, redact: Redactor) -> str:
    """What a page has that does not fit."""
    wanted = ", ".join(field.name for field in definition.fields if field.required) or "any of the fields"
    there = [
        f"{redact(source.caption) or source.kind} ({redact(', '.join(filter(None, source.headers[:8])))})"
        for source in sources
    ]
    has = f"It has: {'; '.join(there[:_MAX_TOLD])}." if there else "It has no table, list or data at all."
    return f"Nothing on the page has the fields {wanted}. {has}"[:1_000]


def _problems(rows: Rows) -> list[Problem]:
    absent = [Problem("missing", "", "The page has no column for it.", name) for name in rows.absent]
    return [*absent, *(problem for row in (*rows.bad, *rows.good) for problem in row.problems)]


async def _downloaded(page: Page, selector: str) -> tuple[bytes, str]:
    if not await page.locator(selector).count():
        raise NoRows("What `download` names is not on the page.")
    try:
        async with page.expect_download(timeout=_DOWNLOAD_MS) as coming:
            await page.locator(selector).first.click()
        download = await coming.value
        path = Path(await download.path())
    except BrowserTimeout:
        raise NoRows("Nothing was downloaded: what `download` names gives no file.") from None
    except Error as error:
        if "download" not in error.message.lower():
            raise
        raise NoRows("The download was cut off.") from None
    try:
        return await asyncio.to_thread(_content, path), download.suggested_filename[:200]
    finally:
        await download.delete()


def _content(path: Path) -> bytes:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise NoRows(f"The file is larger than {MAX_FILE_BYTES // 1_000_000} MB.")
    return path.read_bytes()


def _of_file(content: bytes, name: str) -> list[Source]:
    try:
        return sources_of_file(content, name)
    except FileUnreadable as error:
        raise NoRows(str(error)) from None
