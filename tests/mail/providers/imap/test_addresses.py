"""The provider `imap`: addresses within a box, and what its entry may say."""

from datetime import UTC, datetime
from typing import Any

import pytest

from seezar.errors import SettingsInvalid
from seezar.mail.errors import (
    MailDomainNotServed,
    MailProviderRefused,
)
from seezar.mail.provider import Address
from seezar.mail.providers import imap
from seezar.mail.table import ProviderEntry
from tests.mail.providers.conftest import MemorySecrets
from tests.mail.providers.imap.client import Connect, append, mail, subjects
from tests.mail.providers.imap_servers import PASSWORD, USER, ImapServer, Pymap


async def test_plus_addresses_of_a_box(imap_server: ImapServer, connect: Connect) -> None:
    provider = connect(imap_server.port, key=PASSWORD, plus_addressing=True, username=USER)
    assert list(await provider.domains()) == ["home.test"]
    assert provider.local_prefix == "ada+"
    made = "ada+calm-otter@home.test"
    assert await provider.create_address(made, password="unused") == made
    assert await provider.create_address(made, password="unused") == made
    address = Address(made, made, "home", "unknown-reference", datetime.now(UTC))
    cursor = await provider.cursor(address)
    await append(
        imap_server,
        mail("other", to=USER),
        mail("prefix", to=f"x{made}"),
        mail("in To", to=f"Ada <{made.upper()}>, b@c.test"),
        b"Delivered-To: " + made.encode() + b"\r\n" + mail("delivered", to="list@site.test"),
        mail("body only", body=f"To: {made}"),
    )
    assert await provider.wait(address, cursor, 5)
    refs, behind = await provider.list_since(address, cursor)
    assert subjects(refs) == ["in To", "delivered"]
    assert await provider.list_since(address, behind) == ([], behind)
    await provider.delete_address(address)
    for wrong in ("otter@home.test", "ada+@home.test", "eve+otter@home.test", "ada+otter@else.test", USER):
        with pytest.raises(MailDomainNotServed, match=r"ada\+ANYTHING@home.test"):
            await provider.create_address(wrong, password="unused")


async def test_a_box_without_plus_addressing_makes_no_addresses(pymap: Pymap, connect: Connect) -> None:
    provider = connect(pymap.port)
    assert list(await provider.domains()) == []
    with pytest.raises(MailDomainNotServed):
        await provider.create_address("new@home.test", password="unused")
    with pytest.raises(MailProviderRefused, match="no password"):
        await provider.check_address(Address(USER, USER, "home", None, datetime.now(UTC)))


@pytest.mark.parametrize(
    ("url", "options", "told"),
    [
        ("https://home.test", {}, "imaps://"),
        ("", {}, "imaps://"),
        ("imaps://home.test", {"folders": "INBOX"}, "folders"),
        ("imaps://home.test", {"folder": 3}, "folder"),
        ("imaps://home.test", {"auth": "kerberos"}, "xoauth2"),
        ("imaps://home.test", {"plus_addressing": True}, "username"),
        ("imaps://home.test", {"plus_addressing": True, "username": USER}, "key_env"),
    ],
)
def test_options_are_checked(url: str, options: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsInvalid, match=told):
        imap.connect(ProviderEntry("home", "imap", url, options=options), MemorySecrets())
