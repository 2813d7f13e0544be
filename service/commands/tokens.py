"""`seezar token new|revoke`: for whoever has the home, who could read the database and the key anyway."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from service import completing
from service.boundary import guarded

if TYPE_CHECKING:
    from seezar.access import TokenPair
    from seezar.application import Application

app = typer.Typer(help="Tokens for the HTTP API, without the secret of a client.", no_args_is_help=True)

Name = Annotated[
    str,
    typer.Argument(
        metavar="CLIENT", help="Name or id of the client.", show_default=False, autocompletion=completing.clients
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
@guarded()
def new(
    client: Name,
    scope: Annotated[
        list[str] | None, typer.Option(metavar="SCOPE", help="Fewer than the client's; may be given repeatedly.")
    ] = None,
    minutes: Annotated[int, typer.Option(min=1, max=720, help="How long it lives.")] = 15,
    audience: Annotated[str, typer.Option(help="seezar-api, or seezar-web for ADK Web.")] = "seezar-api",
    as_json: AsJson = False,
) -> None:
    """Print an access token for a client."""
    from service.ground import with_application
    from service.terminal import print_json, say

    async def work(application: "Application") -> "TokenPair":
        return await application.access.tokens.issue_here(
            client, scope, audience=audience, life=timedelta(minutes=minutes)
        )

    pair = with_application(work)
    if as_json:
        print_json(
            {"access_token": pair.access_token, "expires_in": pair.expires_in, "scope": " ".join(sorted(pair.scopes))}
        )
    else:
        say(pair.access_token)


@app.command()
@guarded()
def revoke(client: Name, as_json: AsJson = False) -> None:
    """Take back every token of a client. It may ask for new ones."""
    from service.ground import with_application
    from service.terminal import print_json, say

    async def work(application: "Application") -> str:
        return (await application.access.clients.revoke_tokens(client)).name

    name = with_application(work)
    if as_json:
        print_json({"status": "revoked", "client": name})
    else:
        say(f"Every token of {name} is revoked.", style="green")


@app.command("rotate-key")
@guarded()
def rotate_key(as_json: AsJson = False) -> None:
    """Sign tokens with a new key from now on. Those of the old one count until they expire."""
    from service.ground import with_application
    from service.terminal import print_json, say

    async def work(application: "Application") -> str:
        return (await application.access.keys.rotate()).kid

    kid = with_application(work)
    if as_json:
        print_json({"status": "rotated", "kid": kid})
    else:
        say(f"The key {kid} signs from now on.", style="green")
