"""The SMTP server of the worker: loopback only, known mailboxes only, 250 only after the commit."""

import asyncio
import errno
import ipaddress
import logging
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from seezar.errors import DatabaseUnavailable, InvalidInput, PortTaken, SeezarError
from seezar.mail.errors import MailboxUnknown, MailDomainNotServed, MailQuotaFull
from seezar.mail.providers.local import LocalProvider
from seezar.mail.store import MAX_MESSAGE

# RFC 5321 allows lines of 1000 bytes; about one in thirty mails of real applications has a longer one.
MAX_LINE = 1 << 20
IDLE_TIMEOUT = 60.0
_FULL = "552 5.2.2 The mailbox is full"

log = logging.getLogger(__name__)


def _no_mail(record: logging.LogRecord) -> bool:
    """Each line of a mail is logged by aiosmtpd at DEBUG, before anybody can know what in it is secret. A filter holds
    also where somebody sets all levels to DEBUG.
    """
    return record.levelno >= logging.WARNING


class _Protocol(SMTP):
    # Read by aiosmtpd from the class when a connection is made.
    line_length_limit = MAX_LINE


class _Handler:
    """Answers of aiosmtpd's hooks. Reply codes: RFC 5321 §4.2.3, enhanced codes: RFC 3463."""

    def __init__(self, provider: LocalProvider) -> None:
        self._provider = provider

    async def handle_RCPT(  # noqa: N802 (aiosmtpd finds hooks by this name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        try:
            self._provider.served(address.rpartition("@")[2])
            found = await self._provider.mailbox(address)
            await self._provider.check_room(found, _announced(envelope))
        except MailDomainNotServed:
            return "550 5.7.1 Mail for this domain is not received here"
        except MailboxUnknown:
            return "550 5.1.1 No such mailbox"
        except MailQuotaFull:
            return _FULL
        except InvalidInput:
            return "553 5.1.3 Not a mail address"
        except DatabaseUnavailable:
            return "451 4.3.0 Storage is not available, try again"
        envelope.rcpt_tos.append(found.address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        try:
            await self._provider.receive(envelope.rcpt_tos, content)
        except MailboxUnknown:
            return "550 5.1.1 A mailbox was deleted meanwhile"
        except MailQuotaFull:
            # The sender did not say how large the message is, or others came in between.
            return _FULL
        except SeezarError as error:
            log.warning("mail not stored: %s", error.status)
            return "451 4.3.0 Storage is not available, try again"
        return "250 2.0.0 Stored"

    async def handle_exception(self, error: Exception) -> str:
        # The default answer quotes the exception, which may quote the mail.
        log.error("mail refused: unexpected %s", type(error).__name__)
        return "451 4.3.0 Internal error, try again"


def _announced(envelope: Envelope) -> int:
    """The size that the sender announced (RFC 1870), bytes; 1 when it did not."""
    sizes = [option.removeprefix("SIZE=") for option in envelope.mail_options if option.startswith("SIZE=")]
    return max([1, *(int(size) for size in sizes if size.isdecimal())])


class SmtpServer:
    """SMTP on a loopback address, served by the event loop that calls `start`.

    Args:
        provider: stores what is received and knows the mailboxes.
        port: TCP port; 0 = any free one.
        host: a loopback address.
    """

    def __init__(self, provider: LocalProvider, *, port: int, host: str = "127.0.0.1") -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise InvalidInput(f"SMTP listens on loopback only, not on {host}.")
        self._provider = provider
        self._host = host
        self._wanted = port
        self._server: asyncio.Server | None = None
        self._connections: set[_Protocol] = set()

    @property
    def port(self) -> int:
        """The port that is listened on; 0 before `start`."""
        if self._server is None or not self._server.sockets:
            return 0
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            PortTaken: another program listens on the port.
        """
        logging.getLogger("mail.log").addFilter(_no_mail)
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._protocol, self._host, self._wanted)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            raise PortTaken(
                f"SMTP cannot listen on {self._host}:{self._wanted}: {error.strerror or 'the port is taken'}.",
                kept="Stored mail is not touched.",
                next_step="Set SEEZAR_SMTP_PORT to a free port (0 = any), or stop the program that uses it.",
            ) from error

    async def stop(self) -> None:
        """Stop listening and close what is open. A message that was not answered 250 is sent again by its sender."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        # Without this, `wait_closed` waits for clients that keep their connection (Python ≥ 3.12.1).
        for connection in list(self._connections):
            transport: Any = connection.transport
            if transport is not None:
                transport.close()
        self._connections.clear()
        await server.wait_closed()

    def _protocol(self) -> asyncio.BaseProtocol:
        self._connections = {c for c in self._connections if c.transport is not None}
        protocol = _Protocol(
            _Handler(self._provider),
            data_size_limit=MAX_MESSAGE,
            enable_SMTPUTF8=True,
            hostname="localhost",
            ident="seezar",
            timeout=IDLE_TIMEOUT,
            loop=asyncio.get_running_loop(),
        )
        self._connections.add(protocol)
        return protocol
