"""The vault: secrets by reference, each opened only for an origin that it is bound to."""

from collections.abc import Sequence

from seezar.database import Connection, Database, Row
from seezar.errors import KeyUnusable, OriginNotAllowed, SecretMissing
from seezar.telemetry.revealed import revealed
from seezar.vault.cipher import Cipher

_PROOF = b"seezar"


def _context(reference: str, origins: Sequence[str]) -> str:
    return "\n".join(["secret", reference, *sorted(origins)])


async def _proofs(connection: Connection) -> list[Row]:
    return await (await connection.execute("SELECT key_id, proof FROM app.master_key")).fetchall()


class Vault:
    """Secrets in `app.secret`."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self.cipher = cipher

    async def check_key(self) -> None:
        """Make sure that the master key is the one that the data were encrypted with; the first key is remembered.

        Raises:
            KeyUnusable: it is another one.
        """
        async with self._database.connection() as connection:
            rows = await _proofs(connection)
            if not rows:
                # Of two processes with two keys, one is the first.
                await connection.execute("LOCK TABLE app.master_key IN SHARE ROW EXCLUSIVE MODE")
                rows = await _proofs(connection)
            if not rows:
                await connection.execute(
                    "INSERT INTO app.master_key (key_id, proof) VALUES (%s, %s)",
                    (self.cipher.key_id, self.cipher.encrypt(_PROOF, context="proof")),
                )
                return
        known = {row["key_id"]: bytes(row["proof"]) for row in rows}
        proof = known.get(self.cipher.key_id)
        if proof is None or self.cipher.decrypt(proof, context="proof") != _PROOF:
            raise KeyUnusable(
                "The master key is not the one that this database was encrypted with.",
                kept="Nothing was changed; the secrets are still there under the old key.",
                next_step="Put the old key back (SEEZAR_MASTER_KEY or the key file), or use another SEEZAR_HOME.",
            )

    async def put(self, connection: Connection, reference: str, value: str, origins: Sequence[str]) -> None:
        """Store `value` under `reference` for use on `origins` only, in the caller's transaction; replaces an older
        one.
        """
        revealed.note("secret", value)
        wrapped, ciphertext = self.cipher.seal(value.encode(), context=_context(reference, origins))
        await connection.execute(
            "INSERT INTO app.secret (reference, origins, key_id, wrapped_key, ciphertext) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (reference) DO UPDATE SET origins = excluded.origins, key_id = excluded.key_id,"
            " wrapped_key = excluded.wrapped_key, ciphertext = excluded.ciphertext, updated_at = now()",
            (reference, list(origins), self.cipher.key_id, wrapped, ciphertext),
        )

    async def open(self, reference: str, *, origin: str) -> str:
        """The secret, for typing it into a field of `origin`.

        Raises:
            SecretMissing: no such reference.
            OriginNotAllowed: it is not bound to `origin`.
            KeyUnusable: it does not open.
        """
        row = await self._row(reference)
        if origin not in row["origins"]:
            raise OriginNotAllowed(
                f"The secret {reference!r} may not be used on {origin}.",
                kept="It was not opened.",
                next_step="If that origin belongs to the site, register it: seezar account add … --origin ORIGIN.",
            )
        return self._decrypt(row)

    async def open_local(self, reference: str) -> str:
        """The secret, for computing with it here (a TOTP key); it must not be typed or sent anywhere.

        Raises:
            SecretMissing: no such reference.
            KeyUnusable: it does not open.
        """
        return self._decrypt(await self._row(reference))

    async def delete(self, connection: Connection, reference: str) -> None:
        """Forget a secret, in the caller's transaction; unknown references are fine."""
        await connection.execute("DELETE FROM app.secret WHERE reference = %s", (reference,))

    async def _row(self, reference: str) -> Row:
        row = await self._database.one("SELECT * FROM app.secret WHERE reference = %s", reference)
        if row is None:
            raise SecretMissing(
                f"There is no secret {reference!r}.",
                next_step="Enter it again: seezar account add … --password-env VAR.",
            )
        return row

    def _decrypt(self, row: Row) -> str:
        context = _context(row["reference"], row["origins"])
        value = self.cipher.open(bytes(row["wrapped_key"]), bytes(row["ciphertext"]), context=context).decode()
        revealed.note("secret", value)
        return value
