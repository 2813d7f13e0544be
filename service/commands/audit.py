"""`seezar audit list|verify|export`."""

import json
from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.boundary import guarded

if TYPE_CHECKING:
    from seezar.application import Application
    from seezar.audit import Entry, Verdict
    from seezar.audit.verifying import Head
    from seezar.database import Row

app = typer.Typer(help="The audit log: who did what to which account when.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("list")
@guarded()
def list_entries(
    subject: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only of this account, client or mailbox.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the newest entries."""
    from service.ground import with_application
    from service.terminal import moment, note, print_json, table

    async def load(application: "Application") -> list["Entry"]:
        return list(await application.audit.list(subject=subject, limit=limit))

    entries = with_application(load)
    if as_json:
        print_json({"entries": [{**asdict(entry), "mac": entry.mac.hex()} for entry in entries]})
    elif entries:
        rows = [(str(e.number), moment(e.at), e.actor, e.action, e.subject or "", _detail(e.detail)) for e in entries]
        table(("NUMBER", "WHEN", "WHO", "WHAT", "TO", "DETAIL"), rows)
    else:
        note("Nothing is written there yet.")


def _detail(detail: dict[str, object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in detail.items())


@app.command()
@guarded()
def verify(
    head: Annotated[
        str | None,
        typer.Option(metavar="NUMBER:CODE", help="A row that was the last one once, as an earlier verify printed it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that no row was changed, left out or cut off. Exit code 1 if one was. Notes the last row in the home."""
    from seezar.settings import get_settings
    from service.ground import with_application
    from service.terminal import counting, print_json, say

    given = [] if head is None else [_head(head)]
    home = get_settings().home

    async def work(application: "Application") -> "Verdict":
        from seezar.audit.verifying import note_head, noted_heads
        from seezar.audit.verifying import verify as walk

        heads = [*noted_heads(home), *given]
        with counting("Reading the audit log", "rows") as counted:
            verdict = await walk(application.audit, heads=heads, on_rows=counted)
        if verdict.intact:
            await note_head(application.database, home)
        return verdict

    verdict = with_application(work)
    if as_json:
        print_json({"status": "intact" if verdict.intact else "broken", **asdict(verdict)})
    elif verdict.intact:
        last = "" if verdict.head is None else f" Head: {verdict.head.number}:{verdict.head.mac}"
        say(f"✓ {verdict.rows} rows, and every one fits.{last}", style="green")
    else:
        say(f"✗ Row {verdict.broken_at} does not fit: {verdict.problem}.", style="red")
    if not verdict.intact:
        raise typer.Exit(1)


@app.command()
@guarded()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="New file, made with mode 0600.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Write the whole log into a file, a JSON object a line, the oldest first."""
    from service.ground import with_application
    from service.new_file import check_new, write_new
    from service.terminal import print_json, say, working

    async def load(application: "Application") -> list[str]:
        return [_line(row) async for rows in application.audit.walk() for row in rows]

    check_new(file)
    with working("Reading the audit log"):
        lines = with_application(load)
    write_new(file, "".join(lines).encode())
    if as_json:
        print_json({"status": "ok", "file": str(file), "rows": len(lines)})
    else:
        say(f"Wrote {len(lines)} rows to {file}.", style="green")


def _line(row: "Row") -> str:
    # The detail as text: the code of the row is over that very text.
    told = {**row, "at": row["at"].astimezone(UTC).isoformat(), "mac": bytes(row["mac"]).hex()}
    return json.dumps(told, ensure_ascii=False) + "\n"


def _head(text: str) -> "Head":
    from seezar.audit.verifying import Head
    from seezar.errors import InvalidInput

    number, _, code = text.partition(":")
    if not number.isdecimal() or not code:
        raise InvalidInput("That is no head.", next_step="Give it as NUMBER:CODE, as seezar audit verify prints it.")
    return Head(int(number), code)
