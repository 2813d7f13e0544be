"""`seezar extract add|list|show|run|rows|export|file|remove`."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seezar.errors import InvalidInput
from service import completing
from service.boundary import guarded

if TYPE_CHECKING:
    from seezar.application import Application
    from seezar.extraction.checkpoints import ReadPage
    from seezar.extraction.definitions import Definition, Kept
    from seezar.extraction.store import Stored
    from workflows.client import Client

app = typer.Typer(help="Extractions: rows that are read from pages behind logins.", no_args_is_help=True)

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="Name of an extraction.", show_default=False, autocompletion=completing.extractions
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Account = Annotated[
    str | None, typer.Option(metavar="NAME", help="Only this account.", autocompletion=completing.accounts)
]
AsOf = Annotated[
    datetime | None,
    typer.Option(metavar="TIME", help="As the rows were then (local time).", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
]
_MOST_SHOWN = 50
# Beyond the deadline of a run, it may have had to queue.
_QUEUED_S = 60.0


@app.command()
@guarded()
def add(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A definition, as YAML or JSON.", show_default=False, dir_okay=False)
    ],
    as_json: AsJson = False,
) -> None:
    """Store what is to be read: a new definition, or a change of the one of this name. Its rows stay."""
    from seezar.extraction.definitions import definition_of
    from service.ground import with_application
    from service.terminal import tell

    definition = definition_of(_loaded(file))

    async def work(application: "Application") -> "Kept":
        return await application.extractions.save(definition)

    kept = with_application(work)
    name = definition.name
    said = {"new": f"{name} is stored.", "changed": f"{name} is changed.", "unchanged": f"{name} was so already."}
    tell(f"{said[kept]} Run it: seezar extract run {name}", {"extraction": name, "stored": kept}, as_json=as_json)


@app.command("list")
@guarded()
def list_extractions(as_json: AsJson = False) -> None:
    """List the extractions, with how each of them ended last."""
    from service.ground import with_application
    from service.terminal import moment, note, print_json, table

    async def load(application: "Application") -> "list[Stored]":
        return list(await application.extractions.list())

    found = with_application(load)
    if as_json:
        print_json({"extractions": [_shown(each) for each in found]})
    elif found:
        rows = [
            (e.definition.name, ", ".join(e.definition.accounts), e.last_status or "-", moment(e.last_at))
            for e in found
        ]
        table(("NAME", "ACCOUNTS", "LAST RUN", "ENDED"), rows)
    else:
        note("There are no extractions. Store one: seezar extract add FILE (docs/data.md).")


@app.command()
@guarded()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show a definition, and what could not be read in its last run."""
    import json

    from service.ground import with_application
    from service.terminal import fields, moment, note, print_json, say

    async def load(application: "Application") -> "tuple[Stored, int, list[ReadPage]]":
        stored = await application.extractions.get(name)
        rows = await application.history.count(name)
        run = stored.last_run
        return stored, rows, await application.checkpoints.pages(run, problems=True) if run else []

    stored, rows, pages = with_application(load)
    troubled = [page for page in pages if page.reason or page.problems]
    if as_json:
        print_json({**_shown(stored), "rows": rows, "troubled_pages": [_page(page) for page in troubled]})
        return
    fields(
        [
            ("name", name),
            ("version", f"{stored.version} of {moment(stored.changed_at)}"),
            ("rows", f"{rows:,} readings"),
            ("last run", f"{stored.last_run or '-'} {stored.last_status or ''}"),
            ("tables", f"data.{name}, data.{name}_as_of(time), data.{name}_rows"),
        ]
    )
    say(json.dumps(stored.definition.as_data(), indent=2, ensure_ascii=False))
    for page in troubled[:_MOST_SHOWN]:
        note(f"page {page.position} {page.item} {page.url or ''}: {page.reason}", style="yellow")
        for problem in page.problems[:5]:
            note(f"  {problem.field}: {problem.trouble} {problem.text!r}: {problem.reason}")


@app.command()
@guarded()
def run(
    name: Name,
    account: Account = None,
    key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Names this request: repeated with the same key, it is the same run."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read the pages now, all accounts at the same time. Exit code 0 only when everything was read."""
    from service.ground import with_client
    from service.terminal import print_json, say

    results = with_client(lambda client: _run_all(client, name, account, key))
    whole = all(result["status"] == "extracted" for result in results)
    if as_json:
        print_json({"extraction": name, "status": "extracted" if whole else "incomplete", "runs": results})
    else:
        for result in results:
            good = result["status"] == "extracted"
            told = f"{result.get('rows', 0):,} rows of {result.get('pages', 0)} pages"
            say(
                f"{'✓' if good else '✗'} {result['account']}: {told} ({result['status']}). {result.get('reason', '')}",
                style="green" if good else "red",
            )
        say(f"See the rows: seezar extract rows {name}")
    if not whole:
        raise typer.Exit(1)


async def _run_all(client: "Client", name: str, account: str | None, key: str | None) -> list[dict[str, Any]]:
    import asyncio

    from service.timeline import waiting
    from service.watching import watched

    definition = (await client.application.extractions.get(name)).definition
    accounts = definition.accounts if account is None else (account,)
    runs = [
        await client.application.runs.get(
            await client.extract(name, each, key=None if key is None else f"{key} {each}")
        )
        for each in accounts
    ]
    with waiting(f"Reading {name} …"):
        patience = definition.timeout + _QUEUED_S
        return list(await asyncio.gather(*(watched(client, run, timeout=patience) for run in runs)))


@app.command()
@guarded()
def rows(
    name: Name,
    account: Account = None,
    as_of: AsOf = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="At most N.")] = _MOST_SHOWN,
    as_json: AsJson = False,
) -> None:
    """Show the rows as they are, or as they were."""
    from service.ground import with_application
    from service.terminal import note, print_json, table

    async def load(application: "Application") -> "tuple[Definition, list[dict[str, Any]]]":
        definition = (await application.extractions.get(name)).definition
        found: list[dict[str, Any]] = []
        async with application.history.rows(definition, as_of=_aware(as_of), account=account) as reader:
            async for portion in reader.portions():
                found += portion
                if len(found) > limit:
                    break
        return definition, found

    definition, found = with_application(load)
    shown = found[:limit]
    names = ["_account", "_item", *(field.name for field in definition.fields), "_read_at", "_url"]
    if as_json:
        print_json({"extraction": name, "rows": [{k: _text(v) for k, v in row.items()} for row in shown]})
    elif shown:
        table([each.upper() for each in names], [[str(_text(row[each]) or "") for each in names] for row in shown])
    else:
        note(f"There are no rows. Read them: seezar extract run {name}")
    if len(found) > limit:
        note(f"There are more. All of them: seezar extract export {name} --output {name}.csv")


