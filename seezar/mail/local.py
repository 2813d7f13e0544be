"""The provider `local`: mail that our own SMTP server took, in PostgreSQL, encrypted, announced by NOTIFY."""

import asyncio
import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Self

from seezar.database import Connection, Database, Row
from seezar.domains import normal_host
from seezar.mail.addresses import normal_address, normal_local_part, random_local_part
from seezar.mail.errors import MailboxTaken, MailboxUnknown, MailDomainNotServed, MessageGone
from seezar.mail.listener import MailListener
from seezar.mail.mime import parse_envelope
from seezar.mail.provider import Address, MailRef
from seezar.vault import Cipher

_REF = "SELECT id, mailbox, message_key, envelope, size, received_at FROM app.message"


class LocalMailProvider:
    """Mailboxes on our own domains. A cursor is the highest message id of a mailbox, as text; "0" is before all.

    Args:
        database: pool to the migrated `seezar` database.
        cipher: encrypts messages at rest.
        domains: domains served, the first is that of new addresses.
    """

    name = "local"
    push = True

    def __init__(self, database: Database, cipher: Cipher, *, domains: Iterable[str]) -> None:
        self._database = database
        self._cipher = cipher
        self.domains = tuple(normal_host(domain) or domain for domain in domains)
        self._listener = MailListener(database)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop listening for wake-ups; the pool is the caller's to close."""
        await self._listener.close()

    # --- addresses

    async def create_address(
        self, *, local: str | None = None, idempotency_key: str, domain: str | None = None
    ) -> Address:
        """See `MailProvider.create_address`.

        Args:
            domain: one of `domains`; None = the first.

        Raises:
            MailDomainNotServed: `domain` is not served.
            MailboxTaken: `local` exists and was made for another key.
            InvalidInput: `local` cannot be a local part.
        """
        host = self.served(domain if domain is not None else self.domains[0])
        part = random_local_part() if local is None else normal_local_part(local)
        async with self._database.connection() as connection:
            await connection.execute(
                "INSERT INTO app.mailbox (address, provider, idempotency_key) VALUES (%s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                (f"{part}@{host}", self.name, idempotency_key),
            )
            cursor = await connection.execute(
                "SELECT * FROM app.mailbox WHERE idempotency_key = %s", (idempotency_key,)
            )
            row = await cursor.fetchone()
        if row is None or (local is not None and row["address"] != f"{part}@{host}"):
            raise MailboxTaken(f"{part}@{host}")
        return _address(row)

    async def ensure_address(self, address: str) -> Address:
        """The mailbox `address`, made when it does not exist yet.

        Raises:
            InvalidInput: not a mail address.
            MailDomainNotServed: its domain is not served.
        """
        normal = normal_address(address)
        self.served(normal.rpartition("@")[2])
        await self._database.run(
            "INSERT INTO app.mailbox (address, provider) VALUES (%s, %s) ON CONFLICT DO NOTHING", normal, self.name
        )
        return await self.address(normal)

    async def address(self, address: str) -> Address:
        """The mailbox `address`.

        Raises:
            InvalidInput: not a mail address.
            MailboxUnknown: no such mailbox.
        """
        normal = normal_address(address)
        row = await self._database.one("SELECT * FROM app.mailbox WHERE address = %s", normal)
        if row is None:
            raise MailboxUnknown(normal)
        return _address(row)

    async def addresses(self) -> list[Address]:
        """All mailboxes of this provider, oldest first."""
        rows = await self._database.all(
            "SELECT * FROM app.mailbox WHERE provider = %s ORDER BY created_at, address", self.name
        )
        return [_address(row) for row in rows]

    async def delete_address(self, address: Address) -> None:
        """See `MailProvider.delete_address`."""
        await self._database.run("DELETE FROM app.mailbox WHERE address = %s", address.id)

    def served(self, domain: str) -> str:
        """Normal form of a domain that is served.

        Raises:
            MailDomainNotServed: it is not.
        """
        host = normal_host(domain)
        if host is None or host not in self.domains:
            raise MailDomainNotServed(domain, self.domains)
        return host

    # --- messages

    async def store(self, recipients: Iterable[str], raw: bytes) -> list[int]:
        """Store one message for each of the recipients, all or none; committed when this returns.

        The same bytes for the same mailbox are stored once: a sender that lost our answer sends again.

        Args:
            recipients: addresses of existing mailboxes.
            raw: the message as it was received.

        Returns:
            The ids of the rows that are new.

        Raises:
            MailboxUnknown: a recipient is no mailbox (any more).
            DatabaseUnavailable: nothing was stored.
        """
        boxes = sorted({normal_address(recipient) for recipient in recipients})
        sender, subject, message_id = parse_envelope(raw)
        envelope = json.dumps([sender, subject]).encode()
        stored: list[int] = []
        async with self._database.connection() as connection:
            for box in boxes:
                # The lock makes ids of a mailbox visible in ascending order, so that a cursor cannot pass over a
                # message whose transaction was slower. It is taken in sorted order: two messages do not deadlock.
                locked = await connection.execute(
                    "SELECT 1 FROM app.mailbox WHERE address = %s FOR NO KEY UPDATE", (box,)
                )
                if await locked.fetchone() is None:
                    raise MailboxUnknown(box)
                new = await self._insert(connection, box, message_id, envelope, raw)
                if new is not None:
                    stored.append(new)
        return stored

    async def _insert(
        self, connection: Connection, box: str, message_id: str, envelope: bytes, raw: bytes
    ) -> int | None:
        key = hashlib.sha256(b"\0".join((message_id.encode(), box.encode(), raw))).hexdigest()
        cursor = await connection.execute(
            "INSERT INTO app.message (mailbox, message_key, envelope, raw, size) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (mailbox, message_key) DO NOTHING RETURNING id",
            (
                box,
                key,
                self._cipher.encrypt(envelope, context=f"mail-envelope:{box}:{key}"),
                self._cipher.encrypt(raw, context=f"mail-raw:{box}:{key}"),
                len(raw),
            ),
        )
        row = await cursor.fetchone()
        return None if row is None else row["id"]

    async def cursor(self, address: Address) -> str:
        """See `MailProvider.cursor`."""
        row = await self._database.one(
            "SELECT coalesce(max(id), 0) AS top FROM app.message WHERE mailbox = %s", address.id
        )
        return str(row["top"]) if row else "0"

    async def list_since(self, address: Address, cursor: str) -> tuple[list[MailRef], str]:
        """See `MailProvider.list_since`."""
        rows = await self._database.all(f"{_REF} WHERE mailbox = %s AND id > %s ORDER BY id", address.id, int(cursor))
        refs = [self._ref(row) for row in rows]
        return refs, refs[-1].cursor if refs else cursor

    async def latest(self, address: Address) -> MailRef | None:
        """The newest message of a mailbox, or None."""
        row = await self._database.one(f"{_REF} WHERE mailbox = %s ORDER BY id DESC LIMIT 1", address.id)
        return None if row is None else self._ref(row)

    async def wait(self, address: Address, cursor: str, timeout: float) -> bool:
        """See `MailProvider.wait`. Woken by the commit of a message; without a listening connection it only sleeps."""
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout
        with self._listener.subscribe(address.id) as woken:
            await self._listener.ready(min(timeout, 2.0))
            # Only after LISTEN stands can nothing slip between this look and the sleep.
            if await self._has_newer(address, cursor):
                return True
            try:
                async with asyncio.timeout_at(until):
                    await woken.wait()
            except TimeoutError:
                return False
        return True

    async def _has_newer(self, address: Address, cursor: str) -> bool:
        query = "SELECT 1 FROM app.message WHERE mailbox = %s AND id > %s LIMIT 1"
        return await self._database.one(query, address.id, int(cursor)) is not None

    async def source(self, ref: MailRef) -> bytes:
        """See `MailProvider.source`."""
        row = await self._database.one("SELECT mailbox, message_key, raw FROM app.message WHERE id = %s", int(ref.id))
        if row is None:
            raise MessageGone(f"Message {ref.id} was deleted.", next_step="Ask the site to send a new one.")
        return self._cipher.decrypt(row["raw"], context=f"mail-raw:{row['mailbox']}:{row['message_key']}")

    async def handle(self, ref: MailRef) -> str:
        """The unguessable handle of a message, fit to be shown to a model.

        Raises:
            MessageGone: it was deleted.
        """
        row = await self._database.one("SELECT handle FROM app.message WHERE id = %s", int(ref.id))
        if row is None:
            raise MessageGone(f"Message {ref.id} was deleted.", next_step="Ask the site to send a new one.")
        return str(row["handle"])

    async def by_handle(self, handle: str) -> MailRef:
        """The message of a handle.

        Raises:
            MessageGone: it was deleted, or the handle is not one of ours.
        """
        row = await self._database.one(f"{_REF} WHERE handle::text = %s", handle)
        if row is None:
            raise MessageGone("No message has this handle.", next_step="Look at the mailbox again for a new one.")
        return self._ref(row)

    async def claim(self, message_id: int | str, run_id: str) -> bool:
        """Use a message for a run, once: True for the run that came first, at every call; False for all others."""
        changed = await self._database.run(
            "UPDATE app.message SET consumed_by = %s, consumed_at = coalesce(consumed_at, clock_timestamp())"
            " WHERE id = %s AND (consumed_by IS NULL OR consumed_by = %s)",
            run_id,
            int(message_id),
            run_id,
        )
        return changed == 1

    async def delete_message(self, ref: MailRef) -> None:
        """See `MailProvider.delete_message`."""
        await self._database.run("DELETE FROM app.message WHERE id = %s", int(ref.id))

    async def purge(self, before: datetime) -> int:
        """Delete messages received before `before`; returns how many."""
        return await self._database.run("DELETE FROM app.message WHERE received_at < %s", before)

    def _ref(self, row: Row) -> MailRef:
        context = f"mail-envelope:{row['mailbox']}:{row['message_key']}"
        sender, subject = json.loads(self._cipher.decrypt(row["envelope"], context=context))
        return MailRef(
            id=str(row["id"]),
            address_id=row["mailbox"],
            received_at=row["received_at"],
            sender=sender,
            subject=subject,
            size=row["size"],
            cursor=str(row["id"]),
        )


def _address(row: Row) -> Address:
    return Address(row["address"], row["address"], row["provider"], None, row["created_at"])
