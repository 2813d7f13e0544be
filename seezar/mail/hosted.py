"""Mailboxes on our own domains as other programs use them: with a password, over HTTP, each seeing only its own mail.

A mailbox that was made without a password (command line, sign-in) has no account here, and nobody can log in to it.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from seezar.database import Database, Row
from seezar.domains import normal_host
from seezar.errors import InvalidInput
from seezar.mail.addresses import normal_address
from seezar.mail.errors import MailboxTaken, MailDomainNotServed, MessageGone
from seezar.mail.store import MessageStore
from seezar.mail.table import LOCAL

# NIST SP 800-63B §3.1.1.2; an upper end only bounds the work of hashing.
MIN_PASSWORD = 8
MAX_PASSWORD = 1024
TOKEN_LIFE = timedelta(hours=24)

# Each hashing takes 64 MiB for some tens of milliseconds (the second choice of RFC 9106 §4, argon2-cffi's default).
_HASHINGS = 2

_ACCOUNT = (
    "SELECT a.id, a.mailbox, a.password_hash, a.created_at,"
    " (SELECT coalesce(sum(m.size), 0) FROM app.message m WHERE m.mailbox = a.mailbox) AS used,"
    " (SELECT max(m.received_at) FROM app.message m WHERE m.mailbox = a.mailbox) AS last_at"
    " FROM app.mail_account a"
)
_MESSAGE = "SELECT id, handle, size, received_at, seen, seen_at, mailbox FROM app.message"


@dataclass(frozen=True, slots=True)
class HostedAccount:
    """A mailbox with a password.

    Attributes:
        id: unguessable, fit to be shown.
        address: the mailbox.
        used: sum of the sizes of its messages, bytes.
        quota: how large that can become; 0 = any number.
        created_at: when it was made.
        updated_at: when it last changed: made, or a message came.
    """

    id: str
    address: str
    used: int
    quota: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class HostedMessage:
    """A message of an account.

    Attributes:
        id: its handle, unguessable, fit to be shown.
        number: order of arrival; never shown.
        size: raw size, bytes.
        received_at: when it was stored.
        seen: what the reader said of it.
        updated_at: when that was last said, else `received_at`.
        mailbox: the address it was received for.
    """

    id: str
    number: int
    size: int
    received_at: datetime
    seen: bool
    updated_at: datetime
    mailbox: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a mailbox: its messages, newest first, and how many there are in all."""

    messages: list[HostedMessage]
    total: int


@dataclass(frozen=True, slots=True)
class Grant:
    """A successful log-in: the account and a token that opens it for `TOKEN_LIFE`."""

    account: HostedAccount
    token: str = field(repr=False)


