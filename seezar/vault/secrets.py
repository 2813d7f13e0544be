"""The vault: secrets by reference, each opened only for an origin that it is bound to."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from seezar.database import Connection, Database, Row
from seezar.errors import InvalidInput, OriginNotAllowed, SecretMissing
from seezar.telemetry.revealed import revealed
from seezar.vault.backends import Backends
from seezar.vault.cipher import Cipher, Sealed
from seezar.vault.columns import SECRET
from seezar.vault.proofs import check_keys

# No value begins so: PostgreSQL stores no NUL, and none is typed. It is encrypted with the rest, bound to the origins.
_ELSEWHERE = "\0"
# Redaction asks for the secrets of an account with each page.
_RECENT_S = 60.0


@dataclass(frozen=True)
class Stored:
    """A secret as it is kept: its value, or where the value is."""

    value: str | None = field(repr=False)
    source: str | None


class Vault:
    """Secrets in `app.secret`.

    Args:
        backends: where secrets are kept that are not kept here; None = there are none.
    """

    def __init__(self, database: Database, cipher: Cipher, backends: Backends | None = None) -> None:
        self._database = database
        self.cipher = cipher
        self._backends = backends or Backends()
        self._recent: dict[str, tuple[str, float]] = {}

    async def check_key(self) -> None:
        """Make sure that the master keys are those that the data were encrypted with; see `check_keys`.

        Raises:
            KeyUnusable: they are not.
        """
        await check_keys(self._database, self.cipher.keyring)

    async def put(self, connection: Connection, reference: str, value: str, origins: Sequence[str]) -> None:
        """Store `value` under `reference` for use on `origins` only, in the caller's transaction; replaces an older
        one.

        Raises:
            InvalidInput: it begins as no secret does.
        """
        if value.startswith(_ELSEWHERE):
            raise InvalidInput("The secret begins with NUL.", kept="Nothing was stored.", next_step="Enter it again.")
        revealed.note("secret", value)
        await self._put(connection, reference, value, origins)

    async def put_source(self, connection: Connection, reference: str, source: str, origins: Sequence[str]) -> None:
        """As `put`, for a value that is kept elsewhere: `source` says where (`seezar.vault.backends`).

        Raises:
            InvalidInput: it has no form that is known.
        """
        self._backends.check(source)
        await self._put(connection, reference, _ELSEWHERE + source, origins)

    async def _put(self, connection: Connection, reference: str, value: str, origins: Sequence[str]) -> None:
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
            SecretMissing: no such reference, or nothing where it is kept.
            BackendUnavailable: that place cannot be asked.
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
        value, source = self._opened(row)
        return value if source is None else await self._fetch(source)

    async def open_local(self, reference: str) -> str:
        """The secret, for computing with it here (a TOTP key); it must not be typed or sent anywhere. One that is kept
        elsewhere may be as it was a minute ago.

        Raises:
            SecretMissing: no such reference, or nothing where it is kept.
            BackendUnavailable: that place cannot be asked.
            KeyUnusable: it does not open.
        """
        value, source = self._opened(await self._row(reference))
        if source is None:
            return value
        recent, until = self._recent.get(source, ("", 0.0))
        return recent if time.monotonic() < until else await self._fetch(source)

    async def stored(self, reference: str) -> Stored:
        """What is kept here: the value, or where it is kept; for an export, and for saying which.

        Raises:
            SecretMissing: no such reference.
            KeyUnusable: it does not open.
        """
        value, source = self._opened(await self._row(reference))
        return Stored(value if source is None else None, source)

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

    async def _fetch(self, source: str) -> str:
        value = await self._backends.fetch(source)
        revealed.note("secret", value)
        self._recent[source] = (value, time.monotonic() + _RECENT_S)
        return value

    def _opened(self, row: Row) -> tuple[str, str | None]:
        """The value, and where it is kept if that is elsewhere."""
        sealed = Sealed(row["key_id"], bytes(row["wrapped_key"]), bytes(row["ciphertext"]))
        value = self.cipher.open(sealed, context=SECRET.context(row["reference"], *sorted(row["origins"]))).decode()
        if value.startswith(_ELSEWHERE):
            return "", value.removeprefix(_ELSEWHERE)
        revealed.note("secret", value)
        return value, None
