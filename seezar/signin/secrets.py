"""The redactor that knows what an account must not show."""

from seezar.accounts.records import Account
from seezar.accounts.totp import base32_key, check_totp
from seezar.redaction import Redactor
from seezar.vault import Vault


async def account_redactor(vault: Vault, account: Account, *, user_name: bool = False) -> Redactor:
    """The redactor that knows the secrets of `account`.

    Args:
        user_name: also replace the account's name on the site, which is no secret among people but nobody else's
            business.

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
    return Redactor(secrets)
