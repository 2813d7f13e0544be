"""One world for all cases: starting one costs as much as several of them."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.chaos.cases import SHORT
from tests.chaos.world import ChaosWorld, chaos_world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chaos(postgres: str) -> AsyncIterator[ChaosWorld]:
    async with chaos_world(postgres, each=len(SHORT) + 5) as made:
        yield made
