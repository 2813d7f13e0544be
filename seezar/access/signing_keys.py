"""The keys that sign tokens: Ed25519 (RFC 8037), one at work, those before it for verifying."""

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from psycopg.errors import UniqueViolation

from seezar.audit import Audit
from seezar.database import Database, Row
from seezar.vault import Cipher
from seezar.vault.columns import SIGNING_KEY


@dataclass(frozen=True)
class SigningKey:
    """A key pair. `retired_at` is when another one took its place."""

    kid: str
    created_at: datetime
    retired_at: datetime | None
    public: Ed25519PublicKey = field(repr=False)


class SigningKeys:
    """The keys in `app.signing_key`.

    Args:
        longest: how long a token lives at most; for so long a key that was replaced still verifies.
    """

    def __init__(self, database: Database, cipher: Cipher, audit: Audit, *, longest: timedelta) -> None:
        self._database = database
        self._audit = audit
        self._cipher = cipher
        self._longest = longest

    async def list(self) -> list[SigningKey]:
        """The keys that verify, the newest first."""
        rows = await self._database.all(
            "SELECT * FROM app.signing_key WHERE retired_at IS NULL OR retired_at > now() - %s"
            " ORDER BY created_at DESC",
            self._longest,
        )
        return [_key(row) for row in rows]

    async def signing(self) -> tuple[str, Ed25519PrivateKey]:
        """The key that signs: its id and private half. The first one is made on first use.

        Raises:
            KeyUnusable: it does not open under the master key.
        """
        row = await self._current()
        if row is None:
            # Another process may be first.
            with suppress(UniqueViolation):
                await self._make()
            row = await self._current()
        assert row is not None
        private = self._cipher.decrypt(bytes(row["private_key"]), context=SIGNING_KEY.context(row["kid"]))
        return row["kid"], Ed25519PrivateKey.from_private_bytes(private)

    async def rotate(self) -> SigningKey:
        """Make a new key that signs from now on. Tokens of the old one count until they expire."""
        async with self._database.connection() as connection:
            await connection.execute("LOCK TABLE app.signing_key IN SHARE ROW EXCLUSIVE MODE")
            await connection.execute(
                "UPDATE app.signing_key SET retired_at = now(), private_key = NULL WHERE retired_at IS NULL"
            )
            kid, public, private = self._pair()
            await connection.execute(
                "DELETE FROM app.signing_key WHERE retired_at IS NOT NULL AND retired_at < now() - %s", (self._longest,)
            )
            cursor = await connection.execute(
                "INSERT INTO app.signing_key (kid, public_key, private_key) VALUES (%s, %s, %s) RETURNING *",
                (kid, public, private),
            )
            row = await cursor.fetchone()
            await self._audit.append(connection, "signing_key.rotate", kid)
        assert row is not None
        return _key(row)

    async def _current(self) -> Row | None:
        return await self._database.one("SELECT * FROM app.signing_key WHERE retired_at IS NULL")

    async def _make(self) -> None:
        kid, public, private = self._pair()
        await self._database.run(
            "INSERT INTO app.signing_key (kid, public_key, private_key) VALUES (%s, %s, %s)", kid, public, private
        )

    def _pair(self) -> tuple[str, bytes, bytes]:
        key, kid = Ed25519PrivateKey.generate(), secrets.token_hex(8)
        raw = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return kid, public, self._cipher.encrypt(raw, context=SIGNING_KEY.context(kid))


def _key(row: Row) -> SigningKey:
    public = Ed25519PublicKey.from_public_bytes(bytes(row["public_key"]))
    return SigningKey(row["kid"], row["created_at"], row["retired_at"], public)
