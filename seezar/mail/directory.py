"""The mailboxes that seezar can read: the rows of `app.mailbox`, and the passwords that belong to them."""

from dataclasses import dataclass

from pydantic import SecretStr

from seezar.database import Database, Row
from seezar.mail.addresses import normal_address
from seezar.mail.errors import MailboxTaken, MailboxUnknown
from seezar.mail.provider import Address
from seezar.vault import Vault


@dataclass(frozen=True, slots=True)
class Reservation:
    """A mailbox that is about to be made at its provider.

    Attributes:
        address: lower-case address.
        provider: name of the provider's entry.
        origin: what its password is bound to.
        password: for reading it; None where none is needed.
    """

    address: str
    provider: str
    origin: str
    password: SecretStr | None


class Directory:
    """Mailboxes by address. One that its provider has not made yet is no mailbox for whoever looks."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def get(self, address: str) -> Address:
        """The mailbox `address`.

        Raises:
            InvalidInput: not a mail address.
            MailboxUnknown: no such mailbox.
        """
        row = await self._row(address)
        if row is None or row["provider_id"] is None:
            raise MailboxUnknown(normal_address(address))
        return _address(row)

    async def all(self) -> list[Address]:
        """All mailboxes, oldest first."""
        rows = await self._database.all(
            "SELECT * FROM app.mailbox WHERE provider_id IS NOT NULL ORDER BY created_at, address"
        )
        return [_address(row) for row in rows]

    async def reserved(self, idempotency_key: str) -> tuple[Address, bool] | None:
        """The mailbox of an idempotency key, and whether its provider has made it; None when the key is new."""
        row = await self._database.one("SELECT * FROM app.mailbox WHERE idempotency_key = %s", idempotency_key)
        return None if row is None else (_address(row), row["provider_id"] is not None)

    async def unfinished(self) -> list[Address]:
        """Mailboxes that are reserved and not made, as far as is known here; oldest first. Their `id` is empty."""
        rows = await self._database.all("SELECT * FROM app.mailbox WHERE provider_id IS NULL ORDER BY created_at")
        return [_address(row) for row in rows]

    async def reserve(self, wanted: Reservation, idempotency_key: str) -> tuple[Address, bool]:
        """Write down a mailbox and its password before the provider is asked to make it.

        Returns:
            The mailbox of `idempotency_key`, which may be one reserved before, and whether its provider has made it.

        Raises:
            MailboxTaken: the address was reserved under another key.
        """
        reference = None if wanted.password is None else secret_reference(wanted.address)
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                "INSERT INTO app.mailbox (address, provider, idempotency_key) VALUES (%s, %s, %s)"
                " ON CONFLICT DO NOTHING RETURNING address",
                (wanted.address, wanted.provider, idempotency_key),
            )
            if await cursor.fetchone() is not None and reference is not None and wanted.password is not None:
                await self._vault.put(connection, reference, wanted.password.get_secret_value(), [wanted.origin])
                await connection.execute(
                    "UPDATE app.mailbox SET secret_ref = %s WHERE address = %s", (reference, wanted.address)
                )
        reserved = await self.reserved(idempotency_key)
        if reserved is None:
            raise MailboxTaken(wanted.address)
        return reserved

    async def made(self, address: str, provider_id: str) -> Address:
        """Note that the provider has made a reserved mailbox; its messages are collected from the first."""
        await self._database.run(
            "UPDATE app.mailbox SET provider_id = %s WHERE address = %s AND provider_id IS NULL", provider_id, address
        )
        return await self.get(address)

    async def try_secret(self, address: str, password: SecretStr, origin: str) -> str:
        """Keep a password that is only tried; returns its reference."""
        reference = f"{secret_reference(address)}:tried"
        async with self._database.connection() as connection:
            await self._vault.put(connection, reference, password.get_secret_value(), [origin])
        return reference

    async def drop_tried(self, address: str) -> None:
        """Forget what `try_secret` kept."""
        async with self._database.connection() as connection:
            await self._vault.delete(connection, f"{secret_reference(address)}:tried")

    async def attach(self, wanted: Reservation, provider_id: str, cursor: str) -> Address:
        """Write down a mailbox that exists; one that is attached already keeps its cursor and gets the password.

        Raises:
            MailboxTaken: the address is a mailbox at another provider.
        """
        async with self._database.connection() as connection:
            reference = None
            if wanted.password is not None:
                reference = secret_reference(wanted.address)
                await self._vault.put(connection, reference, wanted.password.get_secret_value(), [wanted.origin])
            done = await connection.execute(
                "INSERT INTO app.mailbox AS m (address, provider, provider_id, secret_ref, cursor)"
                " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (address) DO UPDATE SET provider_id = excluded.provider_id,"
                " secret_ref = coalesce(excluded.secret_ref, m.secret_ref) WHERE m.provider = excluded.provider",
                (wanted.address, wanted.provider, provider_id, reference, cursor),
            )
            if done.rowcount == 0:
                raise MailboxTaken(wanted.address)
        return await self.get(wanted.address)

    async def find(self, address: str) -> Address | None:
        """The mailbox `address`, even one that is not made yet (its `id` is then empty), or None."""
        row = await self._row(address)
        return None if row is None else _address(row)

    async def remove(self, address: str) -> None:
        """Forget a mailbox, its messages and its password; gone already is fine."""
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM app.mailbox WHERE address = %s", (address,))
            await self._vault.delete(connection, secret_reference(address))

    async def forget_reservation(self, address: str) -> None:
        """Forget a mailbox that its provider has not made; of one that somebody else has made meanwhile, nothing."""
        async with self._database.connection() as connection:
            gone = await connection.execute(
                "DELETE FROM app.mailbox WHERE address = %s AND provider_id IS NULL", (address,)
            )
            if gone.rowcount:
                await self._vault.delete(connection, secret_reference(address))

    async def cursor(self, address: str) -> str:
        """How far the messages of a mailbox were collected, as its provider said it.

        Raises:
            MailboxUnknown: it was deleted.
        """
        row = await self._database.one("SELECT cursor FROM app.mailbox WHERE address = %s", address)
        if row is None:
            raise MailboxUnknown(address)
        return str(row["cursor"])

    async def move_cursor(self, address: str, before: str, after: str) -> None:
        """Set the cursor to `after` if it still is `before`: of two who collect at once, one moves it."""
        await self._database.run(
            "UPDATE app.mailbox SET cursor = %s WHERE address = %s AND cursor = %s", after, address, before
        )

    async def _row(self, address: str) -> Row | None:
        return await self._database.one("SELECT * FROM app.mailbox WHERE address = %s", normal_address(address))


def secret_reference(address: str) -> str:
    """Vault reference of the password of a mailbox."""
    return f"mailbox:{address}"


def _address(row: Row) -> Address:
    return Address(row["provider_id"] or "", row["address"], row["provider"], row["secret_ref"], row["created_at"])
