"""The HTTP API with clients of every kind, for the tests of its routes."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
from fastapi import FastAPI

from seezar.access import Scope
from seezar.application import Application
from seezar.settings import Settings
from tests.api.server import mail_server


@dataclass
class ApiServer:
    """A running API.

    Attributes:
        root: its base URL.
        application: that of the server.
        app: what is served.
    """

    root: str
    application: Application = field(repr=False)
    app: FastAPI = field(repr=False)
    _made: int = 0

    async def token(self, *scopes: Scope) -> str:
        """An access token with these scopes, of a client of its own."""
        self._made += 1
        name = f"client{self._made}"
        await self.application.access.clients.add(name, scopes or [Scope.ADMIN])
        self.application.access.forget_state()
        return (await self.application.access.tokens.issue_here(name)).access_token

    async def client(self, *scopes: Scope) -> httpx.AsyncClient:
        """A client whose requests carry such a token; an administrator's when none is named."""
        headers = {"authorization": f"Bearer {await self.token(*scopes)}"}
        return httpx.AsyncClient(base_url=self.root, headers=headers, trust_env=False, timeout=60)


@asynccontextmanager
async def api_server(settings: Settings, url: str) -> AsyncIterator[ApiServer]:
    """Serve the API for the time of the block."""
    async with mail_server(settings, url) as server:
        yield ApiServer(server.root, server.application, server.app)


def scopes_but(*without: Scope) -> Iterable[Scope]:
    """Every scope but these, and but the one that implies all."""
    return [scope for scope in Scope if scope not in (*without, Scope.ADMIN)]
