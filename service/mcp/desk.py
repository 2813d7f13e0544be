"""What the tools work with: the workers, and who asks."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from mcp.server.mcpserver import Context

from seezar.access import Caller, Scope
from seezar.audit import acting_as
from workflows.client import Client

# Where the gate of `/mcp` leaves the caller of a request.
CALLER = "seezar.caller"


@dataclass(frozen=True)
class Desk:
    """The workers, and the caller of requests that passed no gate: the person at this machine, over stdio.

    Args:
        client: asks the workers; called once the server runs.
        local: who asks over stdio; None where every request has a caller of its own.
    """

    client: Callable[[], Client]
    local: Caller | None = None

    @asynccontextmanager
    async def asked(self, context: Context[Any, Any], *scopes: Scope) -> AsyncGenerator[Client]:
        """The workers, for a caller who has these scopes.

        Raises:
            ScopeMissing: he has not.
        """
        caller = self.caller(context.request_context.request)
        for scope in scopes:
            caller.require(scope)
        # Over stdio it is whoever started this process, as on the command line.
        with nullcontext() if caller is self.local else acting_as(f"client:{caller.name}"):
            yield self.client()

    def caller(self, request: Any) -> Caller:
        """Who sent an HTTP request; None came over stdio."""
        if request is None:
            assert self.local is not None, "a request without a gate comes over stdio"
            return self.local
        caller = request.scope[CALLER]
        assert isinstance(caller, Caller)
        return caller
