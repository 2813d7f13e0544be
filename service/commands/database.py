"""`seezar db start|stop|url|migrate|clean|backup|restore`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.boundary import guarded

if TYPE_CHECKING:
    from seezar.accounts.retention import Cleaned
    from seezar.application import Application

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

app = typer.Typer(help="The database: embedded, unless SEEZAR_DATABASE_URL names a server.", no_args_is_help=True)


@app.command()
@guarded()
def start(as_json: AsJson = False) -> None:
    """Start the embedded database and bring it up to date. It runs until `seezar db stop` or `seezar down`."""
    from seezar.database.urls import without_password
    from seezar.settings import get_settings
    from service.terminal import tell, working
    from workflows.ground import prepare_database

    settings = get_settings()
    with working("Starting the database" if settings.database_url is None else "Asking the database"):
        url = prepare_database(settings)
    shown = without_password(url)
    tell(f"The database is ready: {shown}", {"status": "ready", "url": shown}, as_json=as_json)


@app.command()
@guarded()
def stop(as_json: AsJson = False) -> None:
    """Stop the embedded database, and the workers of this home before it."""
    from seezar.errors import InvalidInput
    from seezar.settings import get_settings
    from service.notes import live_notes
    from service.stopping import stop_database, stop_workers
    from service.terminal import tell

    settings = get_settings()
    if settings.database_url is not None:
        raise InvalidInput(
            "SEEZAR_DATABASE_URL names a database that seezar did not start.",
            kept="It was left alone.",
            next_step="Stop that server by its own means.",
        )
    users = live_notes(settings)
    if users:
        raise InvalidInput(
            f"seezar {users[0].kind} (process {users[0].pid}) uses the database.",
            kept="Nothing was stopped.",
            next_step="Stop everything with seezar down.",
        )
    stopped = [*stop_workers(settings), *stop_database(settings)]
    tell("\n".join(stopped or ["The database does not run."]), {"stopped": stopped}, as_json=as_json, style="")


@app.command()
@guarded()
def url(as_json: AsJson = False) -> None:
    """Print the URL of the database, password included, for psql and other programs."""
    from seezar.errors import DatabaseUnavailable
    from seezar.settings import get_settings
    from service.terminal import print_json
    from workflows.ground import database_address

    address = database_address(get_settings())
    if address is None:
        raise DatabaseUnavailable("The embedded database does not run.", next_step="Start it: seezar db start.")
    if as_json:
        print_json({"url": address})
    else:
        typer.echo(address)


@app.command()
@guarded()
def migrate(as_json: AsJson = False) -> None:
    """Bring the database up to date, and say what was applied."""
    from seezar.settings import get_settings
    from service.terminal import tell, working
    from workflows.ground import migrate_database, start_database

    settings = get_settings()
    with working("Migrating the database"):
        applied = migrate_database(start_database(settings))
    text = "\n".join(f"Applied {name}." for name in applied) or "The database is up to date."
    tell(text, {"applied": applied}, as_json=as_json)


@app.command()
@guarded()
def clean(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how much would be deleted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete what is older than the SEEZAR_KEEP_… settings say. A running worker does it every hour by itself.

    Also files of agents in artifacts/ of the home, and databases that a restore which was cut off has left.
    """
    from service.ground import with_application
    from service.terminal import print_json, say, working

    async def work(application: "Application") -> "Cleaned":
        from seezar.accounts.retention import Cleaned
        from workflows import engine
        from workflows.artifacts import clean_artifacts
        from workflows.housekeeping import clean, count

        if dry_run:
            return Cleaned(await count(application), finished=True)
        dbos = engine.client(application.database.url)
        try:
            cleaned = await clean(application, dbos)
        finally:
            dbos.destroy()
        return Cleaned(cleaned.counts | {"artifacts": clean_artifacts(application.settings)}, cleaned.finished)

    with working("Counting what is old" if dry_run else "Deleting what is old"):
        cleaned = with_application(work)
        counts = cleaned.counts | {"databases": _restores_cut_off(remove=not dry_run)}
    if as_json:
        print_json({"status": "ok" if cleaned.finished else "busy", "dry_run": dry_run, "counts": counts})
        return
    verb = "Would delete" if dry_run else "Deleted"
    said = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    if said:
        say(f"{verb} {said}.", style="green")
    if not cleaned.finished:
        say("Another process is deleting the rest now.")
    elif not said:
        say("There is nothing old enough to be deleted.", style="green")


