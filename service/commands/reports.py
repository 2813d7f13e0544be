"""`seezar report make|list|show|file|remove`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seezar.errors import SeezarError
from service import completing
from service.boundary import guarded

if TYPE_CHECKING:
    from seezar.application import Application
    from seezar.reports import NewFile, Report
    from workflows.client import Client

app = typer.Typer(help="Reports: what was found out behind logins, with its evidence.", no_args_is_help=True)

Id = Annotated[
    str, typer.Argument(metavar="ID", help="Id of a report.", show_default=False, autocompletion=completing.reports)
]
_PATIENCE_S = 3_700.0


class ReportNotMade(SeezarError):
    """The run of a report ended without one; its status is that of the run."""

    status = "not_reported"

    def __init__(self, status: str, reason: str, run_id: str) -> None:
        super().__init__(
            f"The report was not made ({status}). {reason}".rstrip(), next_step=f"See: seezar runs show {run_id}."
        )


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
@guarded()
def make(
    kind: Annotated[
        str,
        typer.Argument(metavar="KIND", help="attention, top, trend or compare.", show_default=False),
    ],
    item: Annotated[
        str, typer.Argument(metavar="ITEM", help="Whose numbers, such as a customer; all when left out.")
    ] = "",
    extraction: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Whose rows; needed where several have days.", autocompletion=completing.extractions
        ),
    ] = None,
    part: Annotated[str, typer.Option(metavar="PART", help="Of a trend: one part alone.")] = "",
    days: Annotated[int, typer.Option(min=1, max=366, metavar="N", help="How many of the last days count.")] = 7,
    before: Annotated[int, typer.Option(min=1, max=366, metavar="N", help="Days to compare with.")] = 30,
    picture: Annotated[str, typer.Option("--as", metavar="PICTURE", help="Of a top: pie or bars.")] = "pie",
    max_age: Annotated[
        float, typer.Option(min=0, metavar="HOURS", help="Read rows anew that are older; 0 = always.")
    ] = 24.0,
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write its pictures and tables there.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a report of extracted rows. Those that are too old are read anew first."""
    from seezar.reporting.choosing import dated
    from seezar.reporting.requests import request_of
    from service.ground import with_client
    from service.terminal import note, print_json, say

    asked = {"kind": kind, "item": item, "part": part, "days": days, "before": before, "picture": picture}

    async def work(client: "Client") -> "tuple[Report, str, list[NewFile]]":
        from service.timeline import waiting
        from service.watching import watched

        name = (await dated(client.application.extractions, extraction or "")).definition.name
        run_id = await client.report(request_of({**asked, "extraction": name, "max_age_h": max_age}))
        run = await client.application.runs.get(run_id)
        with waiting("Making the report …"):
            result = await watched(client, run, timeout=_PATIENCE_S)
        if result["status"] != "reported":
            raise ReportNotMade(str(result["status"]), str(result.get("reason", "")), run_id)
        reports = client.application.reports
        report = await reports.get(result["report_id"])
        files = [await reports.file(report.id, file.name) for file in report.files] if output else []
        return report, await reports.text(report.id), files

    report, text, files = with_client(work)
    written = _written(output, files) if output else []
    if as_json:
        print_json({**asdict(report), "text": text, "written": written})
        return
    say(report.title, style="bold")
    say(f"\n{text}\n")
    note(f"It is kept: seezar report show {report.id}")
    for name in written:
        note(f"Written: {name}")


def _written(folder: Path, files: "list[NewFile]") -> list[str]:
    """Write the files of a report into a folder, which may be there."""
    from service.new_file import check_new, write_new

    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        check_new(folder / file.name)
    for file in files:
        write_new(folder / file.name, file.content)
    return [str(folder / file.name) for file in files]


@app.command("list")
@guarded()
def list_reports(
    account: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Only those about this account.", autocompletion=completing.accounts),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="At most N.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the newest reports."""
    from service.ground import with_application
    from service.terminal import moment, note, print_json, table

    async def load(application: "Application") -> "list[Report]":
        return await application.reports.list(account=account, limit=limit)

    found = with_application(load)
    if as_json:
        print_json({"reports": [asdict(report) for report in found]})
    elif found:
        rows = [(r.id, moment(r.created_at), r.account or "", r.title, str(len(r.files))) for r in found]
        table(("ID", "MADE", "ACCOUNT", "TITLE", "FILES"), rows)
    else:
        note("There are no reports.")


@app.command()
@guarded()
def show(report: Id, as_json: AsJson = False) -> None:
    """Show a report with its text, and where it comes from."""
    from service.ground import with_application
    from service.terminal import fields, moment, print_json, say

    async def load(application: "Application") -> "tuple[Report, str]":
        return await application.reports.get(report), await application.reports.text(report)

    found, text = with_application(load)
    if as_json:
        print_json({**asdict(found), "text": text})
        return
    pairs = [("title", found.title), ("made", f"{moment(found.created_at)} by {found.made_by}")]
    pairs += [("account", found.account)] if found.account else []
    pairs += [(source.kind, _source(source.id, source.quote)) for source in found.sources]
    pairs += [("file", f"{file.name} ({file.media_type}, {file.size:,} bytes)") for file in found.files]
    fields(pairs)
    say(f"\n{text}")


@app.command()
@guarded()
def file(
    report: Id,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of one of its files.", show_default=False)],
    output: Annotated[Path, typer.Option(metavar="FILE", help="New file to write.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Write a picture or a table of a report into a file."""
    from service.ground import with_application
    from service.new_file import check_new, write_new
    from service.terminal import print_json, say

    check_new(output)

    async def load(application: "Application") -> "NewFile":
        return await application.reports.file(report, name)

    found = with_application(load)
    write_new(output, found.content)
    if as_json:
        told: dict[str, Any] = {"report": report, "name": name, "media_type": found.media_type}
        print_json({**told, "output": str(output), "size": len(found.content)})
    else:
        say(f"{name} is in {output}.", style="green")


@app.command()
@guarded()
def remove(report: Id, as_json: AsJson = False) -> None:
    """Delete a report with its files."""
    from service.ground import with_application
    from service.terminal import print_json, say

    async def work(application: "Application") -> None:
        await application.reports.remove(report)

    with_application(work)
    if as_json:
        print_json({"report": report, "removed": True})
    else:
        say("The report is deleted.", style="green")


def _source(name: str, quote: str) -> str:
    return f"{name}: {quote}" if quote else name
