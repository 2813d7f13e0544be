"""`seezar report list|show|file|remove`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service import completing
from service.boundary import guarded

if TYPE_CHECKING:
    from seezar.application import Application
    from seezar.reports import NewFile, Report

app = typer.Typer(help="Reports: what was found out behind logins, with its evidence.", no_args_is_help=True)

Id = Annotated[
    str, typer.Argument(metavar="ID", help="Id of a report.", show_default=False, autocompletion=completing.reports)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


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
