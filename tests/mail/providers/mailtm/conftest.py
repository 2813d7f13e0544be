"""The project's own Mail.tm-compatible API, and a client of it."""

from collections.abc import AsyncIterator

import pytest

from seezar.mail.provider import Address
from seezar.mail.providers.mailtm import MailTmProvider
from seezar.settings import Settings
from tests.api.server import MailServer, mail_server
from tests.mail.providers.mailtm.client import new_address, provider_at


@pytest.fixture
async def server(settings: Settings, database_url: str) -> AsyncIterator[MailServer]:
    """The API without a limit of requests."""
    async with mail_server(settings, database_url) as running:
        yield running


@pytest.fixture
async def provider(server: MailServer) -> AsyncIterator[MailTmProvider]:
    """The provider, without a pause between requests."""
    opened = provider_at(server.url)
    yield opened
    await opened.close()


@pytest.fixture
async def address(server: MailServer, provider: MailTmProvider) -> Address:
    """A new address."""
    return await new_address(provider)
