"""The provider `smtpdev` against a small server with the names and paths of SMTP.dev."""

import asyncio
import email
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP, default
from typing import Literal

import pytest
from pydantic import SecretStr

from seezar.errors import SettingsInvalid
from seezar.mail.errors import (
    MailboxTaken,
    MailboxUnknown,
    MailDomainNotServed,
    MailProviderRefused,
    MailQuotaFull,
    MessageGone,
)
from seezar.mail.extraction import extract
from seezar.mail.provider import Address
from seezar.mail.providers import smtpdev
from seezar.mail.providers.smtpdev import SmtpDevProvider
from seezar.mail.table import ProviderEntry
from tests.mail.providers.serving import serving
from tests.mail.providers.smtpdev_server import KEY, SmtpDev


class NoSecrets:
    """The key reads everything."""

    async def open(self, reference: str) -> str:
        raise AssertionError(reference)


def raw_mail(number: int = 1, to: str = "reader@dev.test") -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = "Site <No-Reply@site.test>"
    mail["To"] = to
    mail["Subject"] = f"Sign-in {number}"
    mail["Message-ID"] = f"<m{number}@site.test>"
    mail.set_content(f"Für Zoë: Your verification code is {482900 + number}.")
    mail.add_alternative(f"<p>Your verification code is <b>{482900 + number}</b></p>", subtype="html")
    return mail.as_bytes()


def provider_at(url: str, *, key: str = KEY, **options: float) -> SmtpDevProvider:
    entry = ProviderEntry("dev", "smtpdev", url, key=SecretStr(key), options={"interval": 0, **options})
    return smtpdev.connect(entry, NoSecrets())


@pytest.fixture
def service() -> SmtpDev:
    """What the server holds."""
    return SmtpDev()


@pytest.fixture
async def url(service: SmtpDev) -> AsyncIterator[str]:
    """Where the server is."""
    async with serving(service.application()) as running:
        yield running


@pytest.fixture
async def provider(url: str) -> AsyncIterator[SmtpDevProvider]:
    """The provider, without a pause between requests."""
    opened = provider_at(url)
    yield opened
    await opened.close()


async def new_address(provider: SmtpDevProvider, name: str = "reader@dev.test") -> Address:
    number = await provider.create_address(name, password="a password of ours")
    return Address(number, name, provider.name, None, datetime.now(UTC))


async def test_the_life_of_an_address(service: SmtpDev, provider: SmtpDevProvider) -> None:
    assert list(await provider.domains()) == ["dev.test"]
    address = await new_address(provider)
    assert await provider.check_address(address) == address.id
    baseline = await provider.cursor(address)
    raw = raw_mail()
    service.receive(address.address, raw)
    ((ref,), cursor) = await provider.list_since(address, baseline)
    assert (ref.sender, ref.subject, ref.size) == ("no-reply@site.test", "Sign-in 1", len(raw))
    # The time came without a zone.
    assert abs((datetime.now(UTC) - ref.received_at).total_seconds()) < 5
    assert await provider.source(address, ref) == raw
    assert await provider.list_since(address, cursor) == ([], cursor)
    await provider.delete_message(address, ref)
    await provider.delete_message(address, ref)
    with pytest.raises(MessageGone):
        await provider.source(address, ref)
    await provider.delete_address(address)
    await provider.delete_address(address)
    with pytest.raises(MailboxUnknown):
        await provider.check_address(address)
    with pytest.raises(MailboxUnknown):
        await provider.list_since(address, cursor)


async def test_an_address_whose_making_was_not_answered_is_deleted_all_the_same(
    service: SmtpDev, provider: SmtpDevProvider
) -> None:
    made = await new_address(provider)
    unknown = replace(made, id="")
    for _ in range(2):
        await provider.delete_address(unknown)
        assert service.accounts == {}


async def test_all_pages(service: SmtpDev, provider: SmtpDevProvider) -> None:
    address = await new_address(provider)
    for number in range(65):
        service.receive(address.address, raw_mail(number))
    refs, _ = await provider.list_since(address, "")
    assert [ref.subject for ref in refs] == [f"Sign-in {number}" for number in range(65)]
    later, _ = await provider.list_since(address, refs[50].cursor)
    assert [ref.id for ref in later] == [ref.id for ref in refs[51:]]


@pytest.mark.parametrize("source", ["raw", "download"])
async def test_the_source_where_it_is(
    service: SmtpDev, provider: SmtpDevProvider, source: Literal["raw", "download"]
) -> None:
    service.source = source
    address = await new_address(provider)
    raw = raw_mail()
    service.receive(address.address, raw)
    ((ref,), _) = await provider.list_since(address, "")
    assert await provider.source(address, ref) == raw


