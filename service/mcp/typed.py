"""The server of the official SDK, with errors that have our shape: `{"status", "message"}`, and no traceback."""

import json
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import (
    ResourceError,
    ResourceNotFoundError,
    ToolError,
    UnexpectedResourceError,
    UnexpectedToolError,
)
from mcp.types import CallToolResult, InputRequiredResult, Resource, TextContent
from pydantic import AnyUrl, ValidationError

from seezar.errors import AccountUnknown, SeezarError
from seezar.telemetry.revealed import revealed

_log = logging.getLogger(__name__)
# Statuses of things that are not there: the protocol has an error of its own for a resource that is not.
_GONE = frozenset({"unknown_run", "unknown_report"})
_MOST_FIELDS = 20


class TypedServer(MCPServer[Any]):
    """Answers every failure of a tool with a result that says how it failed.

    Attributes:
        listed: addresses of templates that mean something as they are; the SDK lists resources without a caller alone.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.listed: list[Resource] = []

    async def list_resources(self) -> list[Resource]:
        """The resources that a client can read without filling in anything."""
        return [*await super().list_resources(), *self.listed]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """The result of a tool; `is_error` is set where it failed."""
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            told = _told(name, error)
        content = TextContent(type="text", text=json.dumps(told, ensure_ascii=False))
        return CallToolResult(content=[content], structured_content=dict(told), is_error=True)

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[Any, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """The content of a resource.

        Raises:
            ResourceNotFoundError: there is none of this address.
            ResourceError: it cannot be had; its text is `{"status", "message"}`.
        """
        try:
            return await super().read_resource(uri, context)
        except UnexpectedResourceError as error:
            told = _told("The resource", error)
        kind = ResourceNotFoundError if told["status"] in _GONE else ResourceError
        raise kind(json.dumps(told, ensure_ascii=False)) from None


def _told(name: str, error: ToolError | ResourceError) -> Mapping[str, str]:
    cause: BaseException = error
    while isinstance(cause, ToolError | ResourceError) and cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, AccountUnknown):
        # Which accounts there are is for those who may list them.
        return {"status": cause.status, "message": f"{cause.what} Ask the user which account is meant."}
    if isinstance(cause, SeezarError):
        redact = revealed.redactor()
        return {word: redact(text) for word, text in cause.as_dict().items()}
    if isinstance(cause, ValidationError) and not isinstance(error, UnexpectedToolError):
        return {"status": "invalid_input", "message": _faults(cause)}
    if not isinstance(error, UnexpectedToolError | UnexpectedResourceError):
        # A word of the SDK: no such tool, an answer of the wrong shape.
        return {"status": "invalid_input", "message": str(error)[:500]}
    # Of what nobody foresaw only the type is told: its text may quote what must not be shown.
    _log.error("%s failed with %s", name, type(cause).__name__)
    what = f"{name} failed unexpectedly ({type(cause).__name__})."
    return {"status": "error", "message": f"{what} Runs that were started go on in the worker."}


def _faults(error: ValidationError) -> str:
    """What is wrong with the arguments; what was sent is not repeated."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    told = [f"{'.'.join(str(part) for part in fault['loc'])[:80]}: {fault['msg']}" for fault in faults[:_MOST_FIELDS]]
    return f"The arguments cannot be used: {'; '.join(told)}. Nothing was done."
