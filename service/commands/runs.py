"""`seezar runs list|show|cancel|resume`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.boundary import guarded

if TYPE_CHECKING:
    from seezar.accounts import Run, RunEvent
    from seezar.application import Application
    from workflows.client import Client

app = typer.Typer(help="Runs: what was asked for, and how it went.", no_args_is_help=True)

RunId = Annotated[str, typer.Argument(metavar="ID", help="Id of the run.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

_FIELDS = ("id", "kind", "account", "status", "reason", "attempts", "model_calls", "created_at", "finished_at")


@app.command("list")
@guarded()
def list_runs(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the newest runs."""
    from service.ground import with_application
    from service.terminal import moment, note, print_json, table

    async def load(application: "Application") -> list["Run"]:
        return await application.runs.list(limit=limit)

    runs = with_application(load)
    if as_json:
        print_json({"runs": [as_object(run) for run in runs]})
    elif runs:
        rows = [(run.id, run.status, moment(run.created_at), duration(run)) for run in runs]
        table(("RUN", "STATUS", "BEGAN", "TOOK"), rows)
    else:
        note("There are no runs yet.")


def as_object(run: "Run") -> dict[str, Any]:
    """What `--json` shows of a run."""
    values = asdict(run)
    return {name: values[name] for name in _FIELDS}


def duration(run: "Run") -> str:
    """How long a finished run took."""
    return f"{(run.finished_at - run.created_at).total_seconds():.1f} s" if run.finished_at else "-"


@app.command()
@guarded()
def show(run_id: RunId, as_json: AsJson = False) -> None:
    """Show a run with its timeline."""
    from service.ground import with_application

    async def load(application: "Application") -> tuple["Run", list["RunEvent"]]:
        return await application.runs.get(run_id), list(await application.runs.events(run_id))

    _print(*with_application(load), as_json=as_json)


@app.command()
@guarded()
def cancel(run_id: RunId, as_json: AsJson = False) -> None:
    """Cancel a run. What it stored before stays; one that has ended is left alone."""
    from service.ground import with_client
    from service.terminal import print_json, say

    async def work(client: "Client") -> tuple["Run", bool]:
        ended = (await client.application.runs.get(run_id)).finished
        return await client.cancel(run_id), ended

    run, ended = with_client(work)
    if as_json:
        print_json(as_object(run))
    elif ended:
        say(f"{run.id} had ended before: {run.status}.")
    else:
        say(f"Cancelled {run.id}. Take it up again: seezar runs resume {run.id}", style="green")


@app.command()
@guarded()
def resume(run_id: RunId, as_json: AsJson = False) -> None:
    """Take up a cancelled run where it stopped, and watch it to its end."""
    from service.ground import with_client
    from service.timeline import Timeline, waiting

    async def work(client: "Client") -> tuple["Run", list["RunEvent"]]:
        await client.resume(run_id)
        with waiting(f"Resuming {run_id} …"):
            await Timeline().show(client.follow(run_id, timeout=client.application.settings.sign_in_timeout))
        return await client.application.runs.get(run_id), []

    _print(*with_client(work), as_json=as_json)


def _print(run: "Run", events: list["RunEvent"], *, as_json: bool) -> None:
    from service.terminal import fields, moment, print_json
    from service.timeline import Timeline

    if as_json:
        timeline = [{"at": e.at, "step": e.step, "message": e.message} for e in events]
        print_json({**as_object(run), **({"events": timeline} if events else {})})
        return
    fields(
        [
            ("run", run.id),
            ("kind", run.kind),
            ("account", run.account or "-"),
            ("status", run.status),
            ("reason", run.reason or "-"),
            ("attempts", str(run.attempts)),
            ("model calls", str(run.model_calls)),
            ("began", moment(run.created_at)),
            ("took", duration(run)),
        ]
    )
    timeline = Timeline()
    for event in events:
        timeline.line(event)
