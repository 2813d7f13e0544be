"""`/mcp`: streamable HTTP behind the tokens of the API.

Stateless: each request stands for itself, so that any of several API processes can answer it, and no session of one
caller can be used by another.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.mcpserver import MCPServer
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from seezar.application import Application
from seezar.errors import SeezarError
from service.api.auth import TOKEN_URL, bearer
from service.api.problems import on_seezar
from service.mcp.desk import CALLER, Desk
from service.mcp.server import build_server
from service.mcp.state import sealed_by
from workflows.client import Client

PATH = "/mcp"
_METADATA = "/.well-known/oauth-protected-resource/mcp"
_SERVER = "/.well-known/oauth-authorization-server"


class McpEndpoint:
    """ASGI application of `/mcp`; it works inside `running`."""

    def __init__(self) -> None:
        self._application: Application | None = None
        self._server: MCPServer[Any] | None = None

    @asynccontextmanager
    async def running(self, client: Client) -> AsyncGenerator[None]:
        """Answer with what this client of the workers can do, for the time of the block."""
        application = client.application
        desk = Desk(lambda: client)
        server = build_server(desk, sealed_by(lambda: application.cipher, desk))
        # Made for its session manager, which refuses foreign names and origins (DNS rebinding); its routes are not
        # used, as what stands before them is ours.
        server.streamable_http_app(stateless_http=True)
        async with server.session_manager.run():
            self._application, self._server = application, server
            try:
                yield
            finally:
                self._application = self._server = None

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Hand the request on if it carries a token that counts."""
        assert self._application is not None, "no request comes before the server runs"
        assert self._server is not None, "no request comes before the server runs"
        request = Request(scope, receive)
        try:
            caller = await self._application.access.verify(bearer(request.headers.get("authorization")))
        except SeezarError as error:
            refusal = await on_seezar(request, error)
            if refusal.status_code == 401:
                refusal.headers["www-authenticate"] += f', resource_metadata="{_root(request)}{_METADATA}"'
            await refusal(scope, receive, send)
            return
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


async def _protected_resource(request: Request) -> JSONResponse:
    # No scopes are named: a client would ask for all of them, and be refused for the one that it has not.
    root = _root(request)
    return JSONResponse(
        {
            "resource": f"{root}{PATH}",
            "authorization_servers": [root],
            "bearer_methods_supported": ["header"],
            "resource_name": "seezar",
            "resource_documentation": f"{root}/docs",
        }
    )


async def _authorization_server(request: Request) -> JSONResponse:
    root = _root(request)
    return JSONResponse(
        {
            "issuer": root,
            # No grant here uses it, so that RFC 8414 lets it out; the official clients cannot read metadata without.
            "authorization_endpoint": f"{root}/docs",
            "token_endpoint": f"{root}{TOKEN_URL}",
            "revocation_endpoint": f"{root}{TOKEN_URL}/revoke",
            "grant_types_supported": ["client_credentials", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "response_types_supported": [],
        }
    )


def _root(request: Request) -> str:
    return str(request.base_url).rstrip("/")
