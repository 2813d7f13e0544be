"""The client `mailtm` as its tests use it, and mails for it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from seezar.mail.provider import Address
from seezar.mail.providers import mailtm
from seezar.mail.providers.mailtm import MailTmProvider
from seezar.mail.table import ProviderEntry
from tests.api.server import DOMAIN, PASSWORD, MailServer

CODE = "482913"


class Passwords(dict[str, str]):
    """Opens what a test put in."""

    async def open(self, reference: str) -> str:
        return self[reference]


def provider_at(url: str, *, password: str = PASSWORD, **options: float) -> MailTmProvider:
    entry = ProviderEntry("remote", "mailtm", url, options={"interval": 0, **options})
    return mailtm.connect(entry, Passwords(ref=password))


def raw_mail(number: int = 1, *, body: str = f"Your code is {CODE}.", to: str = "x", charset: str = "utf-8") -> bytes:
    return (
        f"From: Site <No-Reply@site.test>\r\nTo: {to}@{DOMAIN}\r\nSubject: Sign-in {number}\r\n"
        f"Message-ID: <m{number}@site.test>\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}\r\n"
    ).encode(charset)


async def new_address(provider: MailTmProvider, local: str = "reader") -> Address:
    name = f"{local}@{DOMAIN}"
    number = await provider.create_address(name, password=PASSWORD)
    return Address(number, name, provider.name, "ref", datetime.now(UTC))


async def receive(server: MailServer, address: Address, *mails: bytes) -> None:
    for raw in mails:
        await server.application.mail.local.receive([address.address], raw)


async def eventually(check: Callable[[], Awaitable[bool]], seconds: float = 15.0) -> None:
    until = time.monotonic() + seconds
    while not await check():
        assert time.monotonic() < until, "not in time"
        await asyncio.sleep(0.02)
