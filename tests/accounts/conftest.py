"""The stores on a fresh database."""

import pytest

from seezar.accounts import Accounts, Runs, Sessions
from seezar.accounts.attempts import Attempts
from seezar.accounts.pages import Pages
from seezar.database import Database
from seezar.vault import Cipher, Vault


@pytest.fixture
async def vault(database: Database, cipher: Cipher) -> Vault:
    vault = Vault(database, cipher)
    await vault.check_key()
    return vault


@pytest.fixture
def accounts(database: Database, vault: Vault) -> Accounts:
    return Accounts(database, vault)


@pytest.fixture
def sessions(database: Database, cipher: Cipher) -> Sessions:
    return Sessions(database, cipher)


@pytest.fixture
def runs(database: Database) -> Runs:
    return Runs(database)


@pytest.fixture
def attempts(database: Database, cipher: Cipher) -> Attempts:
    return Attempts(database, cipher)


@pytest.fixture
def pages(database: Database, cipher: Cipher) -> Pages:
    return Pages(database, cipher)
