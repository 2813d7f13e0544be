"""The redactor that knows what an account must not show."""

import re

from seezar.accounts.records import Account
from seezar.accounts.totp import base32_key, check_totp
from seezar.redaction import Redactor
from seezar.vault import Vault

_NO_NAME = re.compile(r"[^a-z0-9-]")


async def account_redactor(vault: Vault, account: Account, *, user_name: bool = False, hosts: bool = False) -> Redactor:
    """The redactor that knows the secrets of `account`.

    Args:
        user_name: also replace the account's name on the site, which is no secret among people but nobody else's
            business.
        hosts: also replace them in lower case, and without what a host name cannot hold: that is how a name carries
            them.

    Raises:
        KeyUnusable: a stored secret does not open.
        SecretMissing, BackendUnavailable: one that is kept elsewhere cannot be had.
        InvalidInput: what is kept elsewhere is no TOTP key.
    """
    secrets: dict[str, str] = {}
    if account.password_ref:
        secrets["password"] = await vault.open_local(account.password_ref)
    if account.totp_ref:
        # Of an otpauth:// address the key is what a page may show.
        key = await vault.open_local(account.totp_ref)
        check_totp(key)
        secrets["totp"] = base32_key(key)
    if user_name:
        secrets["username"] = account.username
    if hosts:
        secrets |= {f"{name} in a name": _NO_NAME.sub("", value.lower()) for name, value in secrets.items()}
    return Redactor(secrets)
