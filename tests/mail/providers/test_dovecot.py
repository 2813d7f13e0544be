"""What only dovecot is asked: encryption, access tokens, and mail that survives a restart."""

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from seezar.mail.errors import MailProviderRefused, MailProviderUnavailable
from seezar.mail.provider import Address, MailProvider
from seezar.mail.providers import imap
from seezar.mail.table import ProviderEntry
from tests.mail.providers.conftest import MemorySecrets, require_dovecot
from tests.mail.providers.imap_servers import PASSWORD, TOKEN_KEY, USER, Dovecot, Relay

ADDRESS = Address(USER, USER, "home", "box", datetime.now(UTC))
MAIL = b"From: no-reply@site.test\r\nTo: ada@home.test\r\nSubject: Sign in\r\n\r\nYour code is 482913.\r\n"

type Connect = Callable[..., MailProvider]


def certificate(folder: Path, host: str) -> Path:
    """A self-signed certificate of `host` (an address) with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{host}.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"), "127.0.0.1")


@pytest.fixture(scope="module")
def server(pem: Path) -> Iterator[Dovecot]:
    """With TLS and STARTTLS."""
    require_dovecot()
    with Dovecot(pem) as started:
        yield started


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """`connect(url, secret=…, **options)` gives a provider, closed in the end."""
    opened: list[MailProvider] = []

    def connect(url: str, secret: str = PASSWORD, **options: Any) -> MailProvider:
        opened.append(imap.connect(ProviderEntry("home", "imap", url, options=options), MemorySecrets(box=secret)))
        return opened[-1]

    yield connect
    for provider in opened:
        await provider.close()


def token(user: str = USER, *, life: float = 60, key: bytes = TOKEN_KEY) -> str:
    """An access token (JWT) as dovecot checks it by itself."""

    def part(data: bytes) -> bytes:
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    now = int(time.time())
    claims = {"sub": user, "iat": now - 60, "nbf": now - 60, "exp": int(now + life)}
    text = part(json.dumps({"typ": "JWT", "alg": "HS256"}).encode()) + b"." + part(json.dumps(claims).encode())
    return (text + b"." + part(hmac.digest(key, text, hashlib.sha256))).decode()


async def receives(provider: MailProvider, server: Dovecot) -> bool:
    """Whether a message that comes during a wait is told of, listed and read."""
    cursor = await provider.cursor(ADDRESS)
    waiting = asyncio.create_task(provider.wait(ADDRESS, cursor, 30))
    await asyncio.to_thread(server.append, MAIL)
    async with asyncio.timeout(20):
        assert await waiting
    refs, _ = await provider.list_since(ADDRESS, cursor)
    return [await provider.source(ADDRESS, ref) for ref in refs] == [MAIL]


async def test_tls(server: Dovecot, pem: Path, connect: Connect) -> None:
    assert await receives(connect(f"imaps://127.0.0.1:{server.tls_port}", ca_file=str(pem)), server)


async def test_starttls_is_used_where_it_is_offered(server: Dovecot, pem: Path, connect: Connect) -> None:
    async with Relay(server.port) as relay:
        assert await receives(connect(f"imap://127.0.0.1:{relay.port}", ca_file=str(pem)), server)
        assert b"STARTTLS" in relay.sent
        assert b"AUTHENTICATE" not in relay.sent
        assert b"EXAMINE" not in relay.sent


@pytest.mark.parametrize("scheme", ["imaps", "imap"])
async def test_a_certificate_that_is_not_trusted(
    server: Dovecot, connect: Connect, tmp_path: Path, scheme: str
) -> None:
    port = server.tls_port if scheme == "imaps" else server.port
    async with Relay(port) as relay:
        with pytest.raises(MailProviderUnavailable, match="certificate"):
            await connect(f"{scheme}://127.0.0.1:{relay.port}").check_address(ADDRESS)
        # Trusted, but of another host.
        other = certificate(tmp_path, "127.0.0.2")
        with pytest.raises(MailProviderUnavailable, match="certificate"):
            await connect(f"{scheme}://127.0.0.1:{relay.port}", ca_file=str(other)).check_address(ADDRESS)
        assert b"AUTHENTICATE" not in relay.sent


async def test_the_certificate_of_another_host(connect: Connect, tmp_path: Path) -> None:
    require_dovecot()
    other = certificate(tmp_path, "127.0.0.2")
    with Dovecot(other) as server, pytest.raises(MailProviderUnavailable, match="certificate"):
        await connect(f"imaps://127.0.0.1:{server.tls_port}", ca_file=str(other)).check_address(ADDRESS)


async def test_an_access_token(server: Dovecot, pem: Path, connect: Connect) -> None:
    url = f"imaps://127.0.0.1:{server.tls_port}"
    options: dict[str, Any] = {"auth": "xoauth2", "ca_file": str(pem)}
    assert await receives(connect(url, token(), **options), server)
    for wrong in (token(life=-30), token("eve@home.test"), token(key=b"another key that signs tokens"), PASSWORD):
        provider = connect(url, wrong, **options)
        async with asyncio.timeout(20):
            with pytest.raises(MailProviderRefused, match=r"the access token of ada@home\.test") as refused:
                await provider.check_address(ADDRESS)
        assert wrong not in str(refused.value)


async def test_a_login_name_that_is_not_the_address(server: Dovecot, pem: Path, connect: Connect) -> None:
    alias = Address("alias@home.test", "alias@home.test", "home", "box", datetime.now(UTC))
    url = f"imaps://127.0.0.1:{server.tls_port}"
    assert await connect(url, ca_file=str(pem), username=USER).check_address(alias) == alias.address
    with pytest.raises(MailProviderRefused):
        await connect(url, ca_file=str(pem)).check_address(alias)


async def test_mail_that_came_before_a_restart_is_not_listed_again(connect: Connect) -> None:
    require_dovecot()
    with Dovecot() as server:
        provider = connect(f"imap://127.0.0.1:{server.port}")
        await asyncio.to_thread(server.append, MAIL)
        refs, cursor = await provider.list_since(ADDRESS, "")
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        assert await provider.list_since(ADDRESS, cursor) == ([], cursor)
        assert await provider.source(ADDRESS, refs[0]) == MAIL
