"""Fixtures: the running API."""

from collections.abc import AsyncIterator

import pytest

from seezar.settings import Settings
from tests.api.server import MailServer, mail_server


@pytest.fixture
async def server(settings: Settings, database_url: str) -> AsyncIterator[MailServer]:
    """The API without a limit of requests."""
    async with mail_server(settings, database_url) as running:
        yield running
