"""One world for a module's tests."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.world import World, make_world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: str) -> AsyncIterator[World]:
    async with make_world(postgres) as made:
        yield made
