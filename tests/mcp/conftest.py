"""Fixtures: a world, and the API in front of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from mcp import StdioServerParameters

from tests.api.v1.server import ApiServer, api_server
from tests.service.conftest import SEEZAR, Home
from tests.world import World, make_world


@dataclass
class Served:
    """A world and the API in front of it."""

    world: World
    api: ApiServer

    @property
    def url(self) -> str:
        """Where the protocol is spoken."""
        return f"{self.api.root}/mcp"

    def command(self) -> StdioServerParameters:
        """`seezar mcp` in the same world."""
        settings = self.world.settings
        variables = {"SEEZAR_DATABASE_URL": self.world.url, "SEEZAR_SMTP_PORT": str(settings.smtp_port)}
        return StdioServerParameters(command=SEEZAR, args=["mcp"], env=Home(settings.home).environment(**variables))


@pytest.fixture
async def served(postgres: str) -> AsyncIterator[Served]:
    async with make_world(postgres, page_timeout=60.0) as world, api_server(world.settings, world.url) as api:
        yield Served(world, api)
