"""The test mail: what it looks like, by which servers it goes, and what is said when it does not."""

import asyncio
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from pydantic import SecretStr

from seezar.errors import InvalidInput
from seezar.mail.errors import MailNotSent, MailServerUnreachable
from seezar.mail.extraction import extract
from seezar.mail.sending import MailServer, compose, deliver, parse_server
from tests.world import free_port


class Taken:
    """Keeps what it is given; refuses recipients that say so."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.encrypted: list[bool] = []

    async def handle_RCPT(self, server: Any, session: Session, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        if address.startswith("nobody"):
            return "550 5.1.1 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.raw.append(envelope.original_content or b"")
        self.encrypted.append(session.ssl is not None)
        return "250 OK"


@contextmanager
def serving(handler: Taken, **options: Any) -> Iterator[MailServer]:
    controller = Controller(handler, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield MailServer("127.0.0.1", controller.port)
    finally:
        controller.stop()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    folder: Path = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"),
            *("-keyout", folder / "key.pem", "-out", folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def only_ann(server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=(data.login, data.password) == (b"ann", b"right-one-5521"))


@pytest.mark.parametrize("kind", ["code", "link"])
def test_the_mail_is_read_as_it_is_written_and_says_it_is_ours(kind: Any) -> None:
    message, value = compose("a@mail.seezar.test", sender="t@mail.seezar.test", kind=kind)
    found = extract(message.as_bytes())
    assert (found.code if kind == "code" else found.link) == value
    assert message["Auto-Submitted"] == "auto-generated"
    assert value not in str(message["Subject"])


def test_it_goes_by_starttls_and_with_a_log_in_where_they_are_offered(tls: ssl.SSLContext) -> None:
    message, _ = compose("a@x.test", sender="t@x.test", kind="code")
    taken = Taken()
    with serving(taken, tls_context=tls, require_starttls=True, authenticator=only_ann, auth_required=True) as at:
        deliver(MailServer(at.host, at.port, "ann", SecretStr("right-one-5521")), message)
        assert taken.encrypted == [True]
        with pytest.raises(MailNotSent) as refused:
            deliver(MailServer(at.host, at.port, "ann", SecretStr("wrong-one-8812")), message)
    assert "user or password" in str(refused.value)
    assert "wrong-one" not in str(refused.value)
    assert len(taken.raw) == 1


def test_who_is_not_there_is_said_in_a_sentence() -> None:
    message, value = compose("nobody@x.test", sender="t@x.test", kind="code")
    with serving(Taken()) as at, pytest.raises(MailNotSent) as refused:
        deliver(at, message)
    assert "refused the recipient nobody@x.test (550)" in str(refused.value)
    assert value not in str(refused.value)
    with pytest.raises(MailServerUnreachable) as away:
        deliver(MailServer("127.0.0.1", free_port()), message)
    assert "connection refused" in str(away.value)


def test_a_server_that_hangs_up_is_not_one_that_took_it() -> None:
    message, _ = compose("a@x.test", sender="t@x.test", kind="code")

    async def hang_up() -> None:
        async def gone(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        async with await asyncio.start_server(gone, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            await asyncio.to_thread(deliver, MailServer("127.0.0.1", port), message)

    with pytest.raises(MailServerUnreachable):
        asyncio.run(hang_up())


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("smtp.example.com:2525", ("smtp.example.com", 2525)),
        ("smtp.example.com", ("smtp.example.com", 587)),
        ("[::1]:25", ("::1", 25)),
        ("[::1]", ("::1", 587)),
    ],
)
def test_servers(text: str, server: tuple[str, int]) -> None:
    assert parse_server(text) == server


@pytest.mark.parametrize("text", ["", ":25", "a:b", "a:0", "a:70000", "smtp://a:25", "a b:25"])
def test_what_is_no_server(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_server(text)
