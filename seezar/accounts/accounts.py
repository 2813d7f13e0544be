"""Accounts and their sites."""

import re
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from psycopg.errors import UniqueViolation

from seezar.accounts.records import Account, AccountChange, NewAccount, SecondFactor
from seezar.accounts.totp import check_totp
from seezar.audit import Audit
from seezar.database import Connection, Database, Row
from seezar.egress import HostPattern
from seezar.errors import AccountExists, AccountUnknown, InvalidInput
from seezar.vault import Vault
from seezar.vault.origins import checked_origins

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_MAILBOX = re.compile(r"[^@\s]+@[^@\s]+")
_SELECT = (
    "SELECT a.*, s.start_url, s.verify_url, s.origins,"
    " ARRAY(SELECT h.host FROM app.account_host h WHERE h.account = a.name ORDER BY h.host) AS hosts"
    " FROM app.account a JOIN app.site s ON s.id = a.site_id"
)


class Accounts:
    """The accounts of this seezar."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._audit = Audit(database, vault.cipher)

    async def add(self, new: NewAccount) -> Account:
        """Store an account with its secrets, or nothing of it.

        Raises:
            InvalidInput: a name, URL, mailbox, host, TOTP key or reference that cannot be right.
            AccountExists: the name is taken.
        """
        try:
            async with self._database.connection() as connection:
                detail = await self.insert(connection, new)
                await self._audit.append(connection, "account.add", new.name, **detail)
        except UniqueViolation:
            raise AccountExists(
                f"There is an account named {new.name!r} already.",
                kept="It was left as it is.",
                next_step=f"Choose another name, or remove it first: seezar account remove {new.name}.",
            ) from None
        return await self.get(new.name)

    async def insert(self, connection: Connection, new: NewAccount) -> dict[str, Any]:
        """Store an account in the caller's transaction; returns what the audit log is to be told of it.

        Raises:
            InvalidInput: as `add`.
            UniqueViolation: the name is taken.
        """
        factor = _checked(new)
        verify_url = new.verify_url or new.url
        origins = checked_origins([new.url, verify_url, *new.origins])
        hosts = [str(HostPattern.parse(host)) for host in new.hosts]
        # The site first, as in `remove`: two that lock in the same order cannot block each other.
        site_id = await _site(connection, new.url, verify_url, origins)
        password_ref = await self._keep(connection, new, "password", new.password, new.password_source, origins)
        totp_ref = await self._keep(connection, new, "totp", new.totp, new.totp_source, origins)
        await connection.execute(
            "INSERT INTO app.account (name, site_id, username, password_ref, totp_ref, second_factor, mailbox,"
            " keep_alive_s) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (
                new.name,
                site_id,
                new.username,
                password_ref,
                totp_ref,
                factor,
                new.mailbox.lower() if new.mailbox else None,
                new.keep_alive_s,
            ),
        )
        await _allow(connection, new.name, hosts)
        secrets = [what for what, reference in (("password", password_ref), ("totp", totp_ref)) if reference]
        elsewhere = [source for source in (new.password_source, new.totp_source) if source]
        return {"origins": list(origins), "hosts": hosts, "secrets": secrets, "elsewhere": elsewhere}

    async def _keep(
        self,
        connection: Connection,
        new: NewAccount,
        what: str,
        value: str | None,
        source: str | None,
        origins: Sequence[str],
    ) -> str | None:
        """Keep a secret, or where it is kept; returns its reference, or None when there is none."""
        reference = f"account/{new.name}/{what}"
        if source:
            await self._vault.put_source(connection, reference, source, origins)
        elif value:
            await self._vault.put(connection, reference, value, origins)
        else:
            return None
        return reference

    async def get(self, name: str) -> Account:
        """The account.

        Raises:
            AccountUnknown: no such name.
        """
        row = await self._database.one(f"{_SELECT} WHERE a.name = %s", name)
        if row is None:
            raise AccountUnknown(name, [account.name for account in await self.list()])
        return _record(row)

    async def list(self) -> list[Account]:
        """All accounts by name."""
        return [_record(row) for row in await self._database.all(f"{_SELECT} ORDER BY a.name")]

    async def change(self, name: str, change: AccountChange) -> Account:
        """Change an account, all of it or nothing; its site stays. Secrets are replaced under their references.

        Raises:
            AccountUnknown: no such name.
            InvalidInput: as `add`.
        """
        # For the error of a name that nobody knows.
        await self.get(name)
        async with self._database.connection() as connection:
            cursor = await connection.execute(f"{_SELECT} WHERE a.name = %s FOR UPDATE OF a", (name,))
            row = await cursor.fetchone()
            if row is None:
                raise AccountUnknown(name, [])
            account = _record(row)
            new = _changed(account, change)
            factor = _checked(new, has_totp=account.totp_ref is not None)
            references = {"password": account.password_ref, "totp": account.totp_ref}
            for what, value in (("password", change.password), ("totp", change.totp)):
                if value:
                    references[what] = f"account/{name}/{what}"
                    await self._vault.put(connection, f"account/{name}/{what}", value, account.origins)
            await connection.execute(
                "UPDATE app.account SET username = %s, password_ref = %s, totp_ref = %s, second_factor = %s,"
                " mailbox = %s, keep_alive_s = %s WHERE name = %s",
                (
                    new.username,
                    references["password"],
                    references["totp"],
                    factor,
                    new.mailbox.lower() if new.mailbox else None,
                    new.keep_alive_s,
                    name,
                ),
            )
            if change.hosts is not None:
                await connection.execute("DELETE FROM app.account_host WHERE account = %s", (name,))
                await _allow(connection, name, [str(HostPattern.parse(host)) for host in change.hosts])
            changed = [field.name for field in fields(change) if getattr(change, field.name) is not None]
            await self._audit.append(connection, "account.change", name, changed=changed)
        return await self.get(name)

    async def allow(self, name: str, hosts: Sequence[str]) -> Account:
        """Let the browser of an account reach `hosts` besides its site, from its next page on.

        Raises:
            AccountUnknown: no such name.
            InvalidInput: one is no host that can be allowed; nothing was changed.
        """
        patterns = [str(HostPattern.parse(host)) for host in hosts]
        await self.get(name)
        async with self._database.connection() as connection:
            await _allow(connection, name, patterns)
            await self._audit.append(connection, "account.allow", name, hosts=patterns)
        return await self.get(name)

    async def disallow(self, name: str, hosts: Sequence[str]) -> Account:
        """Take back what `allow` did.

        Raises:
            AccountUnknown: no such name.
            InvalidInput: one of them was not allowed; nothing was changed.
        """
        patterns = [str(HostPattern.parse(host)) for host in hosts]
        account = await self.get(name)
        for pattern in patterns:
            if pattern not in account.hosts:
                raise InvalidInput(
                    f"{pattern} is not allowed for {name!r} on its own.",
                    kept="Nothing was changed.",
                    next_step=f"Allowed are: {', '.join(account.hosts) or 'none'}.",
                )
        async with self._database.connection() as connection:
            await connection.execute(
                "DELETE FROM app.account_host WHERE account = %s AND host = ANY(%s)", (name, patterns)
            )
            await self._audit.append(connection, "account.disallow", name, hosts=patterns)
        return await self.get(name)

    async def remove(self, name: str) -> None:
        """Forget an account with its secrets and session. Runs keep their history.

        Raises:
            AccountUnknown: no such name.
        """
        await self.get(name)
        async with self._database.connection() as connection:
            if not await self.delete(connection, name):
                raise AccountUnknown(name, [])
            await self._audit.append(connection, "account.remove", name)

    async def delete(self, connection: Connection, name: str) -> bool:
        """Forget an account in the caller's transaction; returns False when there is none."""
        # Nobody adds an account to the site while it is looked at whether this one was its last.
        cursor = await connection.execute(
            "SELECT site_id, password_ref, totp_ref FROM app.account a JOIN app.site s ON s.id = a.site_id"
            " WHERE a.name = %s FOR UPDATE",
            (name,),
        )
        account = await cursor.fetchone()
        if account is None:
            return False
        await connection.execute("DELETE FROM app.account WHERE name = %s", (name,))
        # Those that are queued or at work end at their next step, as runs of no account.
        await connection.execute(
            "UPDATE app.run SET account_removed = true WHERE account = %s AND finished_at IS NULL", (name,)
        )
        # A run that waits for a person waits for nothing now, and must not be met by a later account of the name.
        await connection.execute(
            "WITH r AS (UPDATE app.run SET status = 'unknown_account', reason = 'The account was removed.',"
            " finished_at = now()"
            " WHERE account = %s AND question IS NOT NULL AND finished_at IS NULL RETURNING id),"
            " w AS (UPDATE app.answer w SET value = NULL FROM r WHERE w.run_id = r.id)"
            " UPDATE app.attempt t SET checkpoint = NULL FROM r WHERE t.run_id = r.id",
            (name,),
        )
        for reference in (account["password_ref"], account["totp_ref"]):
            if reference:
                await self._vault.delete(connection, reference)
        await connection.execute(
            "DELETE FROM app.site s WHERE id = %s AND NOT EXISTS (SELECT 1 FROM app.account a WHERE a.site_id = s.id)",
            (account["site_id"],),
        )
        return True


