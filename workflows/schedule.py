"""What DBOS starts by the clock: the runs of a schedule. It is over once they are queued."""

from datetime import UTC, datetime
from typing import Any

from dbos import DBOS

from seezar.errors import SeezarError
from seezar.reporting.schedules import Schedule
from workflows.names import REPORT, SCHEDULED
from workflows.runtime import runtime
from workflows.steps import PATIENT


@DBOS.workflow(name=SCHEDULED)
async def scheduled(due_at: datetime, context: dict[str, Any]) -> None:
    """Start what is due.

    Args:
        due_at: the time of the clock, which names the runs: a second start of the same time starts nothing.
        context: `{"schedule": NAME}`.
    """
    await start(str(context["schedule"]), due_at)


@DBOS.step(**PATIENT)
async def start(name: str, due_at: datetime) -> list[str]:
    """Queue the runs of a time; returns their ids."""
    schedules = runtime().application.schedules
    schedule = await schedules.fire(name, due_at, datetime.now(UTC))
    if schedule is None:
        return []
    try:
        runs = await _queued(schedule, due_at)
    except SeezarError as error:
        await schedules.failed(name, due_at, str(error))
        return []
    await schedules.started(name, due_at, runs)
    return runs


async def _queued(schedule: Schedule, due_at: datetime) -> list[str]:
    app, queueing = runtime().application, runtime().queueing
    accounts = (await app.extractions.get(schedule.extraction)).definition.accounts
    key = f"schedule {schedule.name} {due_at.isoformat()}"
    if schedule.kind == "report":
        return [await queueing.start(REPORT, accounts[0], schedule.request, key=key, scheduled=True)]
    return [await queueing.extract(each, schedule.extraction, key=f"{key} {each}", scheduled=True) for each in accounts]
