"""The provider `mailtm` where it is refused something: errors, quotas, expired tokens, too many requests."""

import asyncio
import time
from datetime import UTC, datetime

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from seezar.errors import InvalidInput
from seezar.mail.errors import (
    MailboxTaken,
    MailDomainNotServed,
    MailProviderRefused,
    MailProviderUnavailable,
    MailQuotaFull,
)
from seezar.mail.provider import Address
from seezar.mail.providers.mailtm import MailTmProvider
from tests.api.server import DOMAIN, PASSWORD, MailServer
from tests.mail.providers.mailtm.client import new_address, provider_at, raw_mail, receive
from tests.mail.providers.serving import serving


async def test_an_address_that_was_made_before_is_ours(server: MailServer, provider: MailTmProvider) -> None:
    address = await new_address(provider)
    assert await provider.create_address(address.address, password=PASSWORD) == address.id
    with pytest.raises(MailboxTaken):
        await provider.create_address(address.address, password="another password")


async def test_a_domain_that_is_gone(server: MailServer, provider: MailTmProvider) -> None:
    with pytest.raises(MailDomainNotServed, match=f"one of: {DOMAIN}"):
        await provider.create_address("reader@gone.test", password=PASSWORD)
    former = Address("1", "reader@gone.test", provider.name, "ref", datetime.now(UTC))
    # Whatever is asked: a log-in that is refused is not blamed on the password.
    for call in (provider.check_address(former), provider.list_since(former, ""), provider.cursor(former)):
        with pytest.raises(MailDomainNotServed, match=r"remote takes no mail for 'gone\.test'"):
            await call
    await provider.delete_address(former)


async def test_a_password_that_is_too_short(provider: MailTmProvider) -> None:
    with pytest.raises(InvalidInput):
        await provider.create_address(f"reader@{DOMAIN}", password="short")


async def test_a_wrong_password(server: MailServer, address: Address) -> None:
    other = provider_at(server.url, password="a wrong password")
    for call in (other.cursor(address), other.check_address(address), other.list_since(address, "")):
        with pytest.raises(MailProviderRefused, match=address.address):
            await call
    await other.close()


async def test_a_token_that_expires_in_the_middle(
    server: MailServer, provider: MailTmProvider, address: Address
) -> None:
    await receive(server, address, *(raw_mail(number) for number in range(65)))
    server.faults.token_uses = 2
    refs, _ = await provider.list_since(address, "")
    assert len(refs) == 65
    for ref in refs[:6]:
        assert f"Subject: {ref.subject}\r\n".encode() in await provider.source(address, ref)
    # Of several that find the token gone, one logs in.
    provider._accounts[address.address].token = "a token of last year"
    server.faults.token_uses = 0
    asked = server.faults.requests
    await asyncio.gather(*(provider.source(address, ref) for ref in refs[:6]))
    assert server.faults.requests - asked == 13


async def test_too_many_requests(server: MailServer, provider: MailTmProvider, address: Address) -> None:
    await receive(server, address, raw_mail())
    server.faults.busy_every, server.faults.busy_retry_after = 2, 1
    for _ in range(2):
        refs, _ = await provider.list_since(address, "")
        assert len(refs) == 1


async def test_too_many_requests_without_saying_how_long(
    server: MailServer, provider: MailTmProvider, address: Address
) -> None:
    await receive(server, address, raw_mail())
    server.faults.busy_every, server.faults.busy_retry_after = 2, None
    for _ in range(2):
        refs, _ = await provider.list_since(address, "")
        assert len(refs) == 1


async def test_a_provider_that_wants_to_be_left_alone(
    server: MailServer, provider: MailTmProvider, address: Address
) -> None:
    server.faults.busy_every, server.faults.busy_retry_after = 1, 300
    began = time.monotonic()
    with pytest.raises(MailProviderUnavailable, match="too many requests") as error:
        await provider.list_since(address, "")
    assert error.value.retryable
    asked = server.faults.requests
    # Nobody else of this process asks either, not even another object for the same provider.
    other = provider_at(server.url)
    with pytest.raises(MailProviderUnavailable, match="too many requests"):
        await other.domains()
    await other.close()
    assert server.faults.requests == asked
    assert time.monotonic() - began < 5


async def test_errors_of_the_server(server: MailServer, provider: MailTmProvider, address: Address) -> None:
    await receive(server, address, raw_mail())
    server.faults.broken_every = 2
    for _ in range(3):
        refs, _ = await provider.list_since(address, "")
        assert len(refs) == 1
    server.faults.broken_every = 1
    with pytest.raises(MailProviderUnavailable, match="502"):
        await provider.list_since(address, "")


async def test_no_server() -> None:
    provider = provider_at("http://127.0.0.1:9")
    with pytest.raises(MailProviderUnavailable):
        await provider.domains()
    await provider.close()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (402, {}),
        (403, {"message": "Domain limit reached"}),
        (409, {"message": "Quota exceeded"}),
        (422, {"detail": "quota: no more accounts"}),
    ],
)
async def test_no_more_addresses_are_made(status: int, body: dict[str, str]) -> None:
    async def refuse(_: Request) -> JSONResponse:
        return JSONResponse(body, status)

    async with serving(Starlette(routes=[Route("/accounts", refuse, methods=["POST"])])) as url:
        provider = provider_at(url)
        with pytest.raises(MailQuotaFull, match="no more addresses") as full:
            await provider.create_address("reader@full.test", password=PASSWORD)
        assert not full.value.retryable
        await provider.close()


@pytest.mark.parametrize(("used", "full"), [(999, False), (1000, True), (1001, True)])
async def test_a_mailbox_into_which_no_mail_fits(used: int, full: bool) -> None:
    async def token(_: Request) -> JSONResponse:
        return JSONResponse({"id": "7", "token": "token of the tests"})

    async def me(_: Request) -> JSONResponse:
        return JSONResponse({"id": "7", "address": "reader@full.test", "quota": 1000, "used": used})

    address = Address("7", "reader@full.test", "remote", "ref", datetime.now(UTC))
    async with serving(Starlette(routes=[Route("/token", token, methods=["POST"]), Route("/me", me)])) as url:
        provider = provider_at(url)
        if full:
            with pytest.raises(MailQuotaFull, match=r"reader@full\.test is full"):
                await provider.check_address(address)
        else:
            assert await provider.check_address(address) == "7"
        await provider.close()


async def test_requests_are_paced_over_all_objects(server: MailServer) -> None:
    paced = [provider_at(server.url, interval=0.2) for _ in range(2)]
    began = time.monotonic()
    await asyncio.gather(*(provider.domains() for provider in paced * 3))
    assert time.monotonic() - began >= 1.0
    for provider in paced:
        await provider.close()
