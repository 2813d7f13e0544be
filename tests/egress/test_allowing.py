"""Hosts that the owner of an account allows: stored with it, in one spelling, and gone with it."""

from dataclasses import replace

import pytest

from seezar.accounts import Accounts, NewAccount
from seezar.browser.way_out import policy_of
from seezar.database import Database
from seezar.egress.hosts import destination
from seezar.errors import AccountUnknown, InvalidInput
from seezar.vault import Cipher, Vault
from tests.chromium import browser_settings

NEW = NewAccount("ops", "https://app.example.com/login", "ops", hosts=("CDN.Other.net", "*.third.org"))


@pytest.fixture
async def accounts(database: Database, cipher: Cipher) -> Accounts:
    vault = Vault(database, cipher)
    await vault.check_key()
    return Accounts(database, vault)


async def test_hosts_of_an_account(accounts: Accounts, database: Database) -> None:
    assert (await accounts.add(NEW)).hosts == ("*.third.org", "cdn.other.net")
    assert (await accounts.allow("ops", ["img.other.net:8443", "cdn.other.net"])).hosts == (
        "*.third.org",
        "cdn.other.net",
        "img.other.net:8443",
    )
    policy = policy_of(await accounts.get("ops"), browser_settings())
    assert policy.way(destination("img.other.net:8443")) == "allowed"
    assert policy.way(destination("a.third.org:443")) == "allowed"
    assert policy.way(destination("img.other.net:443")) is None
    assert (await accounts.disallow("ops", ["CDN.other.net", "*.third.org"])).hosts == ("img.other.net:8443",)
    row = await database.one(
        "SELECT count(*) AS n FROM app.audit WHERE action IN ('account.allow', 'account.disallow')"
    )
    assert row is not None
    assert row["n"] == 2
    await accounts.remove("ops")
    assert await database.all("SELECT * FROM app.account_host") == []


@pytest.mark.parametrize("host", ["*", "*.com", "https://cdn.other.net/", "", "a b", "x:y"])
async def test_what_cannot_be_allowed_changes_nothing(accounts: Accounts, host: str) -> None:
    with pytest.raises(InvalidInput):
        await accounts.add(replace(NEW, hosts=("fine.other.net", host)))
    assert await accounts.list() == []
    await accounts.add(NEW)
    with pytest.raises(InvalidInput):
        await accounts.allow("ops", ["fine.other.net", host])
    assert (await accounts.get("ops")).hosts == ("*.third.org", "cdn.other.net")


async def test_what_was_not_allowed_and_nobody_s_account(accounts: Accounts) -> None:
    await accounts.add(NEW)
    with pytest.raises(InvalidInput, match="not allowed"):
        await accounts.disallow("ops", ["app.example.com"])
    with pytest.raises(AccountUnknown):
        await accounts.allow("nobody", ["cdn.other.net"])
