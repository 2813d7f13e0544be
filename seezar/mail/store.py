"""Messages of any mailbox in PostgreSQL: stored raw once, encrypted, announced by NOTIFY, used once.

A cursor is the highest message id of a mailbox, as text; "0" is before all.
"""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncGenerator, Iterable, Sequence
from datetime import UTC, datetime

from seezar.database import Connection, Database, Row
from seezar.mail.addresses import normal_address
from seezar.mail.errors import MailboxUnknown, MailQuotaFull, MessageGone
from seezar.mail.listener import MailListener
from seezar.mail.mime import parse_envelope
from seezar.mail.provider import MailRef
from seezar.mail.table import LOCAL
from seezar.vault import Cipher
from seezar.vault.columns import ENVELOPE, MESSAGE

# Bytes of a raw message; mails that hold a code have a few thousand.
MAX_MESSAGE = 10 * 1024 * 1024

_REF = "SELECT id, mailbox, message_key, envelope, size, received_at FROM app.message"


class MessageStore:
    """The messages in `app.message`. Mailboxes are named by their normal address.

    Args:
        database: pool to the migrated `seezar` database.
        cipher: encrypts messages at rest.
    """

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher
        self._listener = MailListener(database)

    async def close(self) -> None:
        """Stop listening for wake-ups; the pool is the caller's to close."""
        await self._listener.close()

    # --- what arrives

    async def receive(self, recipients: Iterable[str], raw: bytes, *, quota: int = 0) -> list[int]:
        """Store one message for each of the recipients, all or none; committed when this returns.

        The same bytes for the same mailbox are stored once: a sender that lost our answer sends again.

        Args:
            recipients: addresses of existing mailboxes.
            raw: the message as it was received.
            quota: bytes that each of the mailboxes holds; 0 = any number.

        Returns:
            The ids of the rows that are new.

        Raises:
            MailboxUnknown: a recipient is no mailbox (any more).
            MailQuotaFull: it does not fit into one of them.
            DatabaseUnavailable: nothing was stored.
        """
        boxes = sorted({normal_address(recipient) for recipient in recipients})
        stored: list[int] = []
        async with self._database.connection() as connection:
            for box in boxes:
                # Locked in sorted order: two messages do not deadlock.
                await _lock(connection, box)
                new = await self._insert(connection, box, raw)
                if new is None:
                    continue
                # Under the lock, and with the message itself: what came twice needs no more room.
                if quota and await _used(connection, box) > quota:
                    raise MailQuotaFull(LOCAL, f"the mailbox {box} is full")
                stored.append(new)
        return stored

    async def keep(self, mailbox: str, raw: bytes, *, provider_message: str, received_at: datetime) -> int | None:
        """Store a message that was fetched from a provider; committed when this returns.

        Args:
            provider_message: the provider's identifier of it.
            received_at: when the provider took it.

        Returns:
            The id of the row; None when the message is there already, under this identifier or another.

        Raises:
            MailboxUnknown: the mailbox was deleted.
        """
        async with self._database.connection() as connection:
            await _lock(connection, mailbox)
            new = await self._insert(connection, mailbox, raw, provider_message, min(received_at, datetime.now(UTC)))
            if new is None:
                await _pass_over(connection, mailbox, provider_message, "duplicate")
        return new

    async def pass_over(self, mailbox: str, provider_message: str, reason: str) -> None:
        """Note that a message of a provider is not stored, so that it is not looked at again."""
        async with self._database.connection() as connection:
            await _pass_over(connection, mailbox, provider_message, reason)

    async def unseen(self, mailbox: str, provider_messages: Sequence[str]) -> set[str]:
        """Which of a provider's messages are neither stored nor passed over."""
        if not provider_messages:
            return set()
        rows = await self._database.all(
            "SELECT listed.id FROM unnest(%s::text[]) AS listed (id)"
            " WHERE NOT EXISTS (SELECT 1 FROM app.message m WHERE m.mailbox = %s AND m.provider_message = listed.id)"
            " AND NOT EXISTS (SELECT 1 FROM app.message_passed p"
            " WHERE p.mailbox = %s AND p.provider_message = listed.id)",
            list(provider_messages),
            mailbox,
            mailbox,
        )
        return {str(row["id"]) for row in rows}

    async def _insert(
        self,
        connection: Connection,
        box: str,
        raw: bytes,
        provider_message: str | None = None,
        received_at: datetime | None = None,
    ) -> int | None:
        sender, subject, message_id = parse_envelope(raw)
        envelope = json.dumps([sender, subject]).encode()
        key = hashlib.sha256(b"\0".join((message_id.encode(), box.encode(), raw))).hexdigest()
        cursor = await connection.execute(
            "INSERT INTO app.message (mailbox, message_key, envelope, raw, size, provider_message, received_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, coalesce(%s, clock_timestamp())) ON CONFLICT DO NOTHING RETURNING id",
            (
                box,
                key,
                self._cipher.encrypt(envelope, context=ENVELOPE.context(box, key)),
                self._cipher.encrypt(raw, context=MESSAGE.context(box, key)),
                len(raw),
                provider_message,
                received_at,
            ),
        )
        row = await cursor.fetchone()
        return None if row is None else row["id"]

    # --- looking

    async def used(self, mailbox: str) -> int:
        """Sum of the sizes of the messages of a mailbox, bytes."""
        async with self._database.connection() as connection:
            return await _used(connection, mailbox)

    async def cursor(self, mailbox: str) -> str:
        """Position behind the newest message."""
        row = await self._database.one(
            "SELECT coalesce(max(id), 0) AS top FROM app.message WHERE mailbox = %s", mailbox
        )
        return str(row["top"]) if row else "0"

    async def list_since(self, mailbox: str, cursor: str) -> tuple[list[MailRef], str]:
        """Messages behind `cursor`, oldest first, and the cursor behind the last of them."""
        rows = await self._database.all(f"{_REF} WHERE mailbox = %s AND id > %s ORDER BY id", mailbox, int(cursor))
        refs = [self._ref(row) for row in rows]
        return refs, refs[-1].cursor if refs else cursor

    async def wait(self, mailbox: str, cursor: str, timeout: float) -> bool:
        """Sleep until something may lie behind `cursor` (True) or `timeout` seconds passed (False).

        Woken by the commit of a message; without a listening connection it only sleeps.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout
        with self._listener.subscribe(mailbox) as woken:
            await self._listener.ready(min(timeout, 2.0))
            # Only after LISTEN stands can nothing slip between this look and the sleep.
            if await self._has_newer(mailbox, cursor):
                return True
            try:
                async with asyncio.timeout_at(until):
                    await woken.wait()
            except TimeoutError:
                return False
        return True

    @contextlib.asynccontextmanager
    async def arrivals(self, mailbox: str) -> AsyncGenerator[asyncio.Event]:
        """An event that is set when mail came for `mailbox` during the block, or may have come; the reader clears it.

        Other than `wait` it looks at nothing: whoever waits for it may be cancelled without a statement under way. A
        connection that is not listening yet sets it as soon as it is.
        """
        with self._listener.subscribe(mailbox) as woken:
            await self._listener.ready(2.0)
            yield woken

    async def _has_newer(self, mailbox: str, cursor: str) -> bool:
        query = "SELECT 1 FROM app.message WHERE mailbox = %s AND id > %s LIMIT 1"
        return await self._database.one(query, mailbox, int(cursor)) is not None

    async def source(self, ref: MailRef) -> bytes:
        """The raw RFC 5322 message.

        Raises:
            MessageGone: it was deleted.
        """
        row = await self._database.one("SELECT mailbox, message_key, raw FROM app.message WHERE id = %s", int(ref.id))
        if row is None:
            raise _gone(ref)
        return self._cipher.decrypt(row["raw"], context=MESSAGE.context(row["mailbox"], row["message_key"]))

    # --- handles, use, removal

    async def handle(self, ref: MailRef) -> str:
        """The unguessable handle of a message, fit to be shown to a model.

        Raises:
            MessageGone: it was deleted.
        """
        row = await self._database.one("SELECT handle FROM app.message WHERE id = %s", int(ref.id))
        if row is None:
            raise _gone(ref)
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

    async def provider_message(self, ref: MailRef) -> str | None:
        """The provider's identifier of a message; None for one of our own server, or one that was deleted."""
        row = await self._database.one("SELECT provider_message FROM app.message WHERE id = %s", int(ref.id))
        return None if row is None else row["provider_message"]

    async def delete(self, ref: MailRef) -> None:
        """Remove a message; gone already is fine. A provider that still lists it does not bring it back."""
        async with self._database.connection() as connection:
            await connection.execute(
                "INSERT INTO app.message_passed (mailbox, provider_message, reason) SELECT mailbox, provider_message,"
                " 'deleted' FROM app.message WHERE id = %s AND provider_message IS NOT NULL ON CONFLICT DO NOTHING",
                (int(ref.id),),
            )
            await connection.execute("DELETE FROM app.message WHERE id = %s", (int(ref.id),))

    def _ref(self, row: Row) -> MailRef:
        context = ENVELOPE.context(row["mailbox"], row["message_key"])
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


async def _lock(connection: Connection, mailbox: str) -> None:
    # The lock makes ids of a mailbox visible in ascending order, so that a cursor cannot pass over a message whose
    # transaction was slower.
    locked = await connection.execute("SELECT 1 FROM app.mailbox WHERE address = %s FOR NO KEY UPDATE", (mailbox,))
    if await locked.fetchone() is None:
        raise MailboxUnknown(mailbox)


async def _used(connection: Connection, mailbox: str) -> int:
    found = await connection.execute(
        "SELECT coalesce(sum(size), 0) AS used FROM app.message WHERE mailbox = %s", (mailbox,)
    )
    row = await found.fetchone()
    return int(row["used"]) if row else 0


async def _pass_over(connection: Connection, mailbox: str, provider_message: str, reason: str) -> None:
    await connection.execute(
        "INSERT INTO app.message_passed (mailbox, provider_message, reason)"
        " SELECT address, %s, %s FROM app.mailbox WHERE address = %s ON CONFLICT DO NOTHING",
        (provider_message, reason, mailbox),
    )


def _gone(ref: MailRef) -> MessageGone:
    return MessageGone(f"Message {ref.id} was deleted.", next_step="Ask the site to send a new one.")
