"""`seezar schedule add|list|show|pause|resume|remove`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service import completing
from service.boundary import guarded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seezar.application import Application
    from seezar.reporting.schedules import Firing, Schedule
    from workflows.client import Client

app = typer.Typer(help="Schedules: extractions and reports by the clock.", no_args_is_help=True)

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="Name of a schedule.", show_default=False, autocompletion=completing.schedules),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
@guarded()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the schedule.", show_default=False)],
    cron: Annotated[
        str,
        typer.Option(metavar="FIELDS", help='When: "0 7 * * 1-5" is 7:00 from Monday to Friday.', show_default=False),
    ],
    extraction: Annotated[
        str,
        typer.Option(
            "--extract", metavar="NAME", help="The extraction to read.", autocompletion=completing.extractions
        ),
    ],
    timezone: Annotated[str, typer.Option(metavar="ZONE", help="Of the fields, such as Europe/Berlin.")] = "UTC",
    report: Annotated[
        str | None, typer.Option(metavar="KIND", help="Make a report of it: attention, top, trend or compare.")
    ] = None,
    item: Annotated[str, typer.Option(metavar="ITEM", help="Of the report: whose numbers.")] = "",
    days: Annotated[int, typer.Option(min=1, max=366, metavar="N", help="Of the report: days that count.")] = 7,
    missed: Annotated[
        str, typer.Option(metavar="WHAT", help="When no worker was there: catch_up (once for all) or skip.")
    ] = "catch_up",
    as_json: AsJson = False,
) -> None:
    """Read an extraction, or make a report of it, by the clock. A schedule of this name is replaced.

    A worker has to be there at the time: seezar up, or seezar worker. Never two at once: what is still being worked on
    when it is due again is left to come to its end.
    """
    from seezar.reporting.schedules import schedule_of
    from service.ground import with_client
    from service.terminal import print_json, say

    request: dict[str, Any] = {"extraction": extraction}
    if report is not None:
        # What is due is read anew, however young the rows are.
        request |= {"kind": report, "item": item, "days": days, "max_age_h": 0}
    kind = "extract" if report is None else "report"
    schedule = schedule_of(
        {"name": name, "kind": kind, "request": request, "cron": cron, "timezone": timezone, "missed": missed}
    )

    async def work(client: "Client") -> None:
        await client.schedule(schedule)

    with_client(work)
    if as_json:
        print_json({**_shown(schedule), "stored": True})
    else:
        say(f"{name} is due next at {_next(schedule)}.", style="green")


@app.command("list")
@guarded()
def list_schedules(as_json: AsJson = False) -> None:
    """List the schedules, with when each is due next."""
    from service.ground import with_application
    from service.terminal import note, print_json, table

    async def load(application: "Application") -> "list[Schedule]":
        return await application.schedules.list()

    found = with_application(load)
    if as_json:
        print_json({"schedules": [_shown(each) for each in found]})
    elif found:
        rows = [(each.name, each.kind, each.extraction, each.cron, each.timezone, _next(each)) for each in found]
        table(("NAME", "KIND", "EXTRACTION", "CRON", "TIME ZONE", "NEXT"), rows)
    else:
        note("There are no schedules.")


@app.command()
@guarded()
def show(
    name: Name,
    limit: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="At most N times.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show a schedule, and what came of the times that it was due."""
    from dataclasses import asdict

    from service.ground import with_application
    from service.terminal import fields, moment, note, print_json, table

    async def load(application: "Application") -> "tuple[Schedule, Sequence[Firing]]":
        return await application.schedules.get(name), await application.schedules.history(name, limit=limit)

    schedule, history = with_application(load)
    if as_json:
        print_json({**_shown(schedule), "history": [asdict(each) for each in history]})
        return
    fields([(key, str(value)) for key, value in _shown(schedule).items()])
    if history:
        rows = [(moment(each.due_at), each.status, " ".join(each.runs), each.reason) for each in history]
        table(("DUE", "STATUS", "RUNS", "REASON"), rows)
    else:
        note("It was not due yet.")


@app.command()
@guarded()
def pause(name: Name, as_json: AsJson = False) -> None:
    """Do nothing when it is due, until it is resumed."""
    _set_paused(name, True, as_json)


@app.command()
@guarded()
def resume(name: Name, as_json: AsJson = False) -> None:
    """Have it count again."""
    _set_paused(name, False, as_json)


@app.command()
@guarded()
def remove(name: Name, as_json: AsJson = False) -> None:
    """Delete a schedule with its history. Runs that it has started go on."""
    from service.ground import with_client
    from service.terminal import tell

    async def work(client: "Client") -> None:
        await client.unschedule(name)

    with_client(work)
    tell(f"{name} is deleted.", {"schedule": name, "removed": True}, as_json=as_json)


def _set_paused(name: str, paused: bool, as_json: bool) -> None:
    from service.ground import with_client
    from service.terminal import tell

    async def work(client: "Client") -> "Schedule":
        schedule = (await client.application.schedules.get(name)).model_copy(update={"paused": paused})
        await client.schedule(schedule)
        return schedule

    schedule = with_client(work)
    told = f"{name} is paused." if paused else f"{name} is due next at {_next(schedule)}."
    tell(told, {"schedule": name, "paused": paused}, as_json=as_json)


def _shown(schedule: "Schedule") -> dict[str, Any]:
    return {**schedule.model_dump(mode="json"), "next": _next(schedule)}


def _next(schedule: "Schedule") -> str:
    from datetime import UTC, datetime

    if schedule.paused:
        return "paused"
    return schedule.next_after(datetime.now(UTC)).strftime("%Y-%m-%d %H:%M:%S %Z")
