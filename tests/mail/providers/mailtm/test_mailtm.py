"""The provider `mailtm` against the project's own Mail.tm-compatible API, well-behaved and not."""

import asyncio
import email
import logging
import time
from datetime import UTC, datetime
from email.policy import default

import pytest

from seezar.errors import InvalidInput, SettingsInvalid
from seezar.mail.errors import (
    MailboxTaken,
    MailProviderRefused,
    MailProviderUnavailable,
    MessageGone,
)
from seezar.mail.provider import Address, MailRef
from seezar.mail.providers import mailtm
from seezar.mail.providers.account_api import push_url
from seezar.mail.providers.mailtm import MailTmProvider
from seezar.mail.table import ProviderEntry
from tests.api.server import DOMAIN, PASSWORD, MailServer
from tests.mail.providers.mailtm.client import (
    CODE,
    Passwords,
    eventually,
    new_address,
    provider_at,
    raw_mail,
    receive,
)


async def test_the_life_of_an_address(server: MailServer, provider: MailTmProvider) -> None:
    assert list(await provider.domains()) == [DOMAIN]
    address = await new_address(provider)
    assert address.id
    assert await provider.check_address(address) == address.id
    baseline = await provider.cursor(address)
    assert await provider.list_since(address, baseline) == ([], baseline)
    before = datetime.now(UTC)
    raw = raw_mail()
    await server.deliver(address.address, raw)
    refs, cursor = await provider.list_since(address, baseline)
    (ref,) = refs
    assert (ref.sender, ref.subject, ref.address_id) == ("no-reply@site.test", "Sign-in 1", address.id)
    assert ref.size >= len(raw)
    assert ref.cursor == cursor
    assert abs((ref.received_at - before).total_seconds()) < 5
    assert (await provider.source(address, ref)).endswith(raw)
    assert await provider.list_since(address, cursor) == ([], cursor)
    assert await provider.cursor(address) == cursor
    await provider.delete_message(address, ref)
    await provider.delete_message(address, ref)
    with pytest.raises(MessageGone):
        await provider.source(address, ref)
    await provider.delete_address(address)
    await provider.delete_address(address)
    with pytest.raises(MailProviderRefused):
        await provider.check_address(address)


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "iso-2022-jp"])
async def test_a_source_keeps_its_letters(
    server: MailServer, provider: MailTmProvider, address: Address, charset: str
) -> None:
    body = "コードは 482913 です" if charset == "iso-2022-jp" else "Ihr Prüfcode für Zoë lautet 482913. Ça va?"
    raw = raw_mail(body=body, charset=charset)
    await receive(server, address, raw)
    refs, _ = await provider.list_since(address, "")
    source = await provider.source(address, refs[0])
    assert source.endswith(raw)
    assert email.message_from_bytes(source, policy=default).get_content().strip() == body


@pytest.mark.parametrize("shape", [None, "plain", "hydra", "member"])
async def test_all_pages_in_any_shape(
    server: MailServer, provider: MailTmProvider, address: Address, shape: str | None
) -> None:
    server.faults.shape = shape  # pyright: ignore[reportAttributeAccessIssue]
    await receive(server, address, *(raw_mail(number) for number in range(65)))
    assert list(await provider.domains()) == [DOMAIN]
    refs, cursor = await provider.list_since(address, "")
    assert [ref.subject for ref in refs] == [f"Sign-in {number}" for number in range(65)]
    assert refs[-1].cursor == cursor
    # Behind a message in the middle is what came after it, and nothing else.
    later, _ = await provider.list_since(address, refs[40].cursor)
    assert [ref.id for ref in later] == [ref.id for ref in refs[41:]]
    await receive(server, address, raw_mail(65))
    fresh, _ = await provider.list_since(address, cursor)
    assert [ref.subject for ref in fresh] == ["Sign-in 65"]


async def test_one_look_is_one_request(server: MailServer, provider: MailTmProvider, address: Address) -> None:
    await receive(server, address, *(raw_mail(number) for number in range(20)))
    _, cursor = await provider.list_since(address, "")
    before = server.faults.requests
    await provider.list_since(address, cursor)
    assert server.faults.requests == before + 1


async def test_a_message_that_is_listed_twice(server: MailServer, provider: MailTmProvider, address: Address) -> None:
    server.faults.duplicates = True
    await receive(server, address, *(raw_mail(number) for number in range(40)))
    refs, _ = await provider.list_since(address, "")
    assert [ref.subject for ref in refs] == [f"Sign-in {number}" for number in range(40)]


@pytest.mark.parametrize("number_events", [False, True])
async def test_a_push_wakes(
    server: MailServer, provider: MailTmProvider, address: Address, number_events: bool
) -> None:
    server.faults.number_events = number_events
    cursor = await provider.cursor(address)
    # The stream stands: what came before it may not have been announced, so this counts as a wake-up.
    assert await provider.wait(address, cursor, 10)
    await quiet(provider, address, cursor)
    asked = server.faults.requests
    for number in range(3):
        waiting = asyncio.create_task(provider.wait(address, cursor, 30))
        began = time.monotonic()
        await server.deliver(address.address, raw_mail(number))
        assert await waiting
        assert time.monotonic() - began < 3
        await quiet(provider, address, cursor)
    # One stream was enough, and the waits asked for nothing else.
    assert server.faults.requests == asked
    assert len((await provider.list_since(address, cursor))[0]) == 3


