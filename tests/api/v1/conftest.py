"""Fixtures: the running API."""

from collections.abc import AsyncIterator

import pytest

from seezar.settings import Settings
from tests.api.v1.server import ApiServer, api_server


@pytest.fixture
async def api(settings: Settings, database_url: str) -> AsyncIterator[ApiServer]:
    async with api_server(settings, database_url) as running:
        yield running
