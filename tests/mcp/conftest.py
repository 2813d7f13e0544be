"""Fixtures: a world, and the API in front of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.api.v1.server import ApiServer, api_server
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


@pytest.fixture
async def served(postgres: str) -> AsyncIterator[Served]:
    async with make_world(postgres, page_timeout=60.0) as world, api_server(world.settings, world.url) as api:
        yield Served(world, api)
