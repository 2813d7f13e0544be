"""The demo accounts in seezar's own database."""

import pytest

from playground.seed import seed
from playground.world import DEMO_ACCOUNTS, DEMO_MAIL, DEMO_PASSWORD, DEMO_TOTP
from seezar.accounts import Accounts, NewAccount
from seezar.errors import AccountExists
from seezar.mail.service import Mail
from seezar.vault import Vault

BASE = "http://127.0.0.1:8090"


@pytest.fixture
async def stores(database, cipher, tmp_path):
    vault = Vault(database, cipher)
    await vault.check_key()
    async with Mail(database, vault, domains=["mail.seezar.test"], config=tmp_path / "mail.toml") as mail:
        yield Accounts(database, vault), vault, mail


async def test_accounts_secrets_and_mailboxes_are_stored(stores):
    accounts, vault, mail = stores
    stored = await seed(accounts, vault, mail, BASE)
    assert [account.name for account in stored] == [demo.name for demo in DEMO_ACCOUNTS]
    by_name = {account.name: account for account in stored}
    by_mail, totp = by_name["demo-mail"], by_name["demo-totp"]
    assert (by_mail.start_url, by_mail.verify_url) == (f"{BASE}/mail/login", f"{BASE}/mail/dashboard")
    assert [account.second_factor for account in stored] == ["email", "totp", "none"]
    assert [address.address for address in await mail.addresses()] == [DEMO_MAIL.mailbox]
    assert await vault.open(by_mail.password_ref, origin=BASE) == DEMO_MAIL.password
    assert await vault.open(totp.totp_ref, origin=BASE) == DEMO_TOTP.totp_secret


async def test_again_changes_nothing(stores):
    accounts, vault, mail = stores
    first = await seed(accounts, vault, mail, BASE)
    assert await seed(accounts, vault, mail, BASE) == first


async def test_another_port_replaces_and_binds_the_secrets_anew(stores):
    accounts, vault, mail = stores
    await seed(accounts, vault, mail, BASE)
    other = "http://127.0.0.1:9999"
    stored = await seed(accounts, vault, mail, other)
    assert {account.origins for account in stored} == {(other,)}
    assert await vault.open(stored[2].password_ref, origin=other) == DEMO_PASSWORD.password
    assert len(await accounts.list()) == 3


async def test_wrong_secret_is_put_right(stores):
    accounts, vault, mail = stores
    await accounts.add(
        NewAccount(
            name="demo-password",
            url=DEMO_PASSWORD.url(BASE),
            verify_url=DEMO_PASSWORD.verify_url(BASE),
            username=DEMO_PASSWORD.username,
            password="something else",
        )
    )
    stored = await seed(accounts, vault, mail, BASE)
    assert await vault.open(stored[2].password_ref, origin=BASE) == DEMO_PASSWORD.password


async def test_account_of_a_real_site_is_left_alone(stores):
    accounts, vault, mail = stores
    new = NewAccount(name="demo-totp", url="https://example.org/login", username="me", password="mine")
    own = await accounts.add(new)
    with pytest.raises(AccountExists, match="not of the playground"):
        await seed(accounts, vault, mail, BASE)
    assert await accounts.get("demo-totp") == own
