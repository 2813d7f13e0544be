"""Waiting for a run on behalf of a client: its timeline is told as progress."""

from typing import Any

from mcp.server.mcpserver import Context

from seezar.accounts.records import result_of_waiting, result_without_end
from seezar.errors import RunTimedOut
from seezar.fencing import fenced, visible
from service.mcp.shapes import Outcome
from workflows.client import Client

# Statuses with which a page was read.
_READ = frozenset({"opened", "extracted"})


async def followed(context: Context[Any, Any], client: Client, run_id: str, *, seconds: float) -> Outcome:
    """How a run ended, or what it asks; its status so far when it takes longer than that.

    A client that goes away, or cancels, ends the waiting alone: the run goes on in the worker.

    Raises:
        RunUnknown: no such run.
        WorkerUnavailable: the worker is gone and no other could be started.
    """
    told = 0
    try:
        async for event in client.follow(run_id, timeout=seconds):
            told += 1
            await context.report_progress(told, message=event.message)
    except RunTimedOut:
        run = await client.application.runs.get(run_id)
        message = "It goes on in the worker; ask run_status how it is doing."
        return Outcome(status=run.status, message=message, run_id=run_id, account=run.account)
    run = await client.application.runs.get(run_id)
    result = result_of_waiting(run) if run.waiting else run.result or result_without_end(run, run.status, run.reason)
    outcome = Outcome(**{"account": run.account, "message": result.get("reason", ""), **result, "run_id": run_id})
    if outcome.title is not None:
        outcome.title = visible(outcome.title)
    return outcome


async def with_text(client: Client, outcome: Outcome) -> Outcome:
    """The same, with the text of the page that was read."""
    if outcome.status in _READ and outcome.page_id is not None:
        page = await client.application.pages.get(outcome.page_id)
        outcome.text = fenced(page.text, source=f"a page of the account {page.account}")
    return outcome
