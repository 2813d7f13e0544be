"""The quota of an account: shown as it is, and nothing is taken beyond it."""

import smtplib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from seezar.mail.errors import MailQuotaFull
from seezar.mail.provider import Address
from seezar.settings import Settings
from tests.api.server import PASSWORD, MailServer, mail_server
from tests.mail.providers.mailtm.client import provider_at

QUOTA = 5000


@pytest.fixture
async def server(settings: Settings, database_url: str) -> AsyncIterator[MailServer]:
    """The API of a server whose mailboxes hold `QUOTA` bytes."""
    async with mail_server(settings.model_copy(update={"mail_quota": QUOTA}), database_url) as running:
        yield running


async def room(client: httpx.AsyncClient) -> tuple[int, int]:
    me = (await client.get("/me")).json()
    return me["used"], me["quota"]


async def test_used_and_quota_are_what_the_server_goes_by(server: MailServer) -> None:
    reader, other = await server.account("ann"), await server.account("bob")
    assert await room(reader.client) == (0, QUOTA)
    mail = b"Subject: One\r\n\r\n" + b"x" * (QUOTA - 18) + b"\r\n"
    await server.deliver(reader.address, mail)
    assert await room(reader.client) == (QUOTA, QUOTA)
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        await server.deliver(reader.address, b"Subject: Two\r\n\r\nYour code is 482913.\r\n")
    assert refused.value.recipients[reader.address][0] == 552
    assert await room(reader.client) == (QUOTA, QUOTA)
    await server.deliver(other.address, b"Subject: Two\r\n\r\nYour code is 482913.\r\n")

    [message] = (await reader.client.get("/messages")).json()["hydra:member"]
    assert message["size"] == QUOTA
    assert (await reader.client.delete(f"/messages/{message['id']}")).status_code == 204
    assert await room(reader.client) == (0, QUOTA)
    await server.deliver(reader.address, b"Subject: Two\r\n\r\nYour code is 482913.\r\n")
    assert (await room(reader.client))[0] > 0


async def test_the_client_says_that_the_mailbox_is_full(server: MailServer) -> None:
    reader = await server.account("ann")
    provider = provider_at(server.url, password=PASSWORD)
    address = Address(reader.id, reader.address, "remote", "ref", datetime.now(UTC))
    assert await provider.check_address(address) == reader.id
    await server.deliver(reader.address, b"Subject: One\r\n\r\n" + b"x" * (QUOTA - 18) + b"\r\n")
    with pytest.raises(MailQuotaFull, match=r"The mail provider remote has no room left: the mailbox ann@"):
        await provider.check_address(address)
    await provider.close()


async def test_without_a_quota_none_is_shown(settings: Settings, database_url: str) -> None:
    async with mail_server(settings.model_copy(update={"mail_quota": 0}), database_url) as server:
        reader = await server.account("ann")
        await server.deliver(reader.address, b"Subject: One\r\n\r\n" + b"x" * QUOTA + b"\r\n")
        assert (await room(reader.client))[1] == 0