class HostedMail:
    """Accounts, tokens and messages of `app.mail_account`.

    Args:
        database: pool to the migrated `seezar` database.
        store: where messages are kept.
        domains: domains on which accounts can be made.
        quota: bytes that our own server takes for a mailbox; 0 = any number.
    """

    def __init__(self, database: Database, store: MessageStore, *, domains: Iterable[str], quota: int) -> None:
        self._database = database
        self._quota = quota
        self._store = store
        self.domains = tuple(normal_host(domain) or domain for domain in domains)
        self._hasher = PasswordHasher()
        self._hashings = asyncio.Semaphore(_HASHINGS)
        # Verified when there is no such account, so that the time of an answer does not tell which addresses exist.
        self._nobody = ""

    # --- accounts

    async def since(self) -> datetime:
        """When this database was made, which is since when its domains take mail."""
        row = await self._database.one("SELECT min(applied_at) AS at FROM app.migration")
        assert row is not None, "an aggregate has a row"
        return row["at"]

    async def create(self, address: str, password: str) -> HostedAccount:
        """Make a mailbox that opens with `password`.

        Raises:
            InvalidInput: not an address, or a password of the wrong length.
            MailDomainNotServed: its domain is not one of `domains`.
            MailboxTaken: it exists, with or without a password.
        """
        normal = normal_address(address)
        domain = normal.rpartition("@")[2]
        if domain not in self.domains:
            raise MailDomainNotServed(domain, self.domains)
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise InvalidInput(f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters.")
        if await self._database.one("SELECT 1 FROM app.mailbox WHERE address = %s", normal) is not None:
            raise MailboxTaken(normal)
        hashed = await self._hash(password)
        async with self._database.connection() as connection:
            made = await connection.execute(
                "INSERT INTO app.mailbox (address, provider, provider_id) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                (normal, LOCAL, normal),
            )
            if made.rowcount != 1:
                raise MailboxTaken(normal)
            await connection.execute(
                "INSERT INTO app.mail_account (mailbox, password_hash) VALUES (%s, %s)", (normal, hashed)
            )
        row = await self._database.one(f"{_ACCOUNT} WHERE a.mailbox = %s", normal)
        if row is None:
            raise MailboxTaken(normal)
        return self._account(row)

    async def log_in(self, address: str, password: str) -> Grant | None:
        """A new token for the account, or None when address and password are not those of one."""
        row = await self._by_address(address)
        if not await self._verify(row["password_hash"] if row else None, password) or row is None:
            return None
        token = secrets.token_urlsafe(32)
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM app.mail_token WHERE expires_at <= clock_timestamp()")
            # The account may have been deleted while its password was verified.
            made = await connection.execute(
                "INSERT INTO app.mail_token (digest, account, expires_at)"
                " SELECT %s, id, clock_timestamp() + %s FROM app.mail_account WHERE id = %s",
                (_digest(token), TOKEN_LIFE, row["id"]),
            )
        return Grant(self._account(row), token) if made.rowcount == 1 else None

    async def by_token(self, token: str) -> HostedAccount | None:
        """The account of a token that has not expired, or None."""
        row = await self._database.one(
            f"{_ACCOUNT} JOIN app.mail_token t ON t.account = a.id"
            " WHERE t.digest = %s AND t.expires_at > clock_timestamp()",
            _digest(token),
        )
        return None if row is None else self._account(row)

    async def delete(self, account: HostedAccount) -> None:
        """Remove the account, its mailbox and all that is in it; gone already is fine."""
        await self._database.run(
            "DELETE FROM app.mailbox b USING app.mail_account a WHERE b.address = a.mailbox AND a.id = %s",
            account.id,
        )

    def _account(self, row: Row) -> HostedAccount:
        changed = max(row["created_at"], row["last_at"] or row["created_at"])
        return HostedAccount(str(row["id"]), row["mailbox"], int(row["used"]), self._quota, row["created_at"], changed)

    async def _by_address(self, address: str) -> Row | None:
        try:
            normal = normal_address(address)
        except InvalidInput:
            return None
        return await self._database.one(f"{_ACCOUNT} WHERE a.mailbox = %s", normal)

    async def _hash(self, password: str) -> str:
        async with self._hashings:
            return await asyncio.to_thread(self._hasher.hash, _bytes(password))

    async def _verify(self, hashed: str | None, password: str) -> bool:
        if len(password) > MAX_PASSWORD:
            return False
        if not self._nobody:
            self._nobody = await self._hash(secrets.token_urlsafe())
        async with self._hashings:
            try:
                return await asyncio.to_thread(self._hasher.verify, hashed or self._nobody, _bytes(password))
            except (Argon2Error, InvalidHashError):
                return False

    # --- messages

    async def page(self, account: HostedAccount, number: int, size: int, *, until: datetime | None = None) -> Page:
        """The `number`-th page (from 1) of `size` messages, newest first.

        Args:
            until: messages that came later are passed over.
        """
        rows = await self._database.all(
            f"{_MESSAGE} WHERE mailbox = %s AND (%s::timestamptz IS NULL OR received_at <= %s)"
            " ORDER BY id DESC LIMIT %s OFFSET %s",
            *(account.address, until, until, size, (number - 1) * size),
        )
        count = await self._database.one(
            "SELECT count(*) AS n FROM app.message WHERE mailbox = %s"
            " AND (%s::timestamptz IS NULL OR received_at <= %s)",
            *(account.address, until, until),
        )
        return Page([_message(row) for row in rows], count["n"] if count else 0)

    async def message(self, account: HostedAccount, message_id: str) -> HostedMessage | None:
        """A message of the account, or None."""
        handle = _uuid(message_id)
        if handle is None:
            return None
        row = await self._database.one(f"{_MESSAGE} WHERE mailbox = %s AND handle = %s", account.address, handle)
        return None if row is None else _message(row)

    async def source(self, message: HostedMessage) -> bytes | None:
        """The raw message, or None when it was deleted meanwhile."""
        try:
            return await self._store.source(await self._store.by_handle(message.id))
        except MessageGone:
            return None

    async def mark(self, account: HostedAccount, message_id: str, *, seen: bool) -> HostedMessage | None:
        """Note whether the reader has seen a message; the message as it is now, or None when there is none."""
        handle = _uuid(message_id)
        if handle is not None:
            await self._database.run(
                "UPDATE app.message SET seen = %s, seen_at = clock_timestamp() WHERE mailbox = %s AND handle = %s",
                *(seen, account.address, handle),
            )
        return await self.message(account, message_id)

    async def delete_message(self, account: HostedAccount, message_id: str) -> bool:
        """Remove a message; False when the account has no such message."""
        handle = _uuid(message_id)
        if handle is None:
            return False
        query = "DELETE FROM app.message WHERE mailbox = %s AND handle = %s"
        return await self._database.run(query, account.address, handle) == 1

    # --- arrival

    async def newest(self, account: HostedAccount) -> int:
        """Number of the newest message, 0 when there is none."""
        row = await self._database.one(
            "SELECT coalesce(max(id), 0) AS top FROM app.message WHERE mailbox = %s", account.address
        )
        return row["top"] if row else 0

    async def newer(self, account: HostedAccount, number: int, *, until: datetime | None = None) -> list[HostedMessage]:
        """The messages that came after the one with this number, oldest first, at most a hundred."""
        rows = await self._database.all(
            f"{_MESSAGE} WHERE mailbox = %s AND id > %s AND (%s::timestamptz IS NULL OR received_at <= %s)"
            " ORDER BY id LIMIT 100",
            *(account.address, number, until, until),
        )
        return [_message(row) for row in rows]

    def arrivals(self, account: HostedAccount) -> AbstractAsyncContextManager[asyncio.Event]:
        """See `MessageStore.arrivals`."""
        return self._store.arrivals(account.address)


def _digest(token: str) -> bytes:
    # A token has 256 random bits: there is nothing to guess that a slow hash would make slower.
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _bytes(password: str) -> bytes:
    # JSON can hold half a surrogate pair, which UTF-8 cannot.
    return password.encode("utf-8", "surrogatepass")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _message(row: Row) -> HostedMessage:
    return HostedMessage(
        id=str(row["handle"]),
        number=row["id"],
        size=row["size"],
        received_at=row["received_at"],
        seen=row["seen"],
        updated_at=row["seen_at"] or row["received_at"],
        mailbox=row["mailbox"],
    )
