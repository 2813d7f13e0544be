"""Having the clock of DBOS know the schedules, which are stored in a table of ours."""

from dbos import DBOSClient

from seezar.reporting.schedules import Schedule, Schedules
from workflows.names import QUEUE_REPORT, SCHEDULED


async def put(dbos: DBOSClient, schedule: Schedule) -> None:
    """Have DBOS's clock know a schedule as it is now."""
    if schedule.paused:
        await dbos.delete_schedule_async(schedule.name)
        return
    await dbos.apply_schedules_async(
        [
            {
                "schedule_name": schedule.name,
                "workflow_name": SCHEDULED,
                "schedule": schedule.cron,
                "context": {"schedule": schedule.name},
                "automatic_backfill": schedule.missed == "catch_up",
                "cron_timezone": schedule.timezone,
                "queue_name": QUEUE_REPORT,
            }
        ]
    )


async def put_all(dbos: DBOSClient, schedules: Schedules) -> None:
    """As `put`, of all of them, and forget those that are no more: a crash may have come in between."""
    wanted = await schedules.list()
    for schedule in wanted:
        await put(dbos, schedule)
    names = {schedule.name for schedule in wanted}
    for known in await dbos.list_schedules_async(workflow_name=SCHEDULED):
        if known["schedule_name"] not in names:
            await dbos.delete_schedule_async(known["schedule_name"])
