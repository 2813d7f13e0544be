"""Makes the demo accounts known to seezar, with their secrets in the vault and their mailboxes."""

from collections.abc import Iterable

from playground.world import DEMO_ACCOUNTS, DemoAccount
from seezar.accounts import Account, Accounts, NewAccount
from seezar.errors import AccountExists, AccountUnknown, SecretMissing
from seezar.mail.service import Mail
from seezar.vault import Vault
from seezar.vault.origins import is_loopback, origin_of


async def seed(
    accounts: Accounts,
    vault: Vault,
    mail: Mail,
    base_url: str,
    *,
    world: Iterable[DemoAccount] = DEMO_ACCOUNTS,
) -> list[Account]:
    """Store the demo accounts for the playground at `base_url`. May be run again at any time.

    An account that is stored as it should be is left alone, with its session. One that points to a playground on
    another port, or holds other secrets, is replaced, and its session with it.

    Args:
        accounts: where accounts are stored.
        vault: where their secrets are, to see whether they are still right.
        mail: where mailboxes are made.
        base_url: `PlaygroundServer.base_url`.
        world: the accounts to store.

    Returns:
        The accounts as stored, in the order of `world`.

    Raises:
        AccountExists: an account of this name belongs to a site elsewhere; it is left as it is.
        MailDomainNotServed: the mailbox of an account is on a domain that seezar does not serve.
    """
    return [await _seed_one(accounts, vault, mail, base_url, demo) for demo in world]


async def _seed_one(accounts: Accounts, vault: Vault, mail: Mail, base_url: str, demo: DemoAccount) -> Account:
    if demo.mailbox:
        await mail.ensure(demo.mailbox)
    try:
        stored = await accounts.get(demo.name)
    except AccountUnknown:
        return await accounts.add(_new_account(demo, base_url))
    if not all(is_loopback(origin) for origin in stored.origins):
        raise AccountExists(
            f"There is an account named {demo.name!r} already, and it is not of the playground.",
            kept="It was left as it is.",
            next_step=f"Remove it (seezar account remove {demo.name}) or use another SEEZAR_HOME.",
        )
    if await _is_current(stored, vault, demo, base_url):
        return stored
    await accounts.remove(demo.name)
    return await accounts.add(_new_account(demo, base_url))


def _new_account(demo: DemoAccount, base_url: str) -> NewAccount:
    return NewAccount(
        name=demo.name,
        url=demo.url(base_url),
        verify_url=demo.verify_url(base_url),
        username=demo.username,
        password=demo.password,
        totp=demo.totp_secret,
        mailbox=demo.mailbox,
        second_factor=demo.second_factor,
    )


async def _is_current(stored: Account, vault: Vault, demo: DemoAccount, base_url: str) -> bool:
    shown = (stored.start_url, stored.verify_url, stored.username, stored.second_factor, stored.mailbox)
    wanted = (demo.url(base_url), demo.verify_url(base_url), demo.username, demo.second_factor, demo.mailbox)
    if shown != wanted:
        return False
    origin = origin_of(demo.url(base_url))
    try:
        password = await vault.open(stored.password_ref, origin=origin) if stored.password_ref else None
        totp = await vault.open(stored.totp_ref, origin=origin) if stored.totp_ref else None
    except SecretMissing:
        return False
    return password == demo.password and totp == demo.totp_secret
