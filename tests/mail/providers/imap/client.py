"""The provider `imap` as its tests use it, and mails for it."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from seezar.mail.provider import Address, MailRef
from seezar.mail.providers import imap
from tests.mail.providers.imap_servers import USER, ImapServer

ADDRESS = Address(USER, USER, "home", "box", datetime.now(UTC))

# Seconds: far less than the time between two looks of a wait, and enough for a busy machine.
SOON = 20

type Connect = Callable[..., imap.ImapProvider]


def mail(subject: str = "Sign in", body: str = "Your code is 482913.", to: str = USER) -> bytes:
    return f"From: Site <No-Reply@site.test>\r\nTo: {to}\r\nSubject: {subject}\r\n\r\n{body}\r\n".encode()


async def append(server: ImapServer, *raws: bytes, folder: str = "INBOX") -> None:
    await asyncio.to_thread(server.append, *raws, folder=folder)


async def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what a server did is not told by an event
            await asyncio.sleep(0.01)


def subjects(refs: list[MailRef]) -> list[str]:
    return [ref.subject for ref in refs]
