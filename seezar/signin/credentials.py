"""What the driver may type, opened only when a field of the right origin is in front of it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from seezar.accounts.attempts import Attempts
from seezar.accounts.records import Account
from seezar.accounts.totp import base32_key, check_totp, next_code
from seezar.audit import Audit
from seezar.errors import SecretMissing
from seezar.telemetry.revealed import revealed
from seezar.vault import Vault

type CodeSource = Callable[[], Awaitable[str]]


class Report(Protocol):
    """Writes a line of the timeline. `detail` is what it is based on: names and numbers, never text of a page."""

    async def __call__(self, step: str, message: str, **detail: Any) -> None: ...


class CredentialSource(Protocol):
    """Where the driver gets what it types."""

    async def password(self, origin: str) -> str:
        """The password, for a field of `origin`."""
        ...

    async def totp(self, origin: str, *, clock_skew: float = 0.0) -> str:
        """A TOTP code that may be typed now, for a field of `origin` on a site whose clock is `clock_skew` seconds
        ahead.
        """
        ...


class AccountCredentials:
    """The credentials of one account from the vault.

    Args:
        report: called with (step, message) when something takes time.
        audit: is told before a secret is opened.
        run_id: of the run that it is opened for.
    """

    def __init__(
        self, account: Account, vault: Vault, attempts: Attempts, report: Report, *, audit: Audit, run_id: str
    ) -> None:
        self._account = account
        self._vault = vault
        self._attempts = attempts
        self._report = report
        self._audit = audit
        self._run_id = run_id

    async def password(self, origin: str) -> str:
        """See `CredentialSource.password`.

        Raises:
            SecretMissing, OriginNotAllowed, KeyUnusable, BackendUnavailable: as `Vault.open`.
        """
        if self._account.password_ref is None:
            raise SecretMissing(
                f"The site asks for a password, but the account {self._account.name!r} has none.",
                next_step="Add the account again with --password-env VAR.",
            )
        return await self._open("password", self._account.password_ref, origin)

    async def totp(self, origin: str, *, clock_skew: float = 0.0) -> str:
        """See `CredentialSource.totp`. Waits for the next code when the current one was used or is about to expire.

        Raises:
            SecretMissing, OriginNotAllowed, KeyUnusable, BackendUnavailable: as `Vault.open`.
            InvalidInput: what is kept elsewhere is no TOTP key.
        """
        if self._account.totp_ref is None:
            raise SecretMissing(
                f"The site asks for an authenticator code, but the account {self._account.name!r} has no TOTP key.",
                next_step="Add the account again with --totp-env VAR.",
            )
        key = await self._open("totp", self._account.totp_ref, origin)
        # One that is kept elsewhere was not looked at when the account was added.
        check_totp(key)
        last = await self._attempts.last_totp_step(self._account.name)
        code = next_code(key, now=time.time() + clock_skew, last_step=last)
        wait = code.starts_at - (time.time() + clock_skew)
        if clock_skew:
            await self._report("second_factor", f"The site's clock is {clock_skew:+.0f} s off ours; its time is used")
        if wait > 0:
            await self._report("second_factor", f"Waiting {wait:.0f} s for the next authenticator code")
            await asyncio.sleep(wait)
        # Before it is typed: a crash after typing must not use it again.
        await self._attempts.use_totp_step(self._account.name, code.time_step)
        revealed.note("totp", base32_key(key))
        revealed.note("code", code.code)
        return code.code

    async def _open(self, what: str, reference: str, origin: str) -> str:
        # Before: what is told and then fails is better than what is done and not told.
        await self._audit.note("secret.open", self._account.name, what=what, origin=origin, run=self._run_id)
        return await self._vault.open(reference, origin=origin)
