"""The vault on a real database: opened for a registered origin only, and only while nobody changed the row."""

import asyncio
import os

import pytest

from seezar.database import Database
from seezar.errors import KeyUnusable, OriginNotAllowed, SecretMissing
from seezar.vault import Cipher, Vault
from seezar.vault.keys import MasterKey

ORIGINS = ("https://a.example", "https://login.a.example")
REFERENCE = "account/a/password"


@pytest.fixture
async def vault(database: Database, cipher: Cipher) -> Vault:
    """A vault that holds one secret."""
    vault = Vault(database, cipher)
    await vault.check_key()
    await put(database, vault, "geheim-4711")
    return vault


async def put(database: Database, vault: Vault, value: str, reference: str = REFERENCE) -> None:
    async with database.connection() as connection:
        await vault.put(connection, reference, value, ORIGINS)


async def test_opened_on_each_of_its_origins(vault: Vault) -> None:
    for origin in ORIGINS:
        assert await vault.open(REFERENCE, origin=origin) == "geheim-4711"
    assert await vault.open_local(REFERENCE) == "geheim-4711"


@pytest.mark.parametrize(
    "origin",
    [
        "https://b.example",
        "http://a.example",
        "https://a.example:8443",
        "https://x.a.example",
        "https://a.example/",
        "",
    ],
)
async def test_opened_nowhere_else(vault: Vault, origin: str) -> None:
    with pytest.raises(OriginNotAllowed, match="may not be used") as told:
        await vault.open(REFERENCE, origin=origin)
    assert "geheim" not in str(told.value)


async def test_a_reference_that_is_not_there(vault: Vault) -> None:
    with pytest.raises(SecretMissing, match="account/b/password"):
        await vault.open("account/b/password", origin=ORIGINS[0])
    with pytest.raises(SecretMissing):
        await vault.open_local("account/b/password")


async def test_a_row_holds_nothing_readable(vault: Vault, database: Database) -> None:
    row = await database.one("SELECT s::text AS text, ciphertext, wrapped_key FROM app.secret s")
    assert row is not None
    assert "geheim" not in row["text"]
    assert b"geheim" not in bytes(row["ciphertext"]) + bytes(row["wrapped_key"])


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE app.secret SET origins = origins || ARRAY['https://evil.example']",
        "UPDATE app.secret SET origins = ARRAY['https://evil.example']",
        "UPDATE app.secret SET ciphertext = ciphertext || '\\x00'::bytea",
        "UPDATE app.secret SET reference = 'account/a/totp'",
    ],
    ids=["origin added", "origins replaced", "ciphertext", "reference"],
)
async def test_a_changed_row_does_not_open(vault: Vault, database: Database, change: str) -> None:
    await database.run(change)
    row = await database.one("SELECT reference, origins FROM app.secret")
    assert row is not None
    with pytest.raises(KeyUnusable):
        await vault.open(row["reference"], origin=row["origins"][-1])
    with pytest.raises(KeyUnusable):
        await vault.open_local(row["reference"])


async def test_the_ciphertext_of_another_account_does_not_open(vault: Vault, database: Database) -> None:
    await put(database, vault, "other", "account/b/password")
    await database.run(
        "UPDATE app.secret a SET ciphertext = b.ciphertext, wrapped_key = b.wrapped_key FROM app.secret b"
        " WHERE a.reference = %s AND b.reference = 'account/b/password'",
        REFERENCE,
    )
    with pytest.raises(KeyUnusable):
        await vault.open(REFERENCE, origin=ORIGINS[0])


async def test_put_again_replaces_and_delete_forgets(vault: Vault, database: Database) -> None:
    await put(database, vault, "new")
    assert await vault.open(REFERENCE, origin=ORIGINS[0]) == "new"
    async with database.connection() as connection:
        await vault.delete(connection, REFERENCE)
        await vault.delete(connection, "account/none")
    with pytest.raises(SecretMissing):
        await vault.open_local(REFERENCE)


async def test_another_key_on_the_same_database_is_refused(vault: Vault, database: Database) -> None:
    await vault.check_key()
    other = Vault(database, Cipher(MasterKey(os.urandom(32))))
    with pytest.raises(KeyUnusable, match=r"not the one.*old key back"):
        await other.check_key()
    await vault.check_key()


async def test_of_two_keys_at_once_one_is_the_first(database: Database) -> None:
    vaults = [Vault(database, Cipher(MasterKey(os.urandom(32)))) for _ in range(2)]
    waiting = "SELECT count(*) AS n FROM pg_locks WHERE relation = 'app.master_key'::regclass AND NOT granted"
    async with database.connection() as connection:
        # Both have seen that there is no key yet before either may write its own.
        await connection.execute("LOCK TABLE app.master_key IN SHARE MODE")
        checks = [asyncio.create_task(vault.check_key()) for vault in vaults]
        while await (await connection.execute(waiting)).fetchone() != {"n": 2}:
            assert not any(check.done() for check in checks)
    results = await asyncio.gather(*checks, return_exceptions=True)
    assert results.count(None) == 1
    assert sum(isinstance(result, KeyUnusable) for result in results) == 1
    assert len(await database.all("SELECT key_id FROM app.master_key")) == 1


async def test_a_forged_proof_is_refused(vault: Vault, database: Database) -> None:
    await database.run("UPDATE app.master_key SET proof = %s", os.urandom(120))
    with pytest.raises(KeyUnusable):
        await vault.check_key()
