"""Runs that nobody would end or begin otherwise: their workflow is over without a result, or was never queued."""

import time

from dbos import DBOSClient, WorkflowStatus

from seezar.accounts.records import result_without_end
from seezar.application import Application
from workflows.queueing import Queueing

# Statuses of a DBOS workflow that goes on by itself.
_OPEN = ("ENQUEUED", "PENDING", "DELAYED")
# A workflow that has succeeded wrote its result before; by then that is seen.
_SEEN_S = 30.0


async def close_ended_runs(application: Application, queueing: Queueing, dbos: DBOSClient) -> None:
    """Close the runs whose workflow has ended without writing its result (cancelled from outside, or given up by
    DBOS), and queue those that never were because their caller died before.
    """
    rows = await application.database.all(
        "SELECT id, workflow_id FROM app.run WHERE finished_at IS NULL AND question IS NULL"
        " AND greatest(created_at, reopened_at) < now() - interval '10 seconds'"
    )
    if not rows:
        return
    ids = [row["workflow_id"] for row in rows]
    known = await dbos.list_workflows_async(workflow_ids=ids, load_input=False, load_output=False)
    statuses = {workflow.workflow_id: "PENDING" if _just_ended(workflow) else workflow.status for workflow in known}
    for row in rows:
        status = statuses.get(row["workflow_id"], "MISSING")
        if status in _OPEN or (status == "MISSING" and await queueing.go_on(await application.runs.get(row["id"]))):
            continue
        ended = "cancelled" if status == "CANCELLED" else "error"
        reason = (
            f"The workflow ended without a result ({status.lower().replace('_', ' ')}). What it stored before is kept."
        )
        result = result_without_end(await application.runs.get(row["id"]), ended, reason)
        await application.runs.finish(row["id"], ended, reason=reason, result=result)


def _just_ended(workflow: WorkflowStatus) -> bool:
    ended_at = (workflow.updated_at or 0) / 1000
    return workflow.status == "SUCCESS" and time.time() - ended_at < _SEEN_S


async def queue_lost_answers(application: Application, queueing: Queueing) -> None:
    """Queue the workflows of answers that were stored by somebody who died before queueing them."""
    for run in await application.questions.unstarted():
        await queueing.go_on(run)
