"""`/mcp`: streamable HTTP behind the tokens of the API.

Stateless: each request stands for itself, so that any of several API processes can answer it, and no session of one
caller can be used by another.
"""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from mcp.server.mcpserver import MCPServer
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from seezar.access import Access, ScopeMissing, TokenInvalid
from seezar.errors import SeezarError
from service.api.auth import TOKEN_URL, bearer
from service.api.problems import status_of
from service.mcp.desk import CALLER

PATH = "/mcp"
_METADATA = "/.well-known/oauth-protected-resource/mcp"
_SERVER = "/.well-known/oauth-authorization-server"


class McpEndpoint:
    """ASGI application of `/mcp`; it works inside `running`.

    Args:
        access: verifies tokens; called once the server runs.
    """

    def __init__(self, access: Callable[[], Access]) -> None:
        self._access = access
        self._server: MCPServer | None = None

    @asynccontextmanager
    async def running(self, server: MCPServer) -> AsyncGenerator[None]:
        """Answer with `server` for the time of the block."""
        # Made for its session manager; its own routes are not used, as what stands before them is ours.
        server.streamable_http_app(stateless_http=True)
        async with server.session_manager.run():
            self._server = server
            try:
                yield
            finally:
                self._server = None

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Hand the request on if it carries a token that counts."""
        request = Request(scope, receive)
        try:
            caller = await self._access().verify(bearer(request.headers.get("authorization")))
        except SeezarError as error:
            await _refusal(request, error)(scope, receive, send)
            return
        assert self._server is not None, "no request comes before the server runs"
        scope[CALLER] = caller
        await self._server.session_manager.handle_request(scope, receive, send)


def routes(endpoint: McpEndpoint) -> list[Route]:
    """The route of the protocol, and where a client reads how to get a token (RFC 9728, RFC 8414)."""
    return [
        # A class, or Starlette would take it for a function of a request.
        Route(PATH, endpoint, methods=["GET", "POST", "DELETE"], include_in_schema=False),
        Route(_METADATA, _protected_resource, include_in_schema=False),
        Route(_SERVER, _authorization_server, include_in_schema=False),
    ]


def _refusal(request: Request, error: SeezarError) -> JSONResponse:
    status = status_of(error)
    headers: dict[str, str] = {}
    if isinstance(error, TokenInvalid | ScopeMissing):
        metadata = f"{_root(request)}{_METADATA}"
        headers["www-authenticate"] = f'Bearer error="{error.status}", resource_metadata="{metadata}"'
    body = json.loads(json.dumps({"error": error.status, "error_description": str(error)}))
    return JSONResponse(body, status, headers)


async def _protected_resource(request: Request) -> JSONResponse:
    root = _root(request)
    return JSONResponse(
        {
            "resource": f"{root}{PATH}",
            "authorization_servers": [root],
            "bearer_methods_supported": ["header"],
            "resource_name": "seezar",
        }
    )


async def _authorization_server(request: Request) -> JSONResponse:
    root = _root(request)
    return JSONResponse(
        {
            "issuer": root,
            "token_endpoint": f"{root}{TOKEN_URL}",
            "revocation_endpoint": f"{root}{TOKEN_URL}/revoke",
            "grant_types_supported": ["client_credentials", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "response_types_supported": [],
        }
    )


def _root(request: Request) -> str:
    return str(request.base_url).rstrip("/")