async def _allow(connection: Connection, name: str, hosts: Sequence[str]) -> None:
    for host in hosts:
        await connection.execute(
            "INSERT INTO app.account_host (account, host) VALUES (%s, %s) ON CONFLICT DO NOTHING", (name, host)
        )


async def _site(connection: Connection, start_url: str, verify_url: str, origins: tuple[str, ...]) -> str:
    row = await (
        await connection.execute(
            "INSERT INTO app.site (start_url, verify_url, origins) VALUES (%s, %s, %s)"
            " ON CONFLICT (start_url, verify_url, origins) DO UPDATE SET start_url = excluded.start_url RETURNING id",
            (start_url, verify_url, list(origins)),
        )
    ).fetchone()
    assert row is not None
    return str(row["id"])


def _changed(account: Account, change: AccountChange) -> NewAccount:
    """The account as it will be."""
    return NewAccount(
        name=account.name,
        url=account.start_url,
        verify_url=account.verify_url,
        username=account.username if change.username is None else change.username,
        password=change.password,
        totp=change.totp,
        mailbox=account.mailbox if change.mailbox is None else change.mailbox or None,
        second_factor=change.second_factor or account.second_factor,
        keep_alive_s=account.keep_alive_s if change.keep_alive_s is None else change.keep_alive_s or None,
    )


