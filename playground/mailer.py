"""Mails a code: composes the message and hands it to an SMTP server."""

import asyncio
import secrets
import smtplib
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Protocol

from playground.pages import render_text
from seezar.errors import SeezarError


class MailUnavailableError(SeezarError):
    """The SMTP server cannot be reached or refused the message."""

    status = "mail_unavailable"
    retryable = True


class Mailer(Protocol):
    """Delivers messages."""

    async def send(self, message: EmailMessage) -> None:
        """Deliver `message` to its `To`.

        Raises:
            MailUnavailableError: it was not accepted.
        """
        ...


class SmtpMailer:
    """Delivers by SMTP, in a thread, one connection a message.

    Args:
        host: of the server.
        port: of the server; may be changed later.
        timeout: seconds for connecting and for each answer.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 2525, timeout: float = 10.0) -> None:
        self.host = host
        self.port = port
        self.timeout = timeout

    async def send(self, message: EmailMessage) -> None:
        """Deliver `message` to its `To`.

        Raises:
            MailUnavailableError: no connection, or not accepted.
        """
        try:
            await asyncio.to_thread(self._send, message)
        except (OSError, smtplib.SMTPException) as error:
            raise MailUnavailableError(
                f"The mail server at {self.host}:{self.port} did not take the message ({type(error).__name__}).",
                next_step="Start it (seezar up or seezar worker does) and ask for the code again.",
            ) from error

    def _send(self, message: EmailMessage) -> None:
        with smtplib.SMTP(self.host, self.port, local_hostname="localhost", timeout=self.timeout) as smtp:
            smtp.send_message(message)


def compose_code_mail(
    *, brand: str, domain: str, recipient: str, username: str, code: str, now: float, lifetime: float, in_subject: bool
) -> EmailMessage:
    """The mail that carries a code: multipart/alternative, text and HTML, as sites send it.

    Args:
        brand: name of the site.
        domain: of the sender and the Message-ID.
        recipient: mail address.
        username: who is signing in.
        code: digits.
        now: Date header, seconds since the epoch.
        lifetime: of the code, seconds.
        in_subject: put the code into the subject too.
    """
    minutes = max(1, round(lifetime / 60))
    values = {"brand": brand, "code": code, "minutes": minutes, "username": username}
    message = EmailMessage()
    message["Subject"] = (
        f"{code} is your {brand} verification code" if in_subject else f"Your {brand} verification code"
    )
    message["From"] = f"{brand} <no-reply@{domain}>"
    message["To"] = recipient
    message["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    message["Message-ID"] = make_msgid(domain=domain)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(render_text("mail.txt", values))
    message.add_alternative(render_text("mail.html", values), subtype="html")
    # Left out, it would be made anew each time the message is sent, and a duplicate would not be one.
    message.set_boundary(f"=_{secrets.token_hex(16)}")
    return message
