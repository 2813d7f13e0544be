"""Reading the pages of an extraction behind a login, durably: each page once, each row once, whatever dies meanwhile.

The checkpoint is our own table: the rows of a page are stored in the transaction that sets the page to done, so the
step that reads may be done again at any time. When the session is lost, the run signs in again and goes on.
"""

import time
from typing import Any
from urllib.parse import urljoin

from dbos import DBOS

from seezar.browser.semantic import PageNotUnderstood
from seezar.errors import NotSignedIn, RunTimedOut
from seezar.extraction.checkpoints import Lead, Progress
from seezar.extraction.definitions import ExtractionUnknown
from workflows.extracting import READ, Extracting
from workflows.names import EXTRACT
from workflows.runtime import runtime
from workflows.shell import to_its_end, workflow_id
from workflows.steps import PATIENT
from workflows.taking import account_of, deadline_of, ended_before
from workflows.tracing import traced_workflow
from workflows.trying_again import DONE

# A session that is lost again and again without a page in between is not worth having.
_SIGN_INS_WITHOUT_A_PAGE = 2
_MOST_SIGN_INS = 20
_MOST_REASONS = 3


@DBOS.workflow(name=EXTRACT)
@traced_workflow
async def extract(account: str, name: str) -> dict[str, Any]:
    """Read the pages of the extraction `name` with the session of `account`, which is signed in where it is not.

    Returns:
        `{"status": "extracted" | "partial", "account", "extraction", "run_id", "pages", "failed", "rows", "bad",
        "reason"}`, or another status with what was read before it.
    """
    run_id = workflow_id()
    return await to_its_end(run_id, account, _pages(run_id, account, name))


async def _pages(run_id: str, account: str, name: str) -> dict[str, Any]:
    began = await begin(run_id, account, name)
    if "ended" in began:
        return began["ended"]
    without_a_page, before = 0, -1
    for number in range(_MOST_SIGN_INS + 1):
        read = await read_pages(run_id, account, began["deadline"])
        if read["status"] != NotSignedIn.status:
            return await close(run_id, account, name, read)
        without_a_page = without_a_page + 1 if read["done"] == before else 0
        before = read["done"]
        if without_a_page > _SIGN_INS_WITHOUT_A_PAGE:
            break
        signed = await sign_in_again(run_id, account, number, without_a_page > 0, began["deadline"])
        if signed["status"] != "signed_in":
            return await close(run_id, account, name, signed)
    reason = "The site asks to sign in again after every sign-in."
    return await close(run_id, account, name, {"status": NotSignedIn.status, "reason": reason})


@DBOS.step(**PATIENT)
async def begin(run_id: str, account: str, name: str) -> dict[str, Any]:
    """Take the run, and write down its first pages."""
    app = runtime().application
    timeout = (await app.extractions.get(name)).definition.timeout
    deadline = time.time() + timeout
    if (over := await ended_before(run_id, deadline=deadline)) is not None:
        return {"ended": over}
    record = await account_of(run_id, account)
    definition = (await app.extractions.get(name)).definition
    role = "list" if definition.each else "rows"
    leads = [Lead(urljoin(record.verify_url, url), role) for url in definition.first]
    if await app.checkpoints.begin(run_id, name, account, leads) is None:
        raise ExtractionUnknown(f"The extraction {name!r} was removed.", kept="Nothing was read.")
    return {"deadline": deadline}


@DBOS.step(**PATIENT)
async def read_pages(run_id: str, account: str, deadline: float) -> dict[str, Any]:
    """Read until no page waits, the session is lost, or the time is over; `done` is how many pages are."""
    app = runtime().application
    record = await account_of(run_id, account)
    definition = await app.checkpoints.definition(run_id)
    if definition is None:
        raise ExtractionUnknown("The extraction was removed while it ran.", kept="Its rows were deleted with it.")
    extracting = Extracting(runtime(), run_id, record, definition, deadline=await deadline_of(run_id, deadline))
    status = await extracting.work()
    progress = await app.checkpoints.progress(run_id)
    return {"status": status, "reason": "", "done": progress.done + progress.failed}


@DBOS.step(**PATIENT)
async def sign_in_again(run_id: str, account: str, number: int, fresh: bool, deadline: float) -> dict[str, Any]:
    """Have the account signed in, by a run of its own, and wait for that; done again after a crash, it is the same run.

    Args:
        number: which time it is in this run.
        fresh: the stored session has just been shown to be of no use for these pages.
    """
    app = runtime().application
    await account_of(run_id, account)
    await app.runs.event(run_id, "sign_in", "The session is lost; signing in again")
    key = f"extract {run_id} {number}"
    signing = await runtime().queueing.sign_in(account, fresh=fresh, key=key, scheduled=True)
    left = await deadline_of(run_id, deadline) - time.time()
    try:
        async for _ in app.runs.follow(signing, timeout=max(1.0, left)):
            pass
    except RunTimedOut:
        return {"status": RunTimedOut.status, "reason": f"The sign-in {signing} takes longer than this run may."}
    run = await app.runs.get(signing)
    reason = run.reason
    if run.waiting:
        reason = f"The sign-in waits for a person: answer {signing}, then run the extraction again."
    return {"status": run.status, "reason": reason}


@DBOS.step(**PATIENT)
async def close(run_id: str, account: str, name: str, ended: dict[str, Any]) -> dict[str, Any]:
    """End the run; tell how much was read."""
    app = runtime().application
    progress = await app.checkpoints.progress(run_id)
    status, reason = _outcome(progress, ended)
    await app.checkpoints.finish(run_id, status)
    told = f"{progress.done} of {progress.pages} pages, {progress.rows} rows"
    await app.runs.event(run_id, "done", f"{status}: {told}", **_counts(progress))
    result = {"status": status, "account": account, "extraction": name, "run_id": run_id, **_counts(progress)}
    result["reason"] = reason
    await app.runs.finish(run_id, status, reason=reason, result=result)
    return result


def _counts(progress: Progress) -> dict[str, int]:
    return {"pages": progress.pages, "failed": progress.failed, "rows": progress.rows, "bad": progress.bad}


def _outcome(progress: Progress, ended: dict[str, Any]) -> tuple[str, str]:
    """The status of the run, and why it is not `extracted`: what could not be read is told, never filled in."""
    if ended["status"] != READ:
        kept = f"What was read before is kept: {progress.done} pages, {progress.rows} rows."
        return str(ended["status"]), " ".join(part for part in (str(ended.get("reason", "")), kept) if part)
    if progress.failed and progress.failed == progress.pages:
        return PageNotUnderstood.status, " ".join(progress.reasons[:_MOST_REASONS])
    missing: list[str] = []
    if progress.failed:
        missing.append(f"{progress.failed} of {progress.pages} pages could not be read.")
    if progress.bad:
        missing.append(f"{progress.bad} rows could not be used.")
    if progress.partial:
        missing.append(f"{progress.partial} pages had more than was taken.")
    if not missing:
        return DONE[EXTRACT], ""
    return "partial", " ".join([*missing, *progress.reasons[:_MOST_REASONS]])
