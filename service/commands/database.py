"""`seezar db start|stop|url|migrate`."""

import typer

from service.boundary import guarded

app = typer.Typer(help="The database: embedded, unless SEEZAR_DATABASE_URL names a server.", no_args_is_help=True)


@app.command()
@guarded()
def start() -> None:
    """Start the embedded database and bring it up to date. It runs until `seezar db stop` or `seezar down`."""
    from seezar.database.urls import without_password
    from seezar.settings import get_settings
    from service.terminal import say, working
    from workflows.ground import prepare_database

    settings = get_settings()
    with working("Starting the database" if settings.database_url is None else "Asking the database"):
        url = prepare_database(settings)
    say(f"The database is ready: {without_password(url)}", style="green")


@app.command()
@guarded()
def stop() -> None:
    """Stop the embedded database, and the workers of this home before it."""
    from seezar.errors import InvalidInput
    from seezar.settings import get_settings
    from service.notes import live_notes
    from service.stopping import stop_database, stop_workers
    from service.terminal import say

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
    for what in stopped or ["The database does not run."]:
        say(what)


@app.command()
@guarded()
def url() -> None:
    """Print the URL of the database, password included, for psql and other programs."""
    from seezar.errors import DatabaseUnavailable
    from seezar.settings import get_settings
    from workflows.ground import database_address

    address = database_address(get_settings())
    if address is None:
        raise DatabaseUnavailable("The embedded database does not run.", next_step="Start it: seezar db start.")
    typer.echo(address)


@app.command()
@guarded()
def migrate() -> None:
    """Bring the database up to date, and say what was applied."""
    from seezar.settings import get_settings
    from service.terminal import say, working
    from workflows.ground import migrate_database, start_database

    settings = get_settings()
    with working("Migrating the database"):
        applied = migrate_database(start_database(settings))
    say("\n".join(f"Applied {name}." for name in applied) or "The database is up to date.", style="green")
