"""The vault: secrets by reference, each opened only for an origin that it is bound to."""

from collections.abc import Sequence

from seezar.database import Connection, Database, Row
from seezar.errors import OriginNotAllowed, SecretMissing
from seezar.telemetry.revealed import revealed
from seezar.vault.cipher import Cipher, Sealed
from seezar.vault.columns import SECRET
from seezar.vault.proofs import check_keys


class Vault:
    """Secrets in `app.secret`."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self.cipher = cipher

    async def check_key(self) -> None:
        """Make sure that the master keys are those that the data were encrypted with; see `check_keys`.

        Raises:
            KeyUnusable: they are not.
        """
        await check_keys(self._database, self.cipher.keyring)

    async def put(self, connection: Connection, reference: str, value: str, origins: Sequence[str]) -> None:
        """Store `value` under `reference` for use on `origins` only, in the caller's transaction; replaces an older
        one.
        """
        revealed.note("secret", value)
        sealed = self.cipher.seal(value.encode(), context=SECRET.context(reference, *sorted(origins)))
        await connection.execute(
            "INSERT INTO app.secret (reference, origins, key_id, wrapped_key, ciphertext) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (reference) DO UPDATE SET origins = excluded.origins, key_id = excluded.key_id,"
            " wrapped_key = excluded.wrapped_key, ciphertext = excluded.ciphertext, updated_at = now()",
            (reference, list(origins), sealed.key_id, sealed.wrapped, sealed.ciphertext),
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
        sealed = Sealed(row["key_id"], bytes(row["wrapped_key"]), bytes(row["ciphertext"]))
        value = self.cipher.open(sealed, context=SECRET.context(row["reference"], *sorted(row["origins"]))).decode()
        revealed.note("secret", value)
        return value
