"""One IMAP connection as blocking calls: what is asked of a server, and what its refusals mean.

Reading a folder never changes it: it is opened by EXAMINE and messages are fetched by BODY.PEEK.
"""

import contextlib
import logging
import re
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

# The package brings no types.
from imapclient import IMAPClient, SocketTimeout  # pyright: ignore[reportMissingTypeStubs]
from imapclient.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
    IMAPClientAbortError,
    IMAPClientError,
    IMAPClientReadOnlyError,
)

from seezar.mail.errors import MailError, MailProviderRefused, MailProviderUnavailable, MailQuotaFull

CONNECT_TIMEOUT = 10.0
# Between two bytes of an answer.
READ_TIMEOUT = 30.0
_KEEPALIVE_AFTER = 60

_SECOND = timedelta(microseconds=999_999)
_HEADERS = "BODY.PEEK[HEADER.FIELDS (FROM SUBJECT TO CC DELIVERED-TO X-ORIGINAL-TO)]"
_RESPONSE_CODE = re.compile(r"\[([A-Z][A-Z-]{0,30})")
# Response codes of RFC 5530 and 9208. The others of a refused login mean that the password is wrong.
_FULL = {"OVERQUOTA", "LIMIT"}
_LATER = {"UNAVAILABLE", "INUSE", "SERVERBUG", "CONTACTADMIN"}

# imapclient writes whole dialogues, with all that is in them, to its loggers. A filter stays when levels are changed.
for _name in ("imapclient.imapclient", "imapclient.imaplib", "imapclient.util"):
    logging.getLogger(_name).addFilter(lambda _: False)


class ConnectionLost(MailProviderUnavailable):
    """The connection broke; another one may well work."""


@dataclass(frozen=True, slots=True)
class ImapServer:
    """Where a server is and how one logs in.

    Attributes:
        provider: name of the entry in the configuration table, for errors.
        host: name or address.
        port: usually 993, or 143 with STARTTLS.
        tls: encrypted from the first byte on.
        ca_file: a file of certificates to trust beside the system's; "" = none.
        xoauth2: the secret is an access token (XOAUTH2), not a password.
    """

    provider: str
    host: str
    port: int
    tls: bool
    ca_file: str = ""
    xoauth2: bool = False