@app.command()
@guarded()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="New file, made with mode 0600.")],
    as_json: AsJson = False,
) -> None:
    """Write everything that is stored into one file. Programs that run go on meanwhile.

    The master key is not in it: without it nobody can read the secrets and sessions. Keep a copy of it elsewhere.
    """
    from seezar.settings import get_settings
    from service.terminal import note, tell, working
    from workflows.backup import write_backup
    from workflows.ground import passing_database

    settings = get_settings()
    with working("Writing the backup"), passing_database(settings) as address:
        # Before: what is told and then fails is better than what is done and not told.
        _tell(address, "backup.write", file=file.name)
        size = write_backup(settings, address, file)
    told = {"output": str(file), "size": size}
    tell(f"Wrote {file} ({size / 1024**2:.1f} MB, mode 0600).", told, as_json=as_json)
    place = _key_place()
    note(f"The master key is not in it, and without it the secrets cannot be read: keep a copy of {place} elsewhere.")


@app.command()
@guarded()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What seezar db backup wrote.")],
    yes: Annotated[bool, typer.Option("--yes", help="Replace what is stored here.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put back what a backup holds, in place of what is stored here. Either all of it is done or nothing.

    Needs the master key that the backup was made with, and that no other seezar program runs.
    """
    from seezar.audit.verifying import note_restore
    from seezar.settings import get_settings
    from service.terminal import note, tell, working
    from workflows.backup import restore_backup
    from workflows.ground import passing_database

    settings = get_settings()
    with working("Restoring the backup"), passing_database(settings, migrated=False) as address:
        restored = restore_backup(settings, address, file, replace=yes)
        note_restore(settings.home)
        _tell(address, "backup.restore", file=file.name, taken_at=restored.taken_at.isoformat())
    text = f"Restored the backup of {restored.taken_at:%Y-%m-%d %H:%M:%S} UTC."
    tell(text, {"file": str(file), "taken_at": restored.taken_at}, as_json=as_json)
    note("Runs that were under way then go on with the next worker: seezar up, or seezar worker.")


def _tell(address: str, action: str, **detail: str) -> None:
    """Write into the audit log of the database at `address`; without the master key that is only told."""
    import asyncio

    from seezar.application import Application
    from seezar.errors import KeyUnusable
    from seezar.settings import get_settings
    from seezar.vault.keys import key_file
    from service.terminal import note

    settings = get_settings()

    async def write() -> None:
        async with await Application.open(
            settings, address, application_name="seezar-client-cli", max_connections=1
        ) as application:
            await application.audit.note(action, None, **detail)

    try:
        # Opening would make a key where there is none.
        if settings.master_key is not None or key_file(settings).exists():
            asyncio.run(write())
    except KeyUnusable as error:
        note(f"The audit log was not told of this: {error}", style="yellow")


def _restores_cut_off(*, remove: bool) -> int:
    """How many databases restores have left, or with `remove` how many of them were removed."""
    import psycopg

    from seezar.database.pool import unavailable
    from seezar.settings import get_settings
    from workflows import restores
    from workflows.ground import database_address

    address = database_address(get_settings())
    # Stopped since: what is there, the next time finds.
    if address is None:
        return 0
    try:
        if remove:
            return restores.remove_leftovers(address)
        with restores.connect(address) as connection:
            return sum(not leftover.at_work for leftover in restores.leftovers(connection, address))
    except psycopg.Error as error:
        raise unavailable(address, error) from error


def _key_place() -> str:
    """Where the master key is."""
    from seezar.settings import get_settings
    from seezar.vault.keys import key_file

    settings = get_settings()
    return "SEEZAR_MASTER_KEY" if settings.master_key is not None else str(key_file(settings))
