"""A test mail: sent by SMTP, waited for in its mailbox, and read. It proves the way that a site's codes take."""

import asyncio
import ipaddress
import secrets
import smtplib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from time import monotonic
from typing import Literal

from pydantic import SecretStr

from seezar.errors import InvalidInput
from seezar.mail.addresses import normal_address, random_local_part
from seezar.mail.errors import MailMisread, MailNotSent, MailServerUnreachable
from seezar.mail.extraction import extract
from seezar.mail.provider import MailFilter
from seezar.mail.service import Mail

type Kind = Literal["code", "link"]

# Seconds for connecting and for each answer of the server.
_ANSWER_S = 20.0
_TLS_FROM_THE_START = 465
_SUBMISSION = 587
# Nobody owns this name (RFC 2606), and the link is never opened.
_SITE = "signin.example"


@dataclass(frozen=True, slots=True)
class MailServer:
    """An SMTP server that is asked to deliver.

    Attributes:
        host: name or address.
        port: TCP port; on 465 TLS begins with the connection, elsewhere by STARTTLS when it is offered.
        user: for logging in; None = without.
        password: for `user`; only sent over TLS, or to this machine.
        sender: From address; "" = the user when it is an address, else one at the domain of the mailbox.
    """

    host: str
    port: int
    user: str | None = None
    password: SecretStr | None = None
    sender: str = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Proof:
    """A test mail that came and was read right. Durations are seconds.

    Attributes:
        sent_s: until the server had taken it.
        arrived_s: from then until it was seen in the mailbox; about nothing when it came before the server's answer.
        read_s: for reading code or link.
    """

    address: str
    kind: Kind
    sender: str
    sent_s: float
    arrived_s: float
    read_s: float


def parse_server(text: str) -> tuple[str, int]:
    """Host and port of `HOST`, `HOST:PORT` or `[IPv6]:PORT`; without a port it is 587.

    Raises:
        InvalidInput: it is none of these.
    """
    host, colon, port = text.strip().rpartition(":")
    if not colon or text.strip().endswith("]"):
        host, port = text.strip(), str(_SUBMISSION)
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536 or any(ch.isspace() or ch == "/" for ch in host):
        raise InvalidInput(f"{text!r} is not a mail server.", next_step="Give it as HOST:PORT, e.g. 127.0.0.1:2525.")
    return host, int(port)


def compose(to: str, *, sender: str, kind: Kind) -> tuple[EmailMessage, str]:
    """A sign-in mail as sites send them, and the code or link in it."""
    while True:
        # Two random words tell it from every other mail of the mailbox, and cannot be taken for a code.
        title = "Test of the mailbox: " + " ".join(random_local_part().split("-")[:2])
        message = EmailMessage()
        message["From"] = f"seezar test <{sender}>"
        message["To"] = to
        message["Subject"] = title
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        if kind == "code":
            value = f"{secrets.randbelow(1_000_000):06}"
            message.set_content(f"Your verification code is {value}. It expires in 10 minutes.\n")
        else:
            value = f"https://{_SITE}/sign-in?token={secrets.token_urlsafe(24)}"
            message.set_content(f"Sign in with this link. It works once and expires in 10 minutes.\n\n{value}\n")
        # A few numbers are not taken for codes (111111); what cannot be read here would prove nothing elsewhere.
        if _value(message.as_bytes(), kind) == value:
            return message, value


async def send_test(mail: Mail, address: str, server: MailServer, *, kind: Kind, patience: float) -> Proof:
    """Send a test mail to a mailbox, wait until it is there, and read it.

    Args:
        patience: seconds from the server's answer until the mail must be in the mailbox.

    Raises:
        MailServerUnreachable: no connection, or it broke off.
        MailNotSent: the server refused the log-in, the recipient or the mail.
        MailNotReceived: it did not come in time.
        MailMisread: it came, and its code or link is not read as it was written.
        MailboxUnknown, MailProviderRefused, MailProviderUnavailable: the mailbox cannot be looked at.
    """
    box = await mail.address(address)
    to = box.address
    own = server.user if server.user and "@" in server.user else f"seezar-test@{to.rpartition('@')[2]}"
    sender = normal_address(server.sender or own)
    message, value = compose(to, sender=sender, kind=kind)
    title = str(message["Subject"])
    since = await mail.cursor(box)
    began = monotonic()
    await asyncio.to_thread(deliver, server, message)
    sent = monotonic()
    ref = await mail.wait(
        box,
        since=since,
        match=MailFilter(accept=lambda ref: title in ref.subject),
        deadline=datetime.now(UTC) + timedelta(seconds=patience),
    )
    arrived = monotonic()
    found = _value(await mail.source(ref), kind)
    read = monotonic()
    if found != value:
        raise MailMisread(to, kind)
    return Proof(to, kind, ref.sender, sent - began, arrived - sent, read - arrived)


def deliver(server: MailServer, message: EmailMessage) -> None:
    """Hand a message to an SMTP server. Blocks.

    Raises:
        MailServerUnreachable: no connection, or it broke off.
        MailNotSent: the server refused the log-in, the recipient or the mail.
    """
    try:
        with _connected(server) as smtp:
            _log_in(smtp, server)
            smtp.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        codes = ", ".join(sorted({str(code) for code, _ in error.recipients.values()}))
        raise MailNotSent(str(server), f"refused the recipient {message['To']} ({codes})") from None
    except smtplib.SMTPSenderRefused as error:
        raise MailNotSent(str(server), f"refused the sender {error.sender} ({error.smtp_code})") from None
    except smtplib.SMTPNotSupportedError:
        raise MailNotSent(str(server), "offers no log-in or cannot take the mail as it is") from None
    except smtplib.SMTPServerDisconnected:
        raise MailServerUnreachable(str(server), "it broke off") from None
    except smtplib.SMTPResponseException as error:
        raise MailNotSent(str(server), f"refused the mail ({error.smtp_code})") from None
    except ssl.SSLError as error:
        raise MailServerUnreachable(str(server), f"no TLS ({error.reason or 'refused'})") from None
    except (OSError, smtplib.SMTPException) as error:
        what = getattr(error, "strerror", None) or type(error).__name__
        raise MailServerUnreachable(str(server), str(what).lower()) from None


def _connected(server: MailServer) -> smtplib.SMTP:
    """A session with the server, encrypted where it can be."""
    tls = ssl.create_default_context()
    here = _is_here(server.host)
    if here:
        # What does not leave the machine needs no proof of who answers; servers under test sign for themselves.
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    if server.port == _TLS_FROM_THE_START:
        return smtplib.SMTP_SSL(server.host, server.port, timeout=_ANSWER_S, context=tls)
    smtp = smtplib.SMTP(server.host, server.port, timeout=_ANSWER_S)
    try:
        smtp.ehlo_or_helo_if_needed()
        if smtp.has_extn("starttls"):
            smtp.starttls(context=tls)
        elif server.password is not None and not here:
            raise MailNotSent(str(server), "offers no encryption, so the password was not sent")
    except BaseException:
        smtp.close()
        raise
    return smtp


def _log_in(smtp: smtplib.SMTP, server: MailServer) -> None:
    if server.user is None or server.password is None:
        return
    try:
        smtp.login(server.user, server.password.get_secret_value())
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPServerDisconnected):
        # Some hang up on a wrong password.
        raise MailNotSent(str(server), "refused user or password") from None


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _value(raw: bytes, kind: Kind) -> str | None:
    found = extract(raw)
    return found.code if kind == "code" else found.link
