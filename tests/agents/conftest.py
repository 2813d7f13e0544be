"""One real world (database, worker, playground) for the tests that ask for it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.world import World, make_world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: str) -> AsyncIterator[World]:
    async with make_world(postgres, page_timeout=60.0) as made:
        yield made


@pytest.fixture
def at_home(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world, with this process at home in it."""
    monkeypatch.setattr("workflows.client.get_settings", lambda: world.settings)
    return world
