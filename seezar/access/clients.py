"""The programs and people that may ask for tokens."""

import asyncio
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from psycopg.errors import UniqueViolation

from seezar.access.errors import ClientExists, ClientUnknown, InvalidClient, TooManyAttempts
from seezar.access.scopes import Scope, parsed_scopes
from seezar.audit import Audit
from seezar.database import Connection, Database, Row
from seezar.errors import InvalidInput
from seezar.telemetry.revealed import revealed

# Each hashing takes 64 MiB for some tens of milliseconds (the second choice of RFC 9106 section 4, argon2-cffi's
# default). A secret of 256 random bits cannot be guessed, so what is limited is the work, not the number of guesses: a
# stranger who sends wrong secrets cannot lock the client out.
_HASHINGS = 2
_WAITING = 16
_LONGEST_SECRET = 200
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True)
class Client:
    """Who may ask for tokens, and with which scopes at most."""

    id: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True)
class NewClient:
    """A client and its secret, which is told this once."""

    client: Client
    secret: str = field(repr=False)


class Clients:
    """The clients in `app.client`."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit
        self._hasher = PasswordHasher()
        self._hashings = asyncio.Semaphore(_HASHINGS)
        self._waiting = 0
        # Verified for a client that is not there, so that the time of an answer does not tell which are.
        self._nobody = ""

    async def add(self, name: str, scopes: Iterable[str]) -> NewClient:
        """Make a client.

        Raises:
            InvalidInput: no name, or an unknown scope.
            ClientExists: the name is taken.
        """
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                f"{name[:80]!r} is not a name for a client.",
                kept="Nothing was changed.",
                next_step="Use lower-case letters, digits, '.', '_' and '-', at most 63 characters.",
            )
        secret, hashed = await self._new_secret()
        try:
            async with self._database.connection() as connection:
                cursor = await connection.execute(
                    "INSERT INTO app.client (id, name, secret_hash, scopes) VALUES (%s, %s, %s, %s) RETURNING *",
                    (_new_id(), name, hashed, sorted(parsed_scopes(scopes))),
                )
                row = await cursor.fetchone()
                await self._audit.append(connection, "client.add", name, scopes=sorted(set(scopes)))
        except UniqueViolation:
            raise ClientExists(
                f"There is a client named {name!r} already.",
                kept="It was left as it is.",
                next_step="Choose another name, or disable that one.",
            ) from None
        assert row is not None
        return NewClient(_client(row), secret)

    async def add_first(self, name: str) -> NewClient | None:
        """Make the first client, with the scope `admin`; None when there is one. Of two callers, one makes it."""
        if await self._database.one("SELECT 1 FROM app.client LIMIT 1") is not None:
            return None
        secret, hashed = await self._new_secret()
        async with self._database.connection() as connection:
            await connection.execute("LOCK TABLE app.client IN SHARE ROW EXCLUSIVE MODE")
            cursor = await connection.execute(
                "INSERT INTO app.client (id, name, secret_hash, scopes) SELECT %s, %s, %s, %s"
                " WHERE NOT EXISTS (SELECT 1 FROM app.client) RETURNING *",
                (_new_id(), name, hashed, [Scope.ADMIN]),
            )
            row = await cursor.fetchone()
            if row is not None:
                await self._audit.append(connection, "client.add", name, scopes=[Scope.ADMIN])
        return None if row is None else NewClient(_client(row), secret)

    async def get(self, name: str) -> Client:
        """The client of this id or name.

        Raises:
            ClientUnknown: there is none.
        """
        row = await self._database.one("SELECT * FROM app.client WHERE id = %s OR name = %s", name, name)
        if row is None:
            raise ClientUnknown(name)
        return _client(row)

    async def list(self) -> Sequence[Client]:
        """All clients by name."""
        return [_client(row) for row in await self._database.all("SELECT * FROM app.client ORDER BY name")]

    async def set_scopes(self, name: str, scopes: Iterable[str]) -> Client:
        """Give the client other scopes; tokens that it has lose what it has no more.

        Raises:
            ClientUnknown, InvalidInput: as `get` and `add`.
        """
        return await self._change("scopes", name, "scopes = %s", sorted(parsed_scopes(scopes)))

    async def disable(self, name: str) -> Client:
        """Take the client and all of its tokens out of use.

        Raises:
            ClientUnknown: there is none.
        """
        return await self._change("disable", name, "disabled_at = coalesce(disabled_at, now()), not_before = now()")

    async def enable(self, name: str) -> Client:
        """Let a disabled client ask for tokens again; those that it had stay revoked.

        Raises:
            ClientUnknown: there is none.
        """
        return await self._change("enable", name, "disabled_at = NULL")

    async def revoke_tokens(self, name: str) -> Client:
        """Take back every token that the client has; it may ask for new ones.

        Raises:
            ClientUnknown: there is none.
        """
        return await self._change("revoke_tokens", name, "not_before = now()")

    async def rotate_secret(self, name: str) -> NewClient:
        """Give the client a new secret; the old one and all of its tokens no longer count.

        Raises:
            ClientUnknown: there is none.
        """
        secret, hashed = await self._new_secret()
        return NewClient(
            await self._change("rotate_secret", name, "secret_hash = %s, not_before = now()", hashed), secret
        )

    async def authenticate(self, client_id: str, secret: str) -> Client:
        """The client that knows `secret`.

        Raises:
            InvalidClient: unknown, disabled, or another secret.
            TooManyAttempts: too many are being checked.
        """
        # PostgreSQL takes no NUL, and no name has one.
        named = client_id.replace("\0", "?")
        row = await self._database.one("SELECT * FROM app.client WHERE id = %s OR name = %s", named, named)
        if not self._nobody:
            self._nobody = await self._hash(secrets.token_urlsafe())
        right = len(secret) <= _LONGEST_SECRET and await self._verify(
            row["secret_hash"] if row else self._nobody, secret
        )
        if row is None or row["disabled_at"] is not None or not right:
            raise InvalidClient
        return _client(row)

    async def _change(self, deed: str, name: str, assignments: str, *values: object) -> Client:
        client = await self.get(name)
        async with self._database.connection() as connection:
            row = await _updated(connection, client.id, assignments, values)
            if "not_before" in assignments:
                await connection.execute("DELETE FROM app.refresh_token WHERE client_id = %s", (client.id,))
            await self._audit.append(connection, f"client.{deed}", client.name)
        return _client(row)

    async def _new_secret(self) -> tuple[str, str]:
        secret = f"sz_{secrets.token_urlsafe(32)}"
        revealed.note("client-secret", secret)
        return secret, await self._hash(secret)

    async def _hash(self, secret: str) -> str:
        async with self._hashings:
            return await asyncio.to_thread(self._hasher.hash, secret)

    async def _verify(self, hashed: str, secret: str) -> bool:
        if self._waiting >= _WAITING:
            raise TooManyAttempts(
                "Too many clients are logging in at the same time.",
                kept="No token was issued.",
                next_step="Try again in a few seconds; keep a token for as long as it lives.",
            )
        self._waiting += 1
        try:
            async with self._hashings:
                return await asyncio.to_thread(self._hasher.verify, hashed, secret)
        except (Argon2Error, InvalidHashError):
            return False
        finally:
            self._waiting -= 1


async def _updated(connection: Connection, client_id: str, assignments: str, values: Sequence[object]) -> Row:
    # The assignments are words of ours; what somebody asked for is in the values.
    query = f"UPDATE app.client SET {assignments} WHERE id = %s RETURNING *"  # noqa: S608 - see above
    row = await (await connection.execute(query, (*values, client_id))).fetchone()  # pyright: ignore[reportArgumentType]
    if row is None:
        raise ClientUnknown(client_id)
    return row


def _new_id() -> str:
    return f"client-{secrets.token_hex(8)}"


def _client(row: Row) -> Client:
    scopes = frozenset(Scope(word) for word in row["scopes"] if word in set(Scope))
    return Client(row["id"], row["name"], scopes, row["created_at"], row["disabled_at"])