def _checked(new: NewAccount, *, has_totp: bool = False) -> SecondFactor:
    if not _NAME.fullmatch(new.name):
        raise InvalidInput(
            f"{new.name!r} is not an account name.",
            next_step="Use lower-case letters, digits, '.', '_' and '-', at most 63 characters.",
        )
    texts = {"user name": new.username, "password": new.password, "mailbox": new.mailbox, "address": new.url}
    for what, text in {**texts, "verify address": new.verify_url}.items():
        if text and not _storable(text):
            raise InvalidInput(f"The {what} is not UTF-8 text.", next_step="Enter it again.")
    if not new.username.strip():
        raise InvalidInput("The user name is empty.", next_step="Give it with --username.")
    if new.mailbox and not _MAILBOX.fullmatch(new.mailbox):
        raise InvalidInput(f"{new.mailbox!r} is not a mail address.", next_step="Give it as name@domain.")
    if (new.password and new.password_source) or (new.totp and new.totp_source):
        raise InvalidInput("A secret is kept here or elsewhere, not both.", next_step="Give one of them.")
    if new.totp:
        check_totp(new.totp)
    if new.keep_alive_s is not None and new.keep_alive_s <= 0:
        raise InvalidInput("The keep-alive interval must be positive.", next_step="Give it as in --keep-alive 15m.")
    given = bool(new.totp or new.totp_source)
    factor: SecondFactor = new.second_factor or ("totp" if given else "email" if new.mailbox else "none")
    if factor == "totp" and not (given or has_totp):
        raise InvalidInput("A TOTP login needs its key.", next_step="Give it with --totp-env VAR.")
    if factor in ("email", "link") and not new.mailbox:
        raise InvalidInput("A login by mail needs a mailbox.", next_step="Give it with --mailbox ADDRESS.")
    return factor


def _storable(text: str) -> bool:
    # Bytes of the environment that are no UTF-8 arrive as lone surrogates; PostgreSQL stores neither them nor NUL.
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _record(row: Row) -> Account:
    return Account(
        name=row["name"],
        start_url=row["start_url"],
        verify_url=row["verify_url"],
        origins=tuple(row["origins"]),
        username=row["username"],
        password_ref=row["password_ref"],
        totp_ref=row["totp_ref"],
        second_factor=row["second_factor"],
        mailbox=row["mailbox"],
        keep_alive_s=row["keep_alive_s"],
        created_at=row["created_at"],
        hosts=tuple(row["hosts"]),
    )