@pytest.mark.parametrize("source", ["none", "page"])
async def test_a_message_without_a_source_is_put_together(
    service: SmtpDev, provider: SmtpDevProvider, source: Literal["none", "page"]
) -> None:
    service.source = source
    address = await new_address(provider)
    service.receive(address.address, raw_mail(13))
    ((ref,), _) = await provider.list_since(address, "")
    raw = await provider.source(address, ref)
    mail = email.message_from_bytes(raw, policy=default)
    assert (mail["From"], mail["To"]) == ("Site <No-Reply@site.test>", "reader@dev.test")
    assert (mail["Subject"], mail["Message-ID"]) == ("Sign-in 13", "<m13@site.test>")
    assert "Für Zoë" in mail.get_body(("plain",)).get_content()  # pyright: ignore[reportOptionalMemberAccess]
    assert extract(raw).code == "482913"


async def test_a_header_cannot_be_smuggled_in(service: SmtpDev, provider: SmtpDevProvider) -> None:
    service.source = "none"
    address = await new_address(provider)
    number = service.receive(address.address, raw_mail())
    row = next(row for rows in service.messages.values() for row in rows if row["id"] == number)
    row["subject"] = "Hello\r\nAuthentication-Results: ours; dmarc=pass"
    row["from"] = {"name": "a\r\nBcc: x@y.test", "address": "a@b.test\r\nX-Evil: 1"}
    ((ref,), _) = await provider.list_since(address, "")
    mail = email.message_from_bytes(await provider.source(address, ref), policy=default)
    assert {name.lower() for name in mail.keys()} <= {  # noqa: SIM118 - a message's iterator is not its keys
        "from", "to", "subject", "message-id", "date", "mime-version", "content-type", "content-transfer-encoding",
    }  # fmt: skip


async def test_an_empty_account_is_the_one_made_before_a_crash(service: SmtpDev, provider: SmtpDevProvider) -> None:
    address = await new_address(provider)
    assert await provider.create_address(address.address, password="a password of ours") == address.id
    service.accounts[address.id]["used"] = 100
    with pytest.raises(MailboxTaken):
        await provider.create_address(address.address, password="a password of ours")


async def test_a_domain_that_is_gone(service: SmtpDev, provider: SmtpDevProvider) -> None:
    with pytest.raises(MailDomainNotServed, match=r"dev\.test"):
        await provider.create_address("reader@gone.test", password="a password of ours")
    address = await new_address(provider)
    service.domains[0]["isActive"] = False
    del service.accounts[address.id]
    with pytest.raises(MailDomainNotServed):
        await provider.check_address(address)


async def test_no_room(service: SmtpDev, provider: SmtpDevProvider) -> None:
    address = await new_address(provider)
    service.accounts[address.id]["used"] = 1000
    with pytest.raises(MailQuotaFull):
        await provider.check_address(address)
    service.full = True
    with pytest.raises(MailQuotaFull):
        await provider.create_address("other@dev.test", password="a password of ours")


@pytest.mark.parametrize("status", [401, 403])
async def test_a_wrong_key(service: SmtpDev, url: str, status: int) -> None:
    service.refusal = status
    provider = provider_at(url, key="another key")
    with pytest.raises(MailProviderRefused, match="the API key") as error:
        await provider.domains()
    with pytest.raises(MailProviderRefused, match="the API key"):
        await provider.check_address(Address("1", "reader@dev.test", "dev", None, datetime.now(UTC)))
    assert "another key" not in str(error.value) + repr(provider) + repr(vars(provider)["_entry"])
    await provider.close()


def test_no_key() -> None:
    with pytest.raises(SettingsInvalid, match="key_env"):
        smtpdev.connect(ProviderEntry("dev", "smtpdev", "https://api.smtp.test"), NoSecrets())


@pytest.mark.parametrize("hub", ["key", "token"])
async def test_a_push_wakes(service: SmtpDev, provider: SmtpDevProvider, hub: Literal["key", "token"]) -> None:
    service.hub = hub
    address = await new_address(provider)
    assert await provider.wait(address, "", 10)
    assert not await provider.wait(address, "", 0.2)
    waiting = asyncio.create_task(provider.wait(address, "", 30))
    service.receive(address.address, raw_mail())
    assert await waiting
    assert len(service.listeners) == 1


async def test_one_account_for_all_addresses(service: SmtpDev, url: str) -> None:
    provider = provider_at(url, catch_all=True)
    with pytest.raises(MailDomainNotServed):
        await provider.create_address("first@dev.test", password="a password of ours")
    service.add("*@dev.test")
    first, second = await new_address(provider, "first@dev.test"), await new_address(provider, "second@dev.test")
    assert len(service.accounts) == 1
    assert first.id != second.id
    assert await provider.check_address(first) == first.id
    for number in range(4):
        service.receive("*@dev.test", raw_mail(number, to=f"{('First', 'second')[number % 2]}@dev.test"))
    refs, cursor = await provider.list_since(first, "")
    assert [ref.subject for ref in refs] == ["Sign-in 0", "Sign-in 2"]
    # What is for others is behind the cursor too.
    assert await provider.list_since(first, cursor) == ([], cursor)
    assert b"Sign-in 2" in await provider.source(first, refs[1])
    assert await provider.wait(first, cursor, 10)
    await provider.delete_address(first)
    assert (await provider.list_since(first, ""))[0] == []
    assert [ref.subject for ref in (await provider.list_since(second, ""))[0]] == ["Sign-in 1", "Sign-in 3"]
    await provider.close()
