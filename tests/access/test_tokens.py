"""Tokens: who is let in, and everybody who is not."""

import asyncio
import base64
import json
import time
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from seezar.access import WEB_AUDIENCE, Access, Scope, ScopeMissing, TokenInvalid
from seezar.access.clients import NewClient
from seezar.access.errors import ClientExists, InvalidClient
from seezar.access.tokens import ALGORITHM, API_AUDIENCE, ISSUER
from seezar.database import Database
from seezar.errors import InvalidInput
from seezar.vault import Cipher


@pytest.fixture
def access(database: Database, cipher: Cipher) -> Access:
    return Access(database, cipher)


@pytest.fixture
async def reader(access: Access) -> NewClient:
    return await access.clients.add("reader", [Scope.RUNS_READ, Scope.ACCOUNTS_READ])


async def _token(access: Access, reader: NewClient) -> str:
    return (await access.tokens.issue(reader.client.id, reader.secret)).access_token


async def test_a_token_names_its_client_and_scopes(access: Access, reader: NewClient) -> None:
    caller = await access.verify(await _token(access, reader))
    assert (caller.client_id, caller.name) == (reader.client.id, "reader")
    assert caller.scopes == {Scope.RUNS_READ, Scope.ACCOUNTS_READ}
    assert caller.may(Scope.RUNS_READ)
    with pytest.raises(ScopeMissing):
        caller.require(Scope.SESSION_EXPORT)


async def test_an_admin_may_everything(access: Access) -> None:
    made = await access.clients.add_first("admin")
    assert made is not None
    assert await access.clients.add_first("admin") is None
    caller = await access.verify(await _token(access, made))
    assert all(caller.may(scope) for scope in Scope)


async def test_of_two_first_starts_one_makes_the_admin(access: Access) -> None:
    made = await asyncio.gather(*(access.clients.add_first("admin") for _ in range(4)))
    assert len([client for client in made if client is not None]) == 1


async def test_fewer_scopes_may_be_asked_for_and_no_others(access: Access, reader: NewClient) -> None:
    pair = await access.tokens.issue(reader.client.id, reader.secret, [Scope.RUNS_READ])
    assert (await access.verify(pair.access_token)).scopes == {Scope.RUNS_READ}
    with pytest.raises(ScopeMissing):
        await access.tokens.issue(reader.client.id, reader.secret, [Scope.ADMIN])
    with pytest.raises(InvalidInput):
        await access.tokens.issue(reader.client.id, reader.secret, ["everything"])
    assert pair.refresh_token is not None
    with pytest.raises(ScopeMissing):
        await access.tokens.refresh(pair.refresh_token, [Scope.ACCOUNTS_READ])


@pytest.mark.parametrize("secret", ["", "sz_wrong", "x" * 100_000])
async def test_a_wrong_secret_gets_nothing(access: Access, reader: NewClient, secret: str) -> None:
    for client in (reader.client.id, "client-nobody"):
        with pytest.raises(InvalidClient):
            await access.tokens.issue(client, secret)


async def test_names_are_given_once(access: Access, reader: NewClient) -> None:
    with pytest.raises(ClientExists):
        await access.clients.add("reader", [Scope.ADMIN])
    with pytest.raises(InvalidInput):
        await access.clients.add("Not A Name", [Scope.ADMIN])


