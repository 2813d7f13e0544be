"""The command `seezar`: puts the commands together."""

import os
import sys
from typing import Annotated

import typer

from seezar.environment import load_environment
from seezar.telemetry.logs import mask_logs
from service.commands import (
    accounts,
    api,
    audit,
    clients,
    confirmations,
    database,
    extract,
    knowledge,
    mail,
    mcp,
    models,
    notices,
    processes,
    reports,
    runs,
    schedules,
    sessions,
    tokens,
    vault,
    webhooks,
)
from service.commands.sign_in import sign_in
from service.examples import epilog

# Other packages add commands under this entry point group: a callable that is given the app.
EXTENSIONS = "seezar.commands"


def build() -> typer.Typer:
    """The application with the commands of this package."""
    app = typer.Typer(
        name="seezar",
        help="An operator agent that signs in, and stays signed in.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    app.command("sign-in")(sign_in)
    app.add_typer(accounts.app, name="account")
    app.add_typer(sessions.app, name="session")
    app.add_typer(runs.app, name="runs")
    app.add_typer(notices.app, name="notices")
    app.add_typer(extract.app, name="extract")
    app.add_typer(knowledge.app, name="knowledge")
    app.add_typer(schedules.app, name="schedule")
    app.add_typer(reports.app, name="report")
    app.add_typer(webhooks.app, name="webhook")
    app.add_typer(mail.app, name="mail")
    app.add_typer(models.app, name="models")
    app.command()(processes.up)
    app.command()(processes.down)
    app.command()(processes.status)
    app.command()(processes.doctor)
    app.command()(processes.web)
    app.command()(api.api)
    app.command()(mcp.mcp)
    app.command()(processes.worker)
    app.add_typer(clients.app, name="client")
    app.add_typer(tokens.app, name="token")
    app.add_typer(confirmations.app, name="confirm")
    app.add_typer(audit.app, name="audit")
    app.add_typer(vault.app, name="vault")
    app.add_typer(database.app, name="db")
    _explain(app, "")
    return app


def _explain(app: typer.Typer, before: str) -> None:
    """Put examples and exit codes below the help of each command."""
    for command in app.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__.replace("_", "-")
        command.epilog = epilog(f"{before}{name}")
    for group in app.registered_groups:
        if group.typer_instance is not None and group.name is not None:
            _explain(group.typer_instance, f"{group.name} ")


def extend(app: typer.Typer) -> None:
    """Add the commands of other packages."""
    # Imported and searched only where needed: it costs a tenth of a second.
    from importlib.metadata import entry_points

    for extension in entry_points(group=EXTENSIONS):
        extension.load()(app)
    _explain(app, "")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"seezar {version('seezar')}")
        raise typer.Exit


def _options(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main() -> None:
    """Entry point of the console script."""
    # Read before LiteLLM is imported anywhere: without it, its import fetches a price list from the network.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    load_environment()
    mask_logs()
    app = build()
    if not _is_own(app, sys.argv[1:]):
        extend(app)
    app()


def _is_own(app: typer.Typer, arguments: list[str]) -> bool:
    first = next((argument for argument in arguments if not argument.startswith("-")), None)
    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    return first in commands | {group.name for group in app.registered_groups}


if __name__ == "__main__":
    main()
