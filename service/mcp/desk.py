"""What the tools work with: the workers, and who asks."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError

from seezar.access import Caller, Scope
from seezar.accounts.records import result_of_waiting
from seezar.audit import acting_as
from seezar.errors import RunTimedOut, SeezarError
from seezar.telemetry.revealed import revealed
from workflows.client import Client

# Where the gate of `/mcp` leaves the caller of a request.
CALLER = "seezar.caller"


@dataclass(frozen=True)
class Desk:
    """The workers, and the caller of requests that no gate has let in: the person at this machine, over stdio.

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
            ToolError: he has not, or anything else that is raised on purpose in the block, as `{"status", "message"}`.
        """
        try:
            caller = self.caller(context)
            for scope in scopes:
                caller.require(scope)
            with acting_as(f"client:{caller.name}"):
                yield self.client()
        except SeezarError as error:
            told = {name: revealed.redactor()(text) for name, text in error.as_dict().items()}
            raise ToolError(json.dumps(told)) from None

    def caller(self, context: Context[Any, Any]) -> Caller:
        """Who asks."""
        request = context.request_context.request
        if request is None:
            assert self.local is not None, "a request without a gate comes over stdio"
            return self.local
        caller = request.scope[CALLER]
        assert isinstance(caller, Caller)
        return caller


async def followed(context: Context[Any, Any], client: Client, run_id: str, *, seconds: float) -> dict[str, Any]:
    """The result of a run, its timeline told as progress meanwhile; `status` is `running` when it takes longer."""
    told = 0
    try:
        async for event in client.follow(run_id, timeout=seconds):
            told += 1
            await context.report_progress(told, message=event.message)
    except RunTimedOut:
        run = await client.application.runs.get(run_id)
        message = "It goes on in the worker; ask run_status for it."
        return {"status": "running", "run_id": run_id, "account": run.account, "message": message}
    run = await client.application.runs.get(run_id)
    result = result_of_waiting(run) if run.waiting else run.result or {"status": run.status, "reason": run.reason}
    return {**result, "run_id": run_id, "message": result.get("reason", "")}
