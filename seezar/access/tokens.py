"""Issuing tokens: a short-lived access token that is signed, and a refresh token that is good for one use.

Access tokens are JWTs (RFC 7519) signed with EdDSA (RFC 8037), in the shape of RFC 9068. Refresh tokens are random;
only their digests are stored. Each is used once and gives way to the next of its family; one that comes a second time
was copied, so the whole family is taken back (RFC 9700 section 4.14.2).
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import jwt

from seezar.access.clients import Client, Clients
from seezar.access.errors import ScopeMissing, TokenInvalid
from seezar.access.scopes import Scope, parsed_scopes
from seezar.access.signing_keys import SigningKeys
from seezar.audit import Audit
from seezar.database import Connection, Database, Row
from seezar.errors import InvalidInput

ISSUER = "seezar"
API_AUDIENCE = "seezar-api"
WEB_AUDIENCE = "seezar-web"
AUDIENCES = (API_AUDIENCE, WEB_AUDIENCE)
ALGORITHM = "EdDSA"

ACCESS_LIFE = timedelta(minutes=15)
# A day's work in ADK Web, or of a script that cannot renew.
LONGEST_ACCESS_LIFE = timedelta(hours=12)
REFRESH_LIFE = timedelta(days=30)

_NOT_OURS = "The refresh token is not one of ours, or has expired."


@dataclass(frozen=True)
class TokenPair:
    """What a client is given.

    Attributes:
        expires_in: seconds that the access token lives.
        refresh_token: None where none was asked for.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: int
    scopes: frozenset[Scope]