async def test_mail_between_two_waits_wakes_the_next(
    server: MailServer, provider: MailTmProvider, address: Address
) -> None:
    assert await provider.wait(address, "", 10)
    await quiet(provider, address, "")
    await receive(server, address, raw_mail())
    assert await provider.wait(address, "", 10)


async def quiet(provider: MailTmProvider, address: Address, cursor: str) -> None:
    """Take up the wake-ups that are on their way; one mail may be announced more than once."""
    while await provider.wait(address, cursor, 0.3):
        pass


async def test_silence_ends_a_wait(provider: MailTmProvider, address: Address) -> None:
    assert await provider.wait(address, "", 10)
    began = time.monotonic()
    await quiet(provider, address, "")
    assert 0.25 < time.monotonic() - began < 2


async def test_a_hub_that_is_not_there(server: MailServer) -> None:
    entry = ProviderEntry("remote", "mailtm", server.url, push_url="http://127.0.0.1:9/hub", options={"interval": 0})
    provider = mailtm.connect(entry, Passwords(ref=PASSWORD))
    address = await new_address(provider)
    began = time.monotonic()
    assert not await provider.wait(address, "", 0.4)
    assert 0.35 < time.monotonic() - began < 2
    await provider.close()


async def test_without_push_a_wait_sleeps(server: MailServer) -> None:
    provider = provider_at(server.url, push=False)
    assert not provider.push
    address = await new_address(provider)
    asked = server.faults.requests
    assert not await provider.wait(address, "", 0.2)
    assert server.faults.requests == asked
    await provider.close()


async def test_a_stream_that_is_dropped_is_opened_again(
    server: MailServer, provider: MailTmProvider, address: Address
) -> None:
    server.faults.drop_stream_after = 1
    cursor = await provider.cursor(address)
    for number in range(3):
        await server.deliver(address.address, raw_mail(number))

        async def arrived(expected: int = number + 1) -> bool:
            await provider.wait(address, cursor, 5)
            return len((await provider.list_since(address, cursor))[0]) == expected

        await eventually(arrived)


async def test_mail_that_is_shown_late(server: MailServer, provider: MailTmProvider, address: Address) -> None:
    cursor = await provider.cursor(address)
    server.faults.delay = 1.0
    await server.deliver(address.address, raw_mail())
    assert (await provider.list_since(address, cursor))[0] == []

    async def arrived() -> bool:
        await provider.wait(address, cursor, 1)
        return len((await provider.list_since(address, cursor))[0]) == 1

    await eventually(arrived)


async def test_no_mail_is_lost_among_all_faults(server: MailServer, provider: MailTmProvider, address: Address) -> None:
    """A collector that only follows cursors and wake-ups, while the server does everything wrong that it can."""
    faults = server.faults
    faults.busy_every, faults.busy_retry_after = 29, None
    faults.broken_every, faults.token_uses, faults.drop_stream_after = 23, 7, 5
    faults.duplicates = faults.number_events = True
    faults.delay = 0.2
    mails = 150
    found: dict[str, MailRef] = {}

    async def send() -> None:
        for number in range(mails):
            await receive(server, address, raw_mail(number))
            await asyncio.sleep(0)

    sending = asyncio.create_task(send())
    cursor = ""
    until = time.monotonic() + 90
    while len(found) < mails:
        assert time.monotonic() < until, f"{len(found)} of {mails}"
        refs, cursor = await provider.list_since(address, cursor)
        found.update((ref.id, ref) for ref in refs)
        if not refs:
            await provider.wait(address, cursor, 1)
    await sending
    assert sorted(ref.subject for ref in found.values()) == sorted(f"Sign-in {number}" for number in range(mails))


async def test_no_secret_is_logged_or_shown(
    server: MailServer, address: Address, provider: MailTmProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await receive(server, address, raw_mail())
    shown = [repr(provider)]
    refs, _ = await provider.list_since(address, "")
    await provider.source(address, refs[0])
    await provider.wait(address, "", 5)
    token = provider._accounts[address.address].token
    shown += [repr(provider._accounts), repr(refs)]
    for password, expected in (("a wrong password", MailboxTaken), ("short", InvalidInput)):
        with pytest.raises(expected) as error:
            await provider.create_address(address.address, password=password)
        shown.append(str(error.value))
    server.faults.broken_every = 1
    with pytest.raises(MailProviderUnavailable) as unavailable:
        await provider.list_since(address, "")
    shown.append(str(unavailable.value))
    client_logs = [record.getMessage() for record in caplog.records if record.name.startswith(("httpx", "httpcore"))]
    assert client_logs
    text = "\n".join([*shown, *client_logs])
    for secret in (token, PASSWORD, CODE, "Sign-in 1"):
        assert secret not in text


@pytest.mark.parametrize("options", [{"intervall": 1}, {"interval": True}, {"push": 1}, {"interval": -1}])
def test_options_that_are_not_known(options: dict[str, float]) -> None:
    with pytest.raises(SettingsInvalid, match="remote"):
        mailtm.connect(ProviderEntry("remote", "mailtm", "https://api.mail.test", options=options), Passwords())


@pytest.mark.parametrize(
    ("url", "hub"),
    [
        ("https://api.mail.tm", "https://mercure.mail.tm/.well-known/mercure"),
        ("https://api.mail.gw", "https://api.mail.gw/.well-known/mercure"),
        ("http://127.0.0.1:8000/mail", "http://127.0.0.1:8000/mail/.well-known/mercure"),
        ("https://api.smtp.dev", "https://mercure.smtp.dev/.well-known/mercure"),
    ],
)
def test_where_events_come_from(url: str, hub: str) -> None:
    assert push_url(url) == hub
