"""Adding to the log, and reading it.

Each row carries an HMAC-SHA-256 (RFC 2104) over itself and the code of the row before it: a row that was changed, left
out or put in between does not fit any more. What that proves, and what it does not, stands in docs/audit.md.
"""

import hmac
import json
import os
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from seezar.audit.actor import actor
from seezar.database import Connection, Database, Row
from seezar.vault.cipher import Cipher
from seezar.vault.columns import AUDIT_KEY

# The key of the lock that keeps rows in one chain; any number that nothing else locks.
_CHAIN_LOCK = 0x5EE2_A0D1
_KEY_BYTES = 32
_BATCH = 5000
_READ_KEY = "SELECT key FROM app.audit_key"
GENESIS = bytes(32)


@dataclass(frozen=True)
class Entry:
    """One row.

    Attributes:
        number: 1, 2, 3 …, without a gap.
        actor: see `seezar.audit.actor`.
        action: `account.add`, `session.export`: the thing, a dot, what was done to it.
        subject: to which account, run, client or mailbox.
        detail: names and numbers. Never a secret.
        mac: 32 bytes.
    """

    number: int
    at: datetime
    actor: str
    action: str
    subject: str | None
    detail: dict[str, Any]
    mac: bytes


class Audit:
    """The log in `app.audit`."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher
        self._key: bytes | None = None

    async def append(self, connection: Connection, action: str, subject: str | None = None, **detail: Any) -> None:
        """Add a row in the caller's transaction: what was done and that it was done stand together, or neither.

        It has to be the last statement there. It waits for others that add a row, until their transactions end; who
        waited for anything else after it could block them, and be blocked.
        """
        key = await self._key_over(connection)
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_CHAIN_LOCK,))
        cursor = await connection.execute("SELECT number, mac FROM app.audit ORDER BY number DESC LIMIT 1")
        last = await cursor.fetchone()
        number, before = (1, GENESIS) if last is None else (last["number"] + 1, bytes(last["mac"]))
        at, who, text = datetime.now(UTC), actor(), json.dumps(detail, sort_keys=True)
        mac = code_of(key, before, number=number, at=at, actor=who, action=action, subject=subject, detail=text)
        await connection.execute(
            "INSERT INTO app.audit (number, at, actor, action, subject, detail, mac)"
            " VALUES (%s, %s, %s, %s, %s, %s::json, %s)",
            (number, at, who, action, subject, text, mac),
        )

    async def note(self, action: str, subject: str | None = None, **detail: Any) -> None:
        """Add a row in a transaction of its own."""
        async with self._database.connection() as connection:
            await self.append(connection, action, subject, **detail)

    async def list(self, *, subject: str | None = None, before: int | None = None, limit: int = 50) -> Sequence[Entry]:
        """The newest first.

        Args:
            subject: only of this account, run, client or mailbox.
            before: only rows with a smaller number.
        """
        rows = await self._database.all(
            "SELECT * FROM app.audit WHERE (%s::text IS NULL OR subject = %s) AND (%s::bigint IS NULL OR number < %s)"
            " ORDER BY number DESC LIMIT %s",
            subject,
            subject,
            before,
            before,
            limit,
        )
        return [entry_of(row) for row in rows]

    async def count(self, action: str, *, by: str, within: timedelta) -> int:
        """How often `action` was done of late.

        Args:
            by: the kind of actor: "agent".
        """
        row = await self._database.one(
            "SELECT count(*) AS n FROM app.audit WHERE action = %s AND split_part(actor, ':', 1) = %s"
            " AND at > now() - %s",
            action,
            by,
            within,
        )
        assert row is not None
        return int(row["n"])

    async def walk(self) -> AsyncGenerator[Sequence[Row]]:
        """All rows from the first one, in batches; `detail` is the very text that is stored."""
        number = 0
        while True:
            # Read as JSON, `detail` could be written in another way.
            rows = await self._database.all(
                "SELECT number, at, actor, action, subject, detail::text AS detail, mac FROM app.audit"
                " WHERE number > %s ORDER BY number LIMIT %s",
                number,
                _BATCH,
            )
            yield rows
            if len(rows) < _BATCH:
                return
            number = rows[-1]["number"]

    async def key(self) -> bytes:
        """The key of the codes; made on first use.

        Raises:
            KeyUnusable: it does not open under the master key.
        """
        async with self._database.connection() as connection:
            return await self._key_over(connection)

    async def _key_over(self, connection: Connection) -> bytes:
        # Over the connection that is there: who holds one and waits for another may wait for ever.
        if self._key is not None:
            return self._key
        row = await (await connection.execute(_READ_KEY)).fetchone()
        if row is not None:
            self._key = self._opened(row)
            return self._key
        fresh = self._cipher.encrypt(os.urandom(_KEY_BYTES), context=AUDIT_KEY.context())
        # Of two processes, one is the first; the other one waits for its end here.
        await connection.execute("INSERT INTO app.audit_key (key) VALUES (%s) ON CONFLICT DO NOTHING", (fresh,))
        row = await (await connection.execute(_READ_KEY)).fetchone()
        assert row is not None
        # Not remembered: with the transaction, the key that it has made may go.
        return self._opened(row)

    def _opened(self, row: Row) -> bytes:
        return self._cipher.decrypt(bytes(row["key"]), context=AUDIT_KEY.context())


def code_of(
    key: bytes, before: bytes, *, number: int, at: datetime, actor: str, action: str, subject: str | None, detail: str
) -> bytes:
    """The code of a row.

    Args:
        before: that of the row before it; `GENESIS` for the first one.
        detail: the very text that is stored.
    """
    fields = [
        number,
        at.astimezone(UTC).isoformat(timespec="microseconds"),
        actor,
        action,
        subject,
        detail,
        before.hex(),
    ]
    return hmac.digest(key, json.dumps(fields).encode(), sha256)


def entry_of(row: Row) -> Entry:
    """The entry of a row of `app.audit`."""
    return Entry(
        row["number"], row["at"], row["actor"], row["action"], row["subject"], row["detail"], bytes(row["mac"])
    )
