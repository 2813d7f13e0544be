"""Fixtures: mail on a fresh database, an SMTP server on a free port, and a client in a thread."""

import asyncio
import smtplib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from seezar.database import Database
from seezar.mail.service import Mail
from seezar.mail.smtp import SmtpServer
from seezar.vault import Cipher, Vault

type Send = Callable[..., Awaitable[None]]


@pytest.fixture
async def vault(database: Database, cipher: Cipher) -> Vault:
    """A vault that knows its key."""
    opened = Vault(database, cipher)
    await opened.check_key()
    return opened


@pytest.fixture
async def mail(database: Database, vault: Vault, tmp_path: Path) -> AsyncIterator[Mail]:
    """Mail with our own domains mail.seezar.test and second.test; other providers are those of tmp_path/mail.toml."""
    domains = ["mail.seezar.test", "second.test"]
    async with Mail(database, vault, domains=domains, config=tmp_path / "mail.toml") as opened:
        yield opened


@pytest.fixture
async def smtp(mail: Mail) -> AsyncIterator[SmtpServer]:
    """A listening server in the test's own event loop."""
    server = SmtpServer(mail.local, port=0)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def send(smtp: SmtpServer) -> Send:
    """`await send(to, raw, options=())`: deliver raw bytes by a real SMTP session in a thread."""

    def deliver(port: int, to: Sequence[str], raw: bytes, options: Sequence[str]) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
            client.sendmail("no-reply@site.test", list(to), raw, mail_options=list(options))

    async def send(to: str | Sequence[str], raw: bytes, options: Sequence[str] = ()) -> None:
        await asyncio.to_thread(deliver, smtp.port, [to] if isinstance(to, str) else to, raw, options)

    return send


def plain_mail(
    subject: str = "Sign-in code", body: str = "Your verification code is 482913.", number: int = 1
) -> bytes:
    """A small plain-text mail."""
    return (
        f"From: Site <no-reply@site.test>\r\nTo: x@mail.seezar.test\r\nSubject: {subject}\r\n"
        f"Message-ID: <m{number}@site.test>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n"
    ).encode()


@pytest.fixture
def make_mail() -> Callable[..., bytes]:
    """`make_mail(subject=…, body=…, number=…)` gives raw bytes; `number` makes the Message-ID differ."""
    return plain_mail
