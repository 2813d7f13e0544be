"""`seezar client list|add|scopes|disable|enable|rotate-secret`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service import completing
from service.boundary import guarded

if TYPE_CHECKING:
    from seezar.access.clients import Client, NewClient
    from seezar.application import Application

app = typer.Typer(help="Clients: programs and people that use the HTTP API.", no_args_is_help=True)

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="Name or id of the client.", show_default=False, autocompletion=completing.clients
    ),
]
Scopes = Annotated[
    list[str],
    typer.Option(
        "--scope",
        metavar="SCOPE",
        help="May be given repeatedly.",
        show_default=False,
        autocompletion=completing.scopes,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("list")
@guarded()
def list_clients(as_json: AsJson = False) -> None:
    """List the clients with their scopes. Never their secrets, which are not stored."""
    from service.ground import with_application
    from service.terminal import moment, note, print_json, table

    async def load(application: "Application") -> list["Client"]:
        return list(await application.access.clients.list())

    clients = with_application(load)
    if as_json:
        print_json({"clients": [_object(client) for client in clients]})
    elif clients:
        rows = [(c.name, _state(c), " ".join(sorted(c.scopes)), moment(c.created_at), c.id) for c in clients]
        table(("CLIENT", "STATE", "SCOPES", "CREATED", "ID"), rows)
    else:
        note("There are no clients. The first start of seezar api makes one, or: seezar client add NAME --scope SCOPE")


@app.command()
@guarded()
def add(name: Name, scope: Scopes, as_json: AsJson = False) -> None:
    """Make a client. Its secret is printed this once."""

    async def work(application: "Application") -> "NewClient":
        return await application.access.clients.add(name, scope)

    _show_secret(work, as_json=as_json)


@app.command("rotate-secret")
@guarded()
def rotate_secret(name: Name, as_json: AsJson = False) -> None:
    """Give a client a new secret, printed this once. The old one and all of its tokens no longer count."""

    async def work(application: "Application") -> "NewClient":
        return await application.access.clients.rotate_secret(name)

    _show_secret(work, as_json=as_json)


@app.command()
@guarded()
def scopes(name: Name, scope: Scopes, as_json: AsJson = False) -> None:
    """Give a client other scopes; tokens that it has lose what it has no more."""

    async def work(application: "Application") -> "Client":
        return await application.access.clients.set_scopes(name, scope)

    _show(work, as_json=as_json)


@app.command()
@guarded()
def disable(name: Name, as_json: AsJson = False) -> None:
    """Take a client and all of its tokens out of use."""

    async def work(application: "Application") -> "Client":
        return await application.access.clients.disable(name)

    _show(work, as_json=as_json)


@app.command()
@guarded()
def enable(name: Name, as_json: AsJson = False) -> None:
    """Let a disabled client ask for tokens again. Those that it had stay revoked."""

    async def work(application: "Application") -> "Client":
        return await application.access.clients.enable(name)

    _show(work, as_json=as_json)


def _show_secret(work: Any, *, as_json: bool) -> None:
    from service.ground import with_application
    from service.terminal import note, print_json, say

    made: NewClient = with_application(work)
    if as_json:
        print_json({**_object(made.client), "secret": made.secret})
        return
    say(f"Client {made.client.name} ({made.client.id}), scopes: {' '.join(sorted(made.client.scopes))}.", style="green")
    say(f"Secret: {made.secret}")
    note("It is shown this once. Keep it where the program finds it, and nowhere else.")


def _show(work: Any, *, as_json: bool) -> None:
    from service.ground import with_application
    from service.terminal import print_json, say

    client: Client = with_application(work)
    if as_json:
        print_json(_object(client))
    else:
        say(f"Client {client.name}: {_state(client)}, scopes: {' '.join(sorted(client.scopes))}.", style="green")


def _object(client: "Client") -> dict[str, Any]:
    return {**asdict(client), "scopes": sorted(client.scopes)}


def _state(client: "Client") -> str:
    return "enabled" if client.disabled_at is None else "disabled"
