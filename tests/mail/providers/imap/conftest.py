"""A client of an IMAP server."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from seezar.mail.providers import imap
from seezar.mail.table import ProviderEntry
from tests.mail.providers.conftest import MemorySecrets
from tests.mail.providers.imap.client import Connect
from tests.mail.providers.imap_servers import PASSWORD


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """`connect(port, secret=…, key=…, **options)` gives a provider, closed in the end."""
    opened: list[imap.ImapProvider] = []

    def connect(port: int, secret: str = PASSWORD, key: str = "", **options: Any) -> imap.ImapProvider:
        entry = ProviderEntry(
            "home", "imap", f"imap://127.0.0.1:{port}", key=SecretStr(key) if key else None, options=options
        )
        provider = imap.connect(entry, MemorySecrets(box=secret))
        assert isinstance(provider, imap.ImapProvider)
        opened.append(provider)
        return provider

    yield connect
    for provider in opened:
        await provider.close()
