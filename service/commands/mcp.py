"""`seezar mcp`."""

from typing import Annotated

import typer

from service.boundary import guarded


@guarded()
def mcp(
    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="SCOPE", help="What the client may do; may be repeated. [default: see docs/mcp.md]"),
    ] = None,
) -> None:
    """Serve the Model Context Protocol on stdin and stdout, for an agent on this machine."""
    from seezar.access.scopes import parsed_scopes
    from seezar.settings import get_settings
    from service.ground import lay_ground
    from service.mcp.stdio import DEFAULT_SCOPES, serve

    chosen = DEFAULT_SCOPES if scope is None else parsed_scopes(scope)
    settings = get_settings()
    lay_ground(settings, worker=True)
    serve(settings, chosen)
