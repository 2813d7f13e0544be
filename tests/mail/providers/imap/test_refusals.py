"""What refusals of an IMAP server mean: one of a few lines says NO with a response code of RFC 5530 or 9208."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from seezar.mail.errors import MailError, MailProviderRefused, MailProviderUnavailable, MailQuotaFull
from seezar.mail.provider import Address
from seezar.mail.providers import imap
from seezar.mail.providers.imap_dialogue import ImapServer, translated
from seezar.mail.table import ProviderEntry
from tests.mail.providers.conftest import MemorySecrets

ADDRESS = Address("ada@home.test", "ada@home.test", "home", "box", datetime.now(UTC))


def test_a_host_that_is_gone_is_named() -> None:
    server = ImapServer("home", "imap.gone.test", 993, tls=True)
    told = translated(server, socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    assert isinstance(told, MailProviderUnavailable)
    assert "no machine of the name imap.gone.test is known" in told.what


@asynccontextmanager
async def refusing(command: str, code: str) -> AsyncIterator[int]:
    """A server that refuses one command with a response code; gives its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        while line := (await reader.readline()).decode():
            tag, asked = line.split()[:2]
            if asked == "CAPABILITY":
                writer.write(b"* CAPABILITY IMAP4rev1\r\n")
            no = f"NO [{code}] hunter2 is in the way" if asked == command else "OK done"
            writer.write(f"{tag} {no}\r\n".encode())
            if asked == "LOGOUT":
                break
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("command", "code", "expected"),
    [
        ("LOGIN", "AUTHENTICATIONFAILED", MailProviderRefused),
        ("LOGIN", "LIMIT", MailQuotaFull),
        ("LOGIN", "UNAVAILABLE", MailProviderUnavailable),
        ("EXAMINE", "NONEXISTENT", MailProviderRefused),
        ("EXAMINE", "OVERQUOTA", MailQuotaFull),
        ("EXAMINE", "INUSE", MailProviderUnavailable),
    ],
)
async def test_a_refusal_is_the_error_that_its_code_says(command: str, code: str, expected: type[MailError]) -> None:
    async with refusing(command, code) as port:
        provider = imap.connect(ProviderEntry("home", "imap", f"imap://127.0.0.1:{port}"), MemorySecrets(box="hunter2"))
        with pytest.raises(expected) as refused:
            await provider.check_address(ADDRESS)
        assert "home" in str(refused.value)
        assert "hunter2" not in str(refused.value)
        await provider.close()
