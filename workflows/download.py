"""Fetching a file that a page behind a login gives, durably: kept with the page, encrypted, and its text beside it."""

import asyncio
from pathlib import Path
from typing import Any

from dbos import DBOS
from playwright.async_api import Download, Error
from playwright.async_api import TimeoutError as BrowserTimeout

from seezar.accounts.pages import NewPage
from seezar.browser.pointing import Wish, wish_of
from seezar.browser.risks import NotAgreed
from seezar.browser.semantic import PageNotUnderstood
from seezar.errors import SeezarError
from seezar.knowledge.files import MAX_BYTES, FileUnreadable, read_file
from workflows import acting
from workflows.names import DOWNLOAD
from workflows.runtime import runtime
from workflows.semantic import interrupted
from workflows.shell import to_its_end, workflow_id
from workflows.taking import account_of, ended_before
from workflows.tracing import traced_workflow
from workflows.trying_again import DONE
from workflows.visiting import Visit, visiting

_DOWNLOAD_MS = 60_000
_MOST_NAME = 150


class NothingDownloaded(SeezarError):
    """What was clicked gave no file, or one that cannot be taken."""

    status = "nothing_downloaded"


@DBOS.workflow(name=DOWNLOAD)
@traced_workflow
async def download(account: str, what: str, url: str | None, agreed: str = "") -> dict[str, Any]:
    """Click what is called `what` on the page `url` (or the verify URL) of `account`, and keep the file that comes.

    Args:
        agreed: what a person has said may be done; a button may do anything, a link to a file only gives it.

    Returns:
        `{"status": "downloaded", "account", "page_id", "file", "size", "url", "title"}`, or a status with `reason`.
    """
    run_id = workflow_id()
    return await to_its_end(run_id, account, fetch(run_id, account, what, url, agreed))


@DBOS.step()
async def fetch(run_id: str, account: str, what: str, url: str | None, agreed: str = "") -> dict[str, Any]:
    """Open, click, keep."""
    app = runtime().application
    if (over := await ended_before(run_id)) is not None:
        return over
    if any(event.step == "act" for event in await app.runs.events(run_id)):
        raise interrupted("The worker stopped while it downloaded.")
    record = await account_of(run_id, account)
    try:
        async with visiting(run_id, record, url, downloads=True) as visit:
            await visit.open()
            target = await acting.target_of(visit.page, what, wish=wish_of(what) or Wish("click", what.strip()))
            if target is None:
                raise PageNotUnderstood(
                    f"Nothing on the page, or more than one thing, is called “{what[:100]}”.",
                    kept="Nothing was done.",
                    next_step="Say what the link or button says.",
                )
            name, content = await _downloaded(visit, target, agreed)
            page_id, title = await _kept(visit, name, content)
    except NotAgreed as error:
        return await _finished(run_id, {"status": error.status, "account": account, "reason": error.what})
    result: dict[str, Any] = {"status": DONE[DOWNLOAD], "account": account, "page_id": page_id, "file": name}
    return await _finished(run_id, {**result, "size": len(content), "url": visit.target_shown, "title": title})


async def _downloaded(visit: Visit, target: acting.Target, agreed: str) -> tuple[str, bytes]:
    async def begin() -> None:
        await runtime().application.runs.event(visit.run_id, "act", "Downloading")

    try:
        async with visit.page.expect_download(timeout=_DOWNLOAD_MS) as coming:
            await acting.do(target, visit.record, visit.redact, agreed, begin, downloads=True)
        taken: Download = await coming.value
    except BrowserTimeout:
        raise _nothing("Nothing was downloaded: what was clicked gives no file.") from None
    try:
        content = await asyncio.to_thread(_content, Path(await taken.path()))
        return _named(taken.suggested_filename), content
    except Error:
        raise _nothing("The download was cut off.") from None
    finally:
        await taken.delete()


async def _kept(visit: Visit, name: str, content: bytes) -> tuple[str, str]:
    """Keep file and text; returns the id of the page record, and its title."""
    try:
        read = await asyncio.to_thread(read_file, content, name)
        title, text = read.title, visit.redact(read.text)
    except FileUnreadable as error:
        title, text = name, f"(Its text cannot be read: {error.what})"
    url = visit.target_shown
    title = visit.redact(title)
    new = NewPage(visit.run_id, visit.record.name, url, title, text, None, (name, content))
    return await visit.keep(new), title


def _content(path: Path) -> bytes:
    if path.stat().st_size > MAX_BYTES:
        raise _nothing(f"The file is larger than {MAX_BYTES // 1_000_000} MB.")
    return path.read_bytes()


def _nothing(what: str) -> NothingDownloaded:
    return NothingDownloaded(what, kept="The session is unchanged.", next_step="Look at the page again.")


def _named(suggested: str) -> str:
    """A name that no folder and no terminal takes for something else."""
    plain = "".join(ch for ch in suggested.replace("\\", "/").rpartition("/")[2] if ch.isprintable())
    return plain.strip(". ")[-_MOST_NAME:] or "download"


async def _finished(run_id: str, result: dict[str, Any]) -> dict[str, Any]:
    app = runtime().application
    await app.runs.event(run_id, "done", str(result["status"]))
    await app.runs.finish(run_id, str(result["status"]), reason=str(result.get("reason", "")), result=result)
    return result
