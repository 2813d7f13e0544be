"""`seezar mcp`: over stdin and stdout, for a client on this machine. Nothing but the protocol is written to stdout."""

import asyncio
from collections.abc import Iterable

from seezar.access import Caller, Scope
from seezar.settings import Settings

# What an agent on this machine needs for its work. The rest has to be asked for by name.
DEFAULT_SCOPES = frozenset(
    {
        Scope.SIGNIN,
        Scope.RUNS_READ,
        Scope.RUNS_WRITE,
        Scope.PAGES_OPEN,
        Scope.PAGES_READ,
        Scope.KNOWLEDGE_READ,
        Scope.REPORTS_READ,
    }
)


def serve(settings: Settings, scopes: Iterable[Scope] = DEFAULT_SCOPES) -> None:
    """Serve until stdin ends.

    Args:
        scopes: what the client may do.

    Raises:
        SeezarError: database or worker cannot be had.
    """
    asyncio.run(_serve(settings, Caller("stdio", "stdio", frozenset(scopes), "stdio")))


async def _serve(settings: Settings, caller: Caller) -> None:
    from service.mcp.desk import Desk
    from service.mcp.server import build_server
    from workflows.client import Client

    async with await Client.connect(settings, name="seezar-client-mcp") as client:
        await build_server(Desk(lambda: client, local=caller)).run_stdio_async()
