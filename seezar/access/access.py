"""Verifying tokens without asking the database each time, and the parts of access together."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from seezar.access.clients import Client, Clients
from seezar.access.confirmations import Confirmations
from seezar.access.errors import TokenInvalid
from seezar.access.scopes import Caller, Scope
from seezar.access.signing_keys import SigningKeys
from seezar.access.tokens import ALGORITHM, API_AUDIENCE, ISSUER, LONGEST_ACCESS_LIFE, Tokens
from seezar.audit import Audit
from seezar.database import Database
from seezar.vault import Cipher

# Clocks of two machines; RFC 7519 section 4.1.4 allows "some small leeway".
LEEWAY_S = 30
# What was revoked, disabled or rotated anywhere is known here after this many seconds.
FRESH_S = 1.0
# Ours have some 500 bytes.
LONGEST_TOKEN = 4096
# Tokens whose signature was found good; the check itself takes a tenth of a millisecond.
_MOST_VERIFIED = 1024
# What a person was asked stands in the audit log for ever.
_KEPT_DAYS = 30


@dataclass(frozen=True)
class _State:
    """Keys, clients and revocations as they were a moment ago."""

    keys: dict[str, Ed25519PublicKey]
    clients: dict[str, tuple[Client, datetime]]
    revoked: frozenset[str]
    read_at: float


class Access:
    """Clients, keys, tokens and confirmations of one database."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        audit = Audit(database, cipher)
        self.clients = Clients(database, audit)
        self.keys = SigningKeys(database, cipher, audit, longest=LONGEST_ACCESS_LIFE)
        self.tokens = Tokens(database, self.clients, self.keys, audit)
        self.confirmations = Confirmations(database, audit)
        self._state: _State | None = None
        self._reading = asyncio.Lock()
        self._verified: OrderedDict[str, dict[str, Any]] = OrderedDict()

    async def verify(self, token: str, *, audience: str = API_AUDIENCE) -> Caller:
        """Who presents `token`.

        The database is asked once a second at most, however many tokens are verified.

        Raises:
            TokenInvalid: it does not count.
            DatabaseUnavailable: what was revoked cannot be read, so nobody is let in.
        """
        claims = self._claims(token, await self._current(), audience)
        state = await self._current()
        known = state.clients.get(claims["sub"])
        if known is None or known[0].disabled_at is not None:
            raise TokenInvalid("The client of the token is disabled or gone.")
        client, not_before = known
        # Issued in the very second in which all were taken back: it may be the one before that.
        if claims["iat"] <= not_before.timestamp() or not state.revoked.isdisjoint((claims["jti"], claims.get("sid"))):
            raise TokenInvalid("The token was revoked.")
        had = frozenset(Scope(word) for word in str(claims["scope"]).split() if word in set(Scope))
        scopes = had if Scope.ADMIN in client.scopes else had & client.scopes
        return Caller(client.id, client.name, scopes, claims["jti"])

    async def revoke(self, token: str, *, client_id: str) -> None:
        """Take back an access or a refresh token of a client; one that is not known, or not its own, is fine."""
        try:
            claims = _decoded(token, await self._current()) if len(token) <= LONGEST_TOKEN and token.isascii() else {}
        except TokenInvalid:
            claims = {}
        if claims.get("sub") == client_id:
            await self.tokens.revoke(claims["jti"], client_id=client_id)
        elif not claims:
            await self.tokens.revoke_refresh(token, client_id=client_id)
        self.forget_state()

    async def forget_expired(self) -> int:
        """Delete what is over: tokens, revocations, and questions of a month ago; returns how many."""
        return await self.tokens.forget_expired() + await self.confirmations.forget_old(days=_KEPT_DAYS)

    def forget_state(self) -> None:
        """Read anew before the next token is verified: this process has just changed something."""
        self._state = None

    async def _current(self) -> _State:
        state = self._state
        if state is not None and time.monotonic() - state.read_at < FRESH_S:
            return state
        async with self._reading:
            state = self._state
            if state is None or time.monotonic() - state.read_at >= FRESH_S:
                state = self._state = await self._read()
        return state

    async def _read(self) -> _State:
        # Before the queries: what changes while they run is read the next time.
        read_at = time.monotonic()
        keys = {key.kid: key.public for key in await self.keys.list()}
        clients = {
            row["id"]: (
                Client(
                    row["id"],
                    row["name"],
                    frozenset(Scope(word) for word in row["scopes"] if word in set(Scope)),
                    row["created_at"],
                    row["disabled_at"],
                ),
                row["not_before"],
            )
            for row in await self._database.all("SELECT * FROM app.client")
        }
        rows = await self._database.all("SELECT id FROM app.revocation WHERE expires_at > now()")
        return _State(keys, clients, frozenset(row["id"] for row in rows), read_at)

    def _claims(self, token: str, state: _State, audience: str) -> dict[str, Any]:
        if len(token) > LONGEST_TOKEN or not token.isascii():
            raise TokenInvalid
        claims = self._verified.get(token)
        if claims is None:
            claims = _decoded(token, state)
            self._verified[token] = claims
            while len(self._verified) > _MOST_VERIFIED:
                self._verified.popitem(last=False)
        elif claims["kid"] not in state.keys:
            raise TokenInvalid("The token was signed by a key that is no longer used.")
        now = time.time()
        if claims["exp"] <= now - LEEWAY_S:
            raise TokenInvalid("The token has expired.")
        if claims["nbf"] > now + LEEWAY_S or claims["iat"] > now + LEEWAY_S:
            raise TokenInvalid("The token is not valid yet; a clock is wrong.")
        if claims["aud"] != audience:
            raise TokenInvalid("The token was issued for another service.")
        return claims


def _decoded(token: str, state: _State) -> dict[str, Any]:
    """The claims of a token with a good signature of ours; times and audience are still to be looked at."""
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        key = state.keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise TokenInvalid
        claims = jwt.decode(
            token,
            key,
            # Named here, never taken from the token.
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            options={
                "require": ["iss", "aud", "sub", "scope", "jti", "iat", "nbf", "exp"],
                "verify_aud": False,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except jwt.InvalidTokenError:
        raise TokenInvalid from None
    shapes = {
        "sub": str,
        "scope": str,
        "jti": str,
        "aud": str,
        "iat": (int, float),
        "nbf": (int, float),
        "exp": (int, float),
    }
    if not all(isinstance(claims[name], shape) for name, shape in shapes.items()):
        raise TokenInvalid
    return {**claims, "kid": kid}