@app.command()
@guarded()
def export(
    name: Name,
    output: Annotated[
        Path, typer.Option(metavar="FILE", help="New file: .csv, .json or .parquet.", show_default=False)
    ],
    account: Account = None,
    as_of: AsOf = None,
    everything: Annotated[bool, typer.Option("--all", help="Every reading of every row.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the rows into a file for other programs; the name says which kind."""
    from seezar.extraction.exporting import KINDS
    from seezar.extraction.exporting import export as write
    from service.ground import with_application
    from service.new_file import check_new
    from service.terminal import tell, working

    kind = output.suffix.removeprefix(".")
    if kind not in KINDS:
        raise InvalidInput(
            f"{output.name} says no kind of file.",
            kept="Nothing was written.",
            next_step=f"End it in .{', .'.join(KINDS)}.",
        )
    check_new(output)

    async def work(application: "Application") -> int:
        definition = (await application.extractions.get(name)).definition
        history = application.history
        async with history.rows(definition, as_of=_aware(as_of), account=account, everything=everything) as reader:
            return await write(reader, definition, output, kind)

    with working(f"Writing {output}"):
        count = with_application(work)
    told = {"extraction": name, "output": str(output), "rows": count}
    tell(f"{count:,} rows are in {output}.", told, as_json=as_json)


@app.command()
@guarded()
def page(
    run_id: Annotated[
        str, typer.Argument(metavar="RUN", help="Id of a run.", show_default=False, autocompletion=completing.runs)
    ],
    number: Annotated[int, typer.Argument(metavar="PAGE", help="Number of a page in it.", min=0, show_default=False)],
    output: Annotated[Path, typer.Option(metavar="FILE", help="New file to write.", show_default=False)],
    download: Annotated[bool, typer.Option("--download", help="What was downloaded from it, not its picture.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the picture of a page that was read, or the file that was downloaded from it."""
    from service.ground import with_application
    from service.new_file import check_new, write_new
    from service.terminal import tell

    check_new(output)

    async def load(application: "Application") -> bytes | None:
        checkpoints = application.checkpoints
        return await (checkpoints.file(run_id, number) if download else checkpoints.picture(run_id, number))

    content = with_application(load)
    if content is None:
        raise InvalidInput(
            f"Of page {number} of {run_id} there is no such file.",
            kept="Nothing was written.",
            next_step="The columns _run and _page of a row say where it stands.",
        )
    write_new(output, content)
    tell(f"It is in {output}.", {"run_id": run_id, "page": number, "output": str(output)}, as_json=as_json)


@app.command()
@guarded()
def remove(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete an extraction with all of its rows."""
    from service.ask import confirm
    from service.ground import with_application
    from service.terminal import tell

    async def load(application: "Application") -> int:
        await application.extractions.get(name)
        return await application.history.count(name)

    if not yes:
        confirm(f"Delete {name} with {with_application(load):,} readings of rows?")

    async def work(application: "Application") -> None:
        await application.extractions.remove(name)

    with_application(work)
    tell(f"{name} and its rows are deleted.", {"extraction": name, "removed": True}, as_json=as_json)


def _loaded(file: Path) -> dict[str, Any]:
    import yaml

    try:
        data: object = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.", kept="Nothing was stored.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise InvalidInput(f"{file} is neither YAML nor JSON{where}.", kept="Nothing was stored.") from None
    if not isinstance(data, dict):
        raise InvalidInput(
            f"{file} holds no definition.", kept="Nothing was stored.", next_step="See docs/data.md for an example."
        )
    return {str(key): value for key, value in data.items()}


def _shown(stored: "Stored") -> dict[str, Any]:
    return {
        "definition": stored.definition.as_data(),
        "version": stored.version,
        "last_run": stored.last_run,
        "last_status": stored.last_status,
        "last_at": stored.last_at,
    }


def _page(page: "ReadPage") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(page)


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone()


def _text(value: Any) -> Any:
    from seezar.extraction.exporting import plain

    return plain(value)