@dataclass(frozen=True, slots=True)
class FolderState:
    """UIDVALIDITY of a folder, and the UID that its next message gets at the earliest."""

    validity: int
    next_uid: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A message in a listing: UID, when the server took it, size in bytes, some of its headers."""

    uid: int
    received_at: datetime
    size: int
    headers: bytes


class ImapDialogue:
    """A logged-in connection. For one thread, apart from `abort`.

    Raises:
        MailProviderRefused: user name, password or token are wrong.
        MailProviderUnavailable: not reachable, or without a valid certificate.
        MailQuotaFull: the server asks to be left alone.
    """

    def __init__(self, server: ImapServer, username: str, secret: str) -> None:
        self._server = server
        try:
            self._context = ssl.create_default_context()
            if server.ca_file:
                self._context.load_verify_locations(server.ca_file)
            self._client: Any = IMAPClient(
                server.host,
                port=server.port,
                ssl=server.tls,
                ssl_context=self._context if server.tls else None,
                timeout=cast("Any", SocketTimeout(CONNECT_TIMEOUT, READ_TIMEOUT)),
            )
        except (OSError, IMAPClientError) as error:
            raise self.translated(error) from None
        try:
            self._client.normalise_times = False
            self._keep_alive()
            self._log_in(username, secret)
        except BaseException:
            self.abort()
            raise

    def _keep_alive(self) -> None:
        sock = self.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_AFTER)

    def _log_in(self, username: str, secret: str) -> None:
        client, name = self._client, self._server.provider
        try:
            if not self._server.tls and client.has_capability("STARTTLS"):
                client.starttls(self._context)
            if self._server.xoauth2:
                client.sasl_login("XOAUTH2", _XOAuth2(username, secret))
            elif client.has_capability("AUTH=PLAIN"):
                client.plain_login(username, secret)
            elif client.has_capability("LOGINDISABLED"):
                raise MailProviderUnavailable(name, "it takes no password without encryption; write imaps://")
            else:
                client.login(username, secret)
        except (IMAPClientAbortError, OSError) as error:
            raise self.translated(error) from None
        except IMAPClientError as error:
            if _response_code(error) in _FULL | _LATER:
                raise self.translated(error) from None
            raise MailProviderRefused(name, f"the {self._secret_name} of {username}") from None
        except UnicodeError:
            raise MailProviderRefused(name, f"the {self._secret_name} of {username}: it is not ASCII") from None

    @property
    def _secret_name(self) -> str:
        return "access token" if self._server.xoauth2 else "password"

    # --- folders and messages

    def examine(self, folder: str) -> FolderState:
        """Open a folder for reading, and say how far it reaches now.

        Raises:
            MailProviderRefused: there is no such folder.
        """
        return self._opened(folder, readonly=True)

    def _opened(self, folder: str, *, readonly: bool) -> FolderState:
        try:
            state = self._client.select_folder(folder, readonly=readonly)
        except IMAPClientReadOnlyError:
            raise MailProviderRefused(self._server.provider, f"to delete in the folder {folder!r}") from None
        except IMAPClientAbortError:
            raise
        except IMAPClientError as error:
            if _response_code(error) in _FULL | _LATER:
                raise
            raise MailProviderRefused(self._server.provider, f"to open the folder {folder!r}") from None
        next_uid = state.get(b"UIDNEXT")
        if next_uid is None:
            next_uid = max(self._client.search("UID *"), default=0) + 1
        return FolderState(int(state[b"UIDVALIDITY"]), int(next_uid))

    def since_uid(self, uid: int) -> list[int]:
        """UIDs of the open folder from `uid` on, ascending."""
        # The range n:* holds the last message even where n is beyond it.
        return sorted(found for found in self._client.search(f"UID {uid}:*") if found >= uid)

    def since_day(self, day: date) -> list[int]:
        """UIDs of the messages that came on `day` or later by the server's own calendar, ascending."""
        return sorted(self._client.search(["SINCE", day]))

    def received(self, uids: list[int]) -> dict[int, datetime]:
        """When the server took each of the messages."""
        rows = self._client.fetch(uids, ["INTERNALDATE"])
        return {uid: _received(row) for uid, row in rows.items()}

    def listing(self, uids: list[int]) -> list[Listed]:
        """The messages, in the given order; without those that are gone."""
        rows = self._client.fetch(uids, ["INTERNALDATE", "RFC822.SIZE", _HEADERS])
        found: list[Listed] = []
        for uid in uids:
            row = rows.get(uid)
            if row is not None and b"RFC822.SIZE" in row:
                headers = next((value for key, value in row.items() if key.startswith(b"BODY[HEADER")), None)
                found.append(Listed(uid, _received(row), int(row[b"RFC822.SIZE"]), headers or b""))
        return found

    def size(self, uid: int) -> int | None:
        """Size of a message in bytes; None when it is gone."""
        size = self._client.fetch([uid], ["RFC822.SIZE"]).get(uid, {}).get(b"RFC822.SIZE")
        return None if size is None else int(size)

    def source(self, uid: int) -> bytes | None:
        """The raw message; None when it is gone."""
        return self._client.fetch([uid], ["BODY.PEEK[]"]).get(uid, {}).get(b"BODY[]")

    def delete(self, folder: str, validity: int, uid: int) -> None:
        """Mark a message as deleted and, where the server can do that to a single one, expunge it."""
        if self._opened(folder, readonly=False).validity != validity:
            return
        self._client.delete_messages([uid], silent=True)
        if self._client.has_capability("UIDPLUS"):
            self._client.uid_expunge([uid])

    # --- push

    def can_idle(self) -> bool:
        """Whether the server tells of new mail on its own."""
        return self._client.has_capability("IDLE")

    def idle(self) -> bool:
        """Begin IDLE. True when the server has already said something, which the socket would not show any more."""
        self._client.idle()
        return self._buffered()

    def idle_done(self) -> bool:
        """End IDLE; True when a message came meanwhile."""
        _, responses = self._client.idle_done()
        return any(len(response) > 1 and response[1] == b"EXISTS" for response in responses)

    def _buffered(self) -> bool:
        protocol = self._client._imap
        unread = getattr(protocol, "_readbuf", None)  # Python 3.14 keeps a buffer of its own
        sock = self.socket()
        sock.setblocking(False)
        try:
            if unread is not None:
                return bool(unread) or (isinstance(sock, ssl.SSLSocket) and sock.pending() > 0)
            return bool(protocol.file.peek(1))
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        finally:
            sock.settimeout(READ_TIMEOUT)

    # --- the end

    def socket(self) -> socket.socket:
        """For watching whether something can be read."""
        return cast("socket.socket", self._client.socket())

    def abort(self) -> None:
        """Cut the connection; safe from every thread, and wakes the one that is blocked in a call."""
        with contextlib.suppress(OSError):
            self.socket().shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Log out and close, or just close."""
        with contextlib.suppress(OSError, IMAPClientError):
            self._client.logout()
        with contextlib.suppress(OSError, IMAPClientError):
            self._client.shutdown()

    def translated(self, error: Exception) -> MailError:
        """What an error of a call means. The text of the server is left out: it can be anything."""
        return translated(self._server, error)


def translated(server: ImapServer, error: Exception) -> MailError:
    """What an error of a call or a connection means."""
    where = f"{server.host}:{server.port}"
    if isinstance(error, MailError):
        return error
    if isinstance(error, ssl.SSLCertVerificationError):
        return MailProviderUnavailable(server.provider, f"the certificate of {where} is not valid")
    if isinstance(error, TimeoutError):
        return MailProviderUnavailable(server.provider, f"{where} did not answer in time")
    if isinstance(error, socket.gaierror):
        return MailProviderUnavailable(server.provider, f"no machine of the name {server.host} is known")
    if isinstance(error, OSError | IMAPClientAbortError):
        return ConnectionLost(server.provider, f"the connection to {where} failed ({type(error).__name__})")
    code = _response_code(error)
    if code in _FULL:
        return MailQuotaFull(server.provider, f"{where} answered {code}")
    return MailProviderUnavailable(server.provider, f"{where} answered {code or 'in a way that is not understood'}")


def _response_code(error: Exception) -> str:
    found = _RESPONSE_CODE.search(str(error))
    return found[1] if found else ""


def _received(row: dict[bytes, Any]) -> datetime:
    """The end of the second that the server names: nothing may seem older than the request that it answers."""
    at: datetime | None = row.get(b"INTERNALDATE")
    return datetime.now(UTC) if at is None else at.astimezone(UTC) + _SECOND


class _XOAuth2:
    """The token is said once: to the details of a refusal the answer is empty, as the mechanism wants it."""

    def __init__(self, username: str, token: str) -> None:
        self._answers: Iterable[str] = iter((f"user={username}\1auth=Bearer {token}\1\1",))

    def __call__(self, challenge: bytes) -> str:
        return next(iter(self._answers), "")
