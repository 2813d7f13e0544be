"""Making a report, durably: rows that are too old are read anew first, by runs of their own."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from dbos import DBOS

from seezar.errors import RunTimedOut
from seezar.extraction.definitions import Definition
from seezar.reporting.requests import request_of
from workflows.names import REPORT
from workflows.runtime import runtime
from workflows.shell import to_its_end, workflow_id
from workflows.steps import PATIENT
from workflows.taking import account_of, ended_before
from workflows.tracing import traced_workflow
from workflows.trying_again import DONE

# Beyond what the extraction may take itself.
_DRAWING_S = 120.0
_READ = ("extracted", "partial")


@DBOS.workflow(name=REPORT)
@traced_workflow
async def report(account: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Make the report that `asked` describes (`seezar.reporting.requests.ReportRequest`) and keep it.

    Args:
        account: the first one of the extraction.

    Returns:
        `{"status": "reported", "account", "report_id", "title"}`: text and pictures are those of the report; or a
        status with `reason`.
    """
    run_id = workflow_id()
    return await to_its_end(run_id, account, _made(run_id, account, asked))


async def _made(run_id: str, account: str, asked: dict[str, Any]) -> dict[str, Any]:
    read = await refresh(run_id, account, asked)
    if "ended" in read:
        return read["ended"]
    return await make(run_id, account, asked, read["notes"])


@DBOS.step(**PATIENT)
async def refresh(run_id: str, account: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Have the rows read that are older than they may be; `notes` says what of that failed."""
    app = runtime().application
    request = request_of(asked)
    definition = (await app.extractions.get(request.extraction)).definition
    deadline = time.time() + definition.timeout + _DRAWING_S
    if (over := await ended_before(run_id, deadline=deadline)) is not None:
        return {"ended": over}
    await account_of(run_id, account)
    read_at = await app.history.newest(definition)
    oldest = datetime.now(UTC) - timedelta(hours=request.max_age_h)
    old = [each for each in definition.accounts if each not in read_at or read_at[each] < oldest]
    runs = {each: await _started(run_id, each, definition) for each in old}
    notes: list[str] = []
    for each, extraction in runs.items():
        notes += await _followed(run_id, each, extraction, definition)
    return {"notes": notes}


async def _started(run_id: str, account: str, definition: Definition) -> str:
    queueing, runs = runtime().queueing, runtime().application.runs
    await runs.event(run_id, "extract", f"Reading {definition.name} of {account} first: its rows are too old")
    key = f"report {run_id} {account}"
    return await queueing.extract(account, definition.name, key=key)


async def _followed(run_id: str, account: str, extraction: str, definition: Definition) -> list[str]:
    """Wait for an extraction, telling how far it is; what is said of it in the report, unless all went well."""
    runs = runtime().application.runs
    try:
        async for event in runs.follow(extraction, timeout=definition.timeout):
            await runs.event(run_id, "extract", f"{account}: {event.message}")
    except RunTimedOut:
        return [f"The rows of {account} are not new: reading them took too long."]
    run = await runs.get(extraction)
    if run.status == DONE["extract"]:
        return []
    what = "not complete" if run.status in _READ else "not new"
    return [f"**The rows of {account} are {what}** ({run.status}): {run.reason}"]


@DBOS.step(**PATIENT)
async def make(run_id: str, account: str, asked: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """Make the report of the rows as they are, and keep it; done again after a crash, it is kept once."""
    app = runtime().application
    request = request_of(asked)
    definition = (await app.extractions.get(request.extraction)).definition
    await app.runs.event(run_id, "draw", "Drawing")
    new = await app.report_maker.make(request, definition, made_by=run_id, notes=notes)
    kept = await app.reports.add(new, report_id=str(uuid5(NAMESPACE_URL, f"seezar:report:{run_id}")))
    status = DONE[REPORT]
    result = {"status": status, "account": account, "run_id": run_id, "report_id": kept.id, "title": kept.title}
    result |= {"files": [file.name for file in kept.files], "reason": ""}
    await app.runs.event(run_id, "done", status, report=kept.id)
    await app.runs.finish(run_id, status, reason="", result=result)
    return result