class Tokens:
    """Issues, renews and takes back tokens."""

    def __init__(self, database: Database, clients: Clients, keys: SigningKeys, audit: Audit) -> None:
        self._database = database
        self._clients = clients
        self._keys = keys
        self._audit = audit

    async def issue(
        self, client_id: str, secret: str, scopes: Iterable[str] | None = None, *, audience: str = API_AUDIENCE
    ) -> TokenPair:
        """Tokens for a client that knows its secret.

        Args:
            scopes: fewer than those of the client; None = all of them.

        Raises:
            InvalidClient, TooManyAttempts: see `Clients.authenticate`.
            ScopeMissing: one that the client has not.
            InvalidInput: an unknown scope or audience.
        """
        client = await self._clients.authenticate(client_id, secret)
        chosen = _narrowed(client, scopes)
        await self._audit.note("token.issue", client.name, scopes=sorted(chosen))
        return await self._pair(client, chosen, _checked(audience))

    async def issue_for_browser(self, client_id: str, secret: str) -> TokenPair:
        """A token for ADK Web, as long as a day's work and not renewed: for a cookie.

        Raises:
            InvalidClient, TooManyAttempts, ScopeMissing: as `issue`; it needs the scope `chat`.
        """
        client = await self._clients.authenticate(client_id, secret)
        scopes = _narrowed(client, [Scope.CHAT])
        await self._audit.note("token.issue", client.name, scopes=sorted(scopes))
        life = LONGEST_ACCESS_LIFE
        token = await self._access_token(client, scopes, WEB_AUDIENCE, family=_new_family(), life=life)
        return TokenPair(token, None, int(life.total_seconds()), scopes)

    async def issue_here(
        self,
        name: str,
        scopes: Iterable[str] | None = None,
        *,
        audience: str = API_AUDIENCE,
        life: timedelta = ACCESS_LIFE,
    ) -> TokenPair:
        """An access token for a client of this name, without its secret: for whoever has the database and the master
        key, such as the command line of this machine.

        Args:
            life: how long it lives, `LONGEST_ACCESS_LIFE` at most.

        Raises:
            ClientUnknown: there is none.
            ScopeMissing, InvalidInput: as `issue`; or the client is disabled.
        """
        client = await self._clients.get(name)
        if client.disabled_at is not None:
            raise InvalidInput(
                f"The client {client.name!r} is disabled.",
                kept="No token was issued.",
                next_step=f"Enable it first: seezar client enable {client.name}.",
            )
        if not timedelta(seconds=1) <= life <= LONGEST_ACCESS_LIFE:
            hours = LONGEST_ACCESS_LIFE // timedelta(hours=1)
            raise InvalidInput(f"A token lives for 1 second to {hours} hours.", kept="No token was issued.")
        chosen = _narrowed(client, scopes)
        await self._audit.note("token.issue", client.name, scopes=sorted(chosen))
        token = await self._access_token(client, chosen, _checked(audience), family=_new_family(), life=life)
        return TokenPair(token, None, int(life.total_seconds()), chosen)

    async def refresh(self, refresh_token: str, scopes: Iterable[str] | None = None) -> TokenPair:
        """The next tokens of a family; the refresh token that was given no longer counts.

        Args:
            scopes: fewer than before; None = the same.

        Raises:
            TokenInvalid: it does not count. If it was used before, its whole family is taken back.
            ScopeMissing, InvalidInput: as `issue`.
        """
        row = await self._spend(refresh_token)
        client = await self._clients.get(row["client_id"])
        had = frozenset(Scope(word) for word in row["scopes"] if word in set(Scope))
        now = had if Scope.ADMIN in client.scopes else had & client.scopes
        if client.disabled_at is not None or not now:
            raise TokenInvalid(_NOT_OURS)
        chosen = now if scopes is None else _within(now, parsed_scopes(scopes))
        return await self._pair(client, chosen, row["audience"], family=row["family"])

    async def revoke(self, token_id: str, *, client_id: str, expires_at: datetime | None = None) -> None:
        """Take back an access token by its `jti`, or a family by its id, before it expires."""
        async with self._database.connection() as connection:
            await _revoke(connection, token_id, client_id, expires_at or datetime.now(UTC) + LONGEST_ACCESS_LIFE)
            await self._audit.append(connection, "token.revoke", client_id, token=token_id)

    async def revoke_refresh(self, refresh_token: str, *, client_id: str) -> None:
        """Take back the family of a refresh token, its access tokens included; an unknown one is fine (RFC 7009)."""
        row = await self._database.one(
            "SELECT family, client_id FROM app.refresh_token WHERE digest = %s AND client_id = %s",
            _digest(refresh_token),
            client_id,
        )
        if row is not None:
            async with self._database.connection() as connection:
                await _end_family(connection, row)
                await self._audit.append(connection, "token.revoke", row["client_id"], token=row["family"])

    async def forget_expired(self) -> int:
        """Delete what is over: refresh tokens and revocations that have expired; returns how many."""
        return await self._database.run("DELETE FROM app.refresh_token WHERE expires_at < now()") + (
            await self._database.run("DELETE FROM app.revocation WHERE expires_at < now()")
        )

    async def _spend(self, refresh_token: str) -> Row:
        reused = False
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                "SELECT * FROM app.refresh_token WHERE digest = %s FOR UPDATE", (_digest(refresh_token),)
            )
            row = await cursor.fetchone()
            if row is not None and row["used_at"] is None and row["expires_at"] > datetime.now(UTC):
                await connection.execute(
                    "UPDATE app.refresh_token SET used_at = now() WHERE digest = %s", (row["digest"],)
                )
                return row
            if row is not None and row["used_at"] is not None:
                await _end_family(connection, row)
                await self._audit.append(connection, "token.reuse", row["client_id"], token=row["family"])
                reused = True
        if reused:
            raise TokenInvalid("The refresh token was used before; every token that came of it was taken back.")
        raise TokenInvalid(_NOT_OURS)

    async def _pair(
        self, client: Client, scopes: frozenset[Scope], audience: str, *, family: str | None = None
    ) -> TokenPair:
        family = family or _new_family()
        access = await self._access_token(client, scopes, audience, family=family, life=ACCESS_LIFE)
        refresh = f"szr_{secrets.token_urlsafe(32)}"
        await self._database.run(
            "INSERT INTO app.refresh_token (digest, family, client_id, scopes, audience, expires_at)"
            " VALUES (%s, %s, %s, %s, %s, now() + %s)",
            _digest(refresh),
            family,
            client.id,
            sorted(scopes),
            audience,
            REFRESH_LIFE,
        )
        return TokenPair(access, refresh, int(ACCESS_LIFE.total_seconds()), scopes)

    async def _access_token(
        self, client: Client, scopes: frozenset[Scope], audience: str, *, family: str, life: timedelta
    ) -> str:
        kid, key = await self._keys.signing()
        now = datetime.now(UTC)
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "sub": client.id,
            "scope": " ".join(sorted(scopes)),
            "jti": secrets.token_hex(12),
            "sid": family,
            "iat": now.timestamp(),
            "nbf": int(now.timestamp()),
            "exp": now + life,
        }
        return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": kid, "typ": "at+jwt"})


async def _end_family(connection: Connection, row: Row) -> None:
    await connection.execute("DELETE FROM app.refresh_token WHERE family = %s AND used_at IS NULL", (row["family"],))
    await _revoke(connection, row["family"], row["client_id"], datetime.now(UTC) + LONGEST_ACCESS_LIFE)


async def _revoke(connection: Connection, token_id: str, client_id: str, expires_at: datetime) -> None:
    await connection.execute(
        "INSERT INTO app.revocation (id, client_id, expires_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (token_id, client_id, expires_at),
    )


def _narrowed(client: Client, scopes: Iterable[str] | None) -> frozenset[Scope]:
    if scopes is None:
        return client.scopes
    wanted = parsed_scopes(scopes)
    return wanted if Scope.ADMIN in client.scopes else _within(client.scopes, wanted)


def _within(had: frozenset[Scope], wanted: frozenset[Scope]) -> frozenset[Scope]:
    if (more := sorted(wanted - had)) and Scope.ADMIN not in had:
        raise ScopeMissing(more[0])
    return wanted


def _checked(audience: str) -> str:
    if audience not in AUDIENCES:
        raise InvalidInput(
            f"There is no audience {audience[:60]!r}.",
            kept="No token was issued.",
            next_step=f"Audiences: {', '.join(AUDIENCES)}.",
        )
    return audience


def _new_family() -> str:
    return f"family-{secrets.token_hex(12)}"


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