async def _claims(access: Access, reader: NewClient) -> tuple[dict[str, object], dict[str, str]]:
    token = await _token(access, reader)
    return jwt.decode(token, options={"verify_signature": False}), jwt.get_unverified_header(token)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": time.time() - 60},
        {"nbf": time.time() + 3600},
        {"iat": time.time() + 3600},
        {"aud": WEB_AUDIENCE},
        {"aud": [API_AUDIENCE]},
        {"iss": "somebody"},
        {"sub": "client-nobody"},
        {"scope": None},
        {"jti": 7},
        {"exp": "never"},
        {"sub": None},
    ],
)
async def test_claims_that_do_not_hold(access: Access, reader: NewClient, changes: dict[str, object]) -> None:
    claims, header = await _claims(access, reader)
    kid, key = await access.keys.signing()
    changed = {name: value for name, value in (claims | changes).items() if value is not None}
    assert header["kid"] == kid
    await access.verify(jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": kid}))
    with pytest.raises(TokenInvalid):
        await access.verify(jwt.encode(changed, key, algorithm=ALGORITHM, headers={"kid": kid}))


async def test_clocks_may_differ_a_little(access: Access, reader: NewClient) -> None:
    claims, _ = await _claims(access, reader)
    kid, key = await access.keys.signing()
    for changes in ({"exp": time.time() - 10}, {"nbf": time.time() + 10}, {"iat": time.time() + 10}):
        await access.verify(jwt.encode(claims | changes, key, algorithm=ALGORITHM, headers={"kid": kid}))


async def test_signatures_that_are_not_ours(access: Access, reader: NewClient) -> None:
    claims, header = await _claims(access, reader)
    kid = header["kid"]
    stranger = Ed25519PrivateKey.generate()
    (ours,) = await access.keys.list()
    public = ours.public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    good = await _token(access, reader)
    head, body, signature = good.split(".")
    forged = base64.urlsafe_b64encode(json.dumps(claims | {"scope": "admin"}).encode()).decode().rstrip("=")
    for token in (
        jwt.encode(claims, stranger, algorithm=ALGORITHM, headers={"kid": kid}),
        jwt.encode(claims, stranger, algorithm=ALGORITHM, headers={"kid": "0" * 16}),
        jwt.encode(claims, stranger, algorithm=ALGORITHM),
        jwt.encode(claims, "", algorithm="none", headers={"kid": kid}),
        # The public key as the secret of a MAC: the algorithm is never taken from the token.
        jwt.encode(claims, base64.b64encode(public).decode() * 2, algorithm="HS256", headers={"kid": kid}),
        f"{head}.{forged}.{signature}",
        f"{head}.{body}.",
        good[:-2],
        f"{good}.x",
        "",
        "x",
        "..",
        "\x00\ud800",
        "a" * 100_000,
    ):
        with pytest.raises(TokenInvalid):
            await access.verify(token)
    await access.verify(good)


async def test_audiences_are_kept_apart(access: Access, reader: NewClient) -> None:
    web = (await access.tokens.issue(reader.client.id, reader.secret, audience=WEB_AUDIENCE)).access_token
    await access.verify(web, audience=WEB_AUDIENCE)
    with pytest.raises(TokenInvalid):
        await access.verify(web)
    with pytest.raises(InvalidInput):
        await access.tokens.issue(reader.client.id, reader.secret, audience="elsewhere")


async def test_what_is_revoked_counts_no_more_also_in_other_processes(
    access: Access, reader: NewClient, database: Database, cipher: Cipher
) -> None:
    other = Access(database, cipher)
    first, second = await _token(access, reader), await _token(access, reader)
    caller = await other.verify(first)
    await access.tokens.revoke(caller.token_id, client_id=caller.client_id)
    other.forget_state()
    with pytest.raises(TokenInvalid):
        await other.verify(first)
    await other.verify(second)
    await access.clients.revoke_tokens("reader")
    other.forget_state()
    with pytest.raises(TokenInvalid):
        await other.verify(second)
    await other.verify(await _token(access, reader))


async def test_a_disabled_client_is_out_and_a_smaller_one_has_less(access: Access, reader: NewClient) -> None:
    token = await _token(access, reader)
    await access.clients.set_scopes("reader", [Scope.RUNS_READ])
    access.forget_state()
    assert (await access.verify(token)).scopes == {Scope.RUNS_READ}
    await access.clients.disable("reader")
    access.forget_state()
    with pytest.raises(TokenInvalid):
        await access.verify(token)
    with pytest.raises(InvalidClient):
        await _token(access, reader)
    await access.clients.enable("reader")
    access.forget_state()
    with pytest.raises(TokenInvalid):
        await access.verify(token)
    await access.verify(await _token(access, reader))


async def test_a_rotated_secret_ends_the_old_one(access: Access, reader: NewClient) -> None:
    pair = await access.tokens.issue(reader.client.id, reader.secret)
    renewed = await access.clients.rotate_secret("reader")
    with pytest.raises(InvalidClient):
        await _token(access, reader)
    assert pair.refresh_token is not None
    with pytest.raises(TokenInvalid):
        await access.tokens.refresh(pair.refresh_token)
    await access.verify(await _token(access, renewed))


async def test_a_refresh_token_is_good_once(access: Access, reader: NewClient) -> None:
    first = await access.tokens.issue(reader.client.id, reader.secret)
    assert first.refresh_token is not None
    second = await access.tokens.refresh(first.refresh_token)
    assert second.refresh_token is not None
    await access.verify(second.access_token)
    # Whoever comes with the old one has copied it, or the one who came first has: nobody of the family goes on.
    with pytest.raises(TokenInvalid):
        await access.tokens.refresh(first.refresh_token)
    with pytest.raises(TokenInvalid):
        await access.tokens.refresh(second.refresh_token)
    access.forget_state()
    for pair in (first, second):
        with pytest.raises(TokenInvalid):
            await access.verify(pair.access_token)


async def test_of_two_uses_at_once_one_wins(access: Access, reader: NewClient) -> None:
    pair = await access.tokens.issue(reader.client.id, reader.secret)
    assert pair.refresh_token is not None
    uses = await asyncio.gather(*(access.tokens.refresh(pair.refresh_token) for _ in range(4)), return_exceptions=True)
    assert len([use for use in uses if not isinstance(use, BaseException)]) == 1


async def test_signing_keys_rotate_without_a_gap(access: Access, reader: NewClient, database: Database) -> None:
    before = await _token(access, reader)
    new = await access.keys.rotate()
    access.forget_state()
    after = await _token(access, reader)
    assert jwt.get_unverified_header(after)["kid"] == new.kid
    await access.verify(before)
    await access.verify(after)
    # Its private half is gone at once; in the end so is the key.
    row = await database.one("SELECT count(*) AS n FROM app.signing_key WHERE private_key IS NOT NULL")
    assert row == {"n": 1}
    await database.run("UPDATE app.signing_key SET retired_at = now() - interval '13 hours' WHERE kid <> %s", new.kid)
    access.forget_state()
    with pytest.raises(TokenInvalid):
        await access.verify(before)
    await access.verify(after)


async def test_of_two_processes_one_makes_the_first_key(database: Database, cipher: Cipher) -> None:
    keys = await asyncio.gather(*(Access(database, cipher).keys.signing() for _ in range(4)))
    assert len({kid for kid, _ in keys}) == 1


async def test_tokens_made_here_need_no_secret_and_live_as_long_as_said(access: Access, reader: NewClient) -> None:
    pair = await access.tokens.issue_here("reader", life=timedelta(hours=2))
    assert pair.expires_in == 7200
    assert pair.refresh_token is None
    await access.verify(pair.access_token)
    with pytest.raises(InvalidInput):
        await access.tokens.issue_here("reader", life=timedelta(days=2))


async def test_nothing_secret_is_stored(access: Access, reader: NewClient, database: Database) -> None:
    pair = await access.tokens.issue(reader.client.id, reader.secret)
    assert pair.refresh_token is not None
    rows: list[object] = []
    for table in ("client", "refresh_token", "signing_key", "revocation"):
        rows += await database.all(f"SELECT t::text AS text FROM app.{table} t")  # noqa: S608 - our own names
    text = str(rows)
    for secret in (reader.secret, pair.access_token, pair.refresh_token):
        assert secret not in text
        assert secret.encode().hex() not in text


async def test_the_database_is_not_asked_for_each_token(access: Access, reader: NewClient, database: Database) -> None:
    token = await _token(access, reader)
    await access.verify(token)
    await database.close()
    # Within the second in which what was read counts.
    assert (await access.verify(token)).name == "reader"
    assert ISSUER == "seezar"


async def test_what_is_over_is_deleted(access: Access, reader: NewClient, database: Database) -> None:
    pair = await access.tokens.issue(reader.client.id, reader.secret)
    assert pair.refresh_token is not None
    assert await access.forget_expired() == 0
    await database.run("UPDATE app.refresh_token SET expires_at = now() - interval '1 second'")
    assert await access.forget_expired() == 1
    with pytest.raises(TokenInvalid):
        await access.tokens.refresh(pair.refresh_token)
