"""Secrets that are kept elsewhere: asked for when they are used, bound to origins here, and stored nowhere."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from seezar.database import Database
from seezar.errors import BackendUnavailable, InvalidInput, OriginNotAllowed, SecretMissing, SettingsInvalid
from seezar.settings import Settings, load_settings
from seezar.telemetry.revealed import revealed
from seezar.vault import Cipher, Vault
from seezar.vault.backends import Backends
from tests.vault.vault_server import VaultServer, vault_server

ORIGINS = ("https://a.example",)
REFERENCE = "account/ops/password"
PLACE = "vault:secret/data/team/ops#password"
TOKEN = "hvs.0123456789"


@pytest.fixture
async def server() -> AsyncIterator[VaultServer]:
    async with vault_server(TOKEN) as running:
        running.secrets["/v1/secret/data/team/ops"] = {"password": "geheim-4711", "port": 22}
        yield running


@pytest.fixture
async def vault(server: VaultServer, settings: Settings, database: Database, cipher: Cipher) -> Vault:
    named = settings.model_copy(update={"vault_addr": server.address, "vault_token": SecretStr(TOKEN)})
    opened = Vault(database, cipher, Backends.of(named))
    await opened.check_key()
    return opened


async def put(database: Database, vault: Vault, source: str) -> None:
    async with database.connection() as connection:
        await vault.put_source(connection, REFERENCE, source, ORIGINS)


async def opened(vault: Vault) -> str:
    return await vault.open(REFERENCE, origin=ORIGINS[0])


async def test_a_vault_is_asked_each_time_the_secret_is_typed(
    vault: Vault, database: Database, server: VaultServer
) -> None:
    await put(database, vault, PLACE)
    assert server.asked == []
    assert await opened(vault) == "geheim-4711"
    assert server.asked == [("/v1/secret/data/team/ops", TOKEN)]
    server.secrets["/v1/secret/data/team/ops"] = {"password": "newer"}
    assert await opened(vault) == "newer"
    # For redaction the value of a minute ago will do.
    assert await vault.open_local(REFERENCE) == "newer"
    assert len(server.asked) == 2
    stored = await vault.stored(REFERENCE)
    assert (stored.value, stored.source) == (None, PLACE)


async def test_the_origins_are_ours(vault: Vault, database: Database, server: VaultServer) -> None:
    await put(database, vault, PLACE)
    with pytest.raises(OriginNotAllowed):
        await vault.open(REFERENCE, origin="https://b.example")
    # Whoever has the database alone can neither widen them nor name another place.
    await database.run("UPDATE app.secret SET origins = ARRAY['https://b.example']")
    with pytest.raises(Exception, match="cannot be opened"):
        await vault.open(REFERENCE, origin="https://b.example")
    assert server.asked == []


async def test_nothing_of_it_is_stored_and_redaction_knows_it(vault: Vault, database: Database) -> None:
    await put(database, vault, PLACE)
    revealed.listening = True
    try:
        await opened(vault)
        assert "geheim" not in revealed.redactor()("it is geheim-4711")
    finally:
        revealed.listening = False
    row = await database.one("SELECT s::text AS text, ciphertext FROM app.secret s")
    assert row is not None
    for word in (b"geheim-4711", b"team/ops"):
        assert word not in bytes(row["ciphertext"])
        assert word.decode() not in row["text"]


@pytest.mark.parametrize(
    ("place", "error", "said"),
    [
        ("vault:secret/data/team/none#password", SecretMissing, "holds nothing"),
        ("vault:secret/data/team/gone#password", SecretMissing, "not any more"),
        ("vault:secret/data/team/ops#totp", SecretMissing, "no text named 'totp'"),
        ("vault:secret/data/team/ops#port", SecretMissing, "no text named 'port'"),
        ("vault:secret/data/team/empty#password", BackendUnavailable, "empty, too long, or no text"),
        ("vault:secret/data/team/long#password", BackendUnavailable, "empty, too long, or no text"),
    ],
)
async def test_what_is_not_there(
    vault: Vault, database: Database, server: VaultServer, place: str, error: type[Exception], said: str
) -> None:
    server.secrets["/v1/secret/data/team/gone"] = None
    server.secrets["/v1/secret/data/team/empty"] = {"password": ""}
    server.secrets["/v1/secret/data/team/long"] = {"password": "x" * 5000}
    await put(database, vault, place)
    with pytest.raises(error, match=said):
        await opened(vault)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((503, b'{"errors":["Vault is sealed"]}'), "503. It is sealed"),
        ((500, b"geheim-4711"), "answered with 500"),
        ((302, b""), "answered with 302"),
        ((403, b'{"errors":["permission denied"]}'), "refuses the token"),
        ((200, b"<html>geheim-4711"), "something else"),
        ((200, b'{"data": null}'), "something else"),
        ((200, b'{"data": {"password": "geheim-4711"}}'), "something else"),
        ((200, b" " * 2_000_000), "more than a secret"),
    ],
    ids=["sealed", "error", "redirect", "refused", "page", "null", "version 1", "large"],
)
async def test_a_vault_that_does_not_answer_as_it_should(
    vault: Vault, database: Database, server: VaultServer, answer: tuple[int, bytes], said: str
) -> None:
    await put(database, vault, PLACE)
    server.answer, server.location = answer, f"{server.address}/v1/elsewhere"
    with pytest.raises(BackendUnavailable, match=said) as told:
        await opened(vault)
    assert told.value.status == "backend_unavailable"
    assert not any(word in str(told.value) for word in ("geheim", TOKEN))
    # The token went to no other address.
    assert [path for path, _ in server.asked] == ["/v1/secret/data/team/ops"]


async def test_a_vault_that_is_gone(database: Database, cipher: Cipher, settings: Settings) -> None:
    async with vault_server(TOKEN) as server:
        address = server.address
    named = settings.model_copy(update={"vault_addr": address, "vault_token": SecretStr(TOKEN)})
    vault = Vault(database, cipher, Backends.of(named))
    await vault.check_key()
    await put(database, vault, PLACE)
    with pytest.raises(BackendUnavailable, match="cannot be reached"):
        await opened(vault)
    unnamed = Vault(database, cipher, Backends.of(settings))
    with pytest.raises(BackendUnavailable, match=r"no vault to ask.*SEEZAR_VAULT_ADDR"):
        await opened(unnamed)
    with pytest.raises(BackendUnavailable, match="no way"):
        await opened(Vault(database, cipher))


async def test_a_variable(vault: Vault, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await put(database, vault, "env:OPS_PASSWORD")
    with pytest.raises(SecretMissing, match="OPS_PASSWORD is not set where the worker runs"):
        await opened(vault)
    monkeypatch.setenv("OPS_PASSWORD", "from outside")
    assert await opened(vault) == "from outside"


async def test_a_file(vault: Vault, database: Database, tmp_path: Path) -> None:
    path = tmp_path / "password"
    await put(database, vault, f"file:{path}")
    with pytest.raises(SecretMissing, match="does not exist"):
        await opened(vault)
    path.write_text("from a file\n")
    path.chmod(0o644)
    with pytest.raises(BackendUnavailable, match="may be read by others"):
        await opened(vault)
    path.chmod(0o600)
    assert await opened(vault) == "from a file"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BackendUnavailable, match="not UTF-8"):
        await opened(vault)
    path.write_bytes(b"x" * 100_000)
    with pytest.raises(BackendUnavailable, match="too long"):
        await opened(vault)
    path.unlink()
    path.mkdir()
    with pytest.raises(BackendUnavailable, match="cannot be read"):
        await opened(vault)


async def test_a_file_of_the_home_is_none(vault: Vault, database: Database, settings: Settings, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(settings.home / "master.key")
    for path in (settings.home / "master.key", settings.home / "x" / ".." / "master.key", link):
        with pytest.raises(InvalidInput, match="no file that can hold a secret"):
            await put(database, vault, f"file:{path}")
    # Not even one that comes there later.
    link.unlink()
    await put(database, vault, f"file:{link}")
    link.symlink_to(settings.home / "master.key")
    with pytest.raises(InvalidInput):
        await opened(vault)


@pytest.mark.parametrize(
    "source",
    [
        "", "env:", "geheim-4711", "op://vault/item/field", "env:SEEZAR_MASTER_KEY", "env:seezar_vault_token",
        "env:a b", "file:relative", "file:", "vault:secret/data/ops", "vault:#password", "vault:secret/ops#password",
        "vault:secret/data/../../sys/seal#x", "vault:secret/data/%2e%2e/x#y", "vault:secret/data/ops?version=1#x",
        "vault:secret//data/ops#x", "vault:secret/data/ops#a#b", "env:A\nB", "env:" + "A" * 5000,
    ],
)  # fmt: skip
async def test_what_is_no_reference_is_refused_and_not_repeated(vault: Vault, database: Database, source: str) -> None:
    with pytest.raises(InvalidInput) as told:
        await put(database, vault, source)
    assert "geheim" not in str(told.value)
    assert await database.one("SELECT 1 FROM app.secret") is None


async def test_no_value_can_pass_for_a_reference(vault: Vault, database: Database) -> None:
    with pytest.raises(InvalidInput):
        async with database.connection() as connection:
            await vault.put(connection, REFERENCE, "\0env:HOME", ORIGINS)


@pytest.mark.parametrize("address", ["http://vault.example", "vault.example:8200", "https://", "ftp://127.0.0.1"])
def test_the_token_goes_nowhere_in_clear(address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(os.environ, "SEEZAR_VAULT_ADDR", address)
    with pytest.raises(SettingsInvalid, match="SEEZAR_VAULT_ADDR"):
        load_settings()
