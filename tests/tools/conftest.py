"""One real world (database, worker, playground) for the tools' tests; the tools find it as they find their own home."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.world import World, make_world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: str) -> AsyncIterator[World]:
    async with make_world(postgres, page_timeout=60.0) as made:
        yield made


@pytest.fixture(autouse=True)
def settings_of_the_world(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflows.client.get_settings", lambda: world.settings)
