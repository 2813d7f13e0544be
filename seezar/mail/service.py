"""Mail as the rest of seezar sees it: mailboxes at any provider, their messages, and waiting for one."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from pydantic import SecretStr

from seezar.audit import Audit
from seezar.database import Database
from seezar.errors import InvalidInput, SeezarError
from seezar.mail.addresses import normal_address, normal_local_part, random_local_part
from seezar.mail.collecting import Collector, Told
from seezar.mail.directory import Directory, Reservation
from seezar.mail.errors import (
    MailboxTaken,
    MailboxUnknown,
    MailDomainNotServed,
    MailNotReceived,
    MailProviderRefused,
    MailProviderUnavailable,
    MailQuotaFull,
)
from seezar.mail.finishing import finish
from seezar.mail.provider import Address, MailFilter, MailRef, newest_first
from seezar.mail.providers import Providers
from seezar.mail.providers.local import LocalProvider
from seezar.mail.store import MessageStore
from seezar.mail.table import LOCAL
from seezar.vault import Vault

# Longest sleep between two looks into our own table, should a wake-up be lost.
_LOOK_AGAIN = 5.0


class Mail:
    """Mailboxes and messages. A message cursor is a position in our own table, whatever the provider.

    Args:
        database: pool to the migrated `seezar` database.
        vault: keeps passwords of mailboxes; its cipher encrypts messages.
        domains: domains of our own SMTP server, the first is that of new addresses.
        config: path of `mail.toml`.
        quota: bytes that a mailbox of our own server holds; 0 = any number.

    Attributes:
        local: our own provider, for the SMTP server.
        store: the messages.
        providers: by name.
    """

    def __init__(
        self, database: Database, vault: Vault, *, domains: Iterable[str], config: Path, quota: int = 0
    ) -> None:
        self._directory = Directory(database, vault)
        self._audit = Audit(database, vault.cipher)
        self.store = MessageStore(database, vault.cipher)
        self.local = LocalProvider(self._directory, self.store, domains=domains, quota=quota)
        self.providers = Providers(self.local, config, vault)
        self._collector = Collector(self._directory, self.store, self.providers)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop listening and close connections to providers; the pool is the caller's to close."""
        await self.providers.close()
        await self.store.close()

    # --- mailboxes

    async def create(
        self,
        local: str | None = None,
        *,
        domain: str | None = None,
        provider: str | None = None,
        idempotency_key: str | None = None,
    ) -> Address:
        """Make a mailbox. What was begun before a crash, or a lost answer, is ended by a repeat: with the same key, or,
        without a key, with the same address.

        Args:
            local: part before the @; None = a random readable one.
            domain: None = the provider's preferred one.
            provider: name of an entry; None = that which serves `domain`, or `local`.
            idempotency_key: the same key gives the same mailbox again; None = a new one, never one that there is.

        Raises:
            MailboxTaken: the address exists, or the key is that of another address.
            MailDomainNotServed: nobody, or not this provider, makes addresses on the domain.
            MailProviderUnknown, MailProviderRefused, MailProviderUnavailable, MailQuotaFull: as they say.
            InvalidInput: `local` cannot be a local part.
        """
        part = None if local is None else normal_local_part(local)
        if idempotency_key is None:
            return await self._create_new(part, *await self._place(provider, domain))
        reserved = await self._directory.reserved(idempotency_key)
        if reserved is None:
            name, host = await self._place(provider, domain)
            wanted = self._new(f"{part or self._random(name)}@{host}", name)
            reserved = await self._directory.reserve(wanted, idempotency_key)
        address, made = reserved
        if part is not None and address.address.rpartition("@")[0] != part:
            raise MailboxTaken(f"{part}@{address.address.rpartition('@')[2]}")
        return address if made else await self._make(address)

    async def _create_new(self, part: str | None, provider: str, host: str) -> Address:
        wanted = self._new(f"{part or self._random(provider)}@{host}", provider)
        address, made = await self._directory.reserve(wanted, _key_of(wanted.address))
        if made or address.provider != provider:
            raise MailboxTaken(wanted.address)
        try:
            return await self._make(address)
        except MailProviderUnavailable:
            if part is None:
                # Nobody knows this address, so nobody can ask for it again.
                await self._directory.forget_reservation(address.address)
            raise

    async def ensure(self, address: str) -> Address:
        """The mailbox `address`, made when it does not exist yet.

        Raises:
            InvalidInput: not a mail address.
            MailDomainNotServed: nobody makes addresses on its domain.
            MailboxTaken, MailProviderRefused, MailProviderUnavailable, MailQuotaFull: as `create`.
        """
        normal = normal_address(address)
        try:
            return await self._directory.get(normal)
        except MailboxUnknown:
            local, _, domain = normal.rpartition("@")
            return await self.create(local, domain=domain, idempotency_key=_key_of(normal))

    async def check_served(self, address: str) -> None:
        """Make sure that `address` is a mailbox, or can be made one by `ensure` as far as its domain tells.

        Raises:
            InvalidInput: not a mail address.
            MailDomainNotServed: nobody makes addresses on its domain.
            MailProviderRefused, MailProviderUnavailable: who may serve it cannot be asked.
        """
        normal = normal_address(address)
        try:
            await self._directory.get(normal)
        except MailboxUnknown:
            await self._place(None, normal.rpartition("@")[2])

    async def add(self, address: str, *, provider: str | None = None, password: SecretStr | None = None) -> Address:
        """Attach an address that exists elsewhere, or give one that is attached another password.

        Mail that lies there already is left there: collecting begins behind the newest message.

        Args:
            provider: name of an entry; None = the first that serves the address's domain.
            password: password, app password or token that reads it, kept in the vault; None where the entry's key does,
                or to keep the one there is.

        Raises:
            MailProviderRefused: the password is wrong; an older one is kept.
            MailboxUnknown: the provider has no such address.
            MailboxTaken: it is a mailbox at another provider.
            MailProviderUnknown, MailDomainNotServed, MailProviderUnavailable, InvalidInput: as they say.
        """
        normal = normal_address(address)
        name = provider if provider is not None else await self.providers.serving(normal.rpartition("@")[2])
        if name == LOCAL:
            self.local.served(normal.rpartition("@")[2])
            return await self.ensure(normal)
        wanted = Reservation(normal, name, self.providers.entry(name).origin, password)
        known = await self._directory.find(normal)
        reference = known.secret_ref if known is not None else None
        try:
            if password is not None:
                reference = await self._directory.try_secret(normal, password, wanted.origin)
            tried = Address("", normal, name, reference, datetime.now(UTC))
            # Nobody has logged in there yet, so that it is this password that opens it.
            async with self.providers.apart(name) as there:
                tried = replace(tried, id=await there.check_address(tried))
                added = await self._directory.attach(wanted, tried.id, await there.cursor(tried))
            await self._audit.note("mailbox.add", added.address, provider=name)
            return added
        finally:
            await self._directory.drop_tried(normal)

    async def finish(self) -> None:
        """Make what a killed process began to make; see `seezar.mail.finishing`."""
        await finish(self._directory, self._make)

    async def address(self, address: str) -> Address:
        """The mailbox `address`.

        Raises:
            InvalidInput: not a mail address.
            MailboxUnknown: no such mailbox.
        """
        return await self._directory.get(address)

    async def addresses(self) -> list[Address]:
        """All mailboxes, oldest first."""
        return await self._directory.all()

    async def delete(self, address: str, *, at_provider: bool = True) -> None:
        """Delete a mailbox, its stored messages and its password.

        Args:
            at_provider: delete it there too, unless it is a person's own box; False forgets it here only.

        Raises:
            InvalidInput: not a mail address.
            MailboxUnknown: no such mailbox.
            MailProviderUnknown, MailProviderRefused, MailProviderUnavailable: it could not be deleted there, and so was
                not deleted here.
        """
        found = await self._directory.find(address)
        if found is None:
            raise MailboxUnknown(normal_address(address))
        if at_provider:
            await self.providers.get(found.provider).delete_address(found)
        await self._directory.remove(found.address)
        await self._audit.note("mailbox.delete", found.address, provider=found.provider)

    def _random(self, provider: str) -> str:
        # Addresses that are made within a person's own box begin with its name.
        return getattr(self.providers.get(provider), "local_prefix", "") + random_local_part()

    def _new(self, address: str, provider: str) -> Reservation:
        if provider == LOCAL:
            return Reservation(address, provider, "", None)
        password = SecretStr(secrets.token_urlsafe(24))
        return Reservation(address, provider, self.providers.entry(provider).origin, password)

    async def _place(self, provider: str | None, domain: str | None) -> tuple[str, str]:
        """Provider and domain of a new address."""
        name = provider
        if name is None:
            name = LOCAL if domain is None else await self.providers.serving(domain)
        domains = await self.providers.domains(name)
        if domain is None and domains:
            return name, domains[0]
        host = normal_address(f"x@{domain}").rpartition("@")[2] if domain is not None else ""
        if host not in domains:
            raise MailDomainNotServed(domain or "", domains, "" if name == LOCAL else name)
        return name, host

    async def _make(self, reserved: Address) -> Address:
        password = await self.providers.password(reserved)
        try:
            made = await self.providers.get(reserved.provider).create_address(reserved.address, password=password)
        except (MailboxTaken, MailDomainNotServed, MailProviderRefused, MailQuotaFull, InvalidInput):
            # Nothing was made there, and nothing will be.
            await self._directory.forget_reservation(reserved.address)
            raise
        address = await self._directory.made(reserved.address, made)
        await self._audit.note("mailbox.create", address.address, provider=address.provider)
        return address

    # --- messages

    async def collect(self, address: Address) -> None:
        """Fetch what has arrived at the provider of a mailbox; nothing to do for `local`.

        Raises:
            MailProviderRefused, MailProviderUnavailable, MailProviderUnknown, SecretMissing, SettingsInvalid: it cannot
                be asked; what is stored is stored.
            MailboxUnknown: the mailbox was deleted.
        """
        await self._collector.collect(address)

    async def follow(self, address: Address, told: Told | None = None) -> None:
        """Fetch whatever arrives for a mailbox until cancelled; see `Collector.follow`."""
        await self._collector.follow(address, told)

    async def cursor(self, address: Address) -> str:
        """Position behind the newest message, at its provider too: what comes behind it came later.

        Raises:
            As `collect`.
        """
        await self.collect(address)
        return await self.store.cursor(address.address)

    async def list_since(self, address: Address, cursor: str = "0") -> tuple[list[MailRef], str]:
        """Stored messages behind `cursor`, oldest first, and the cursor behind the last of them."""
        return await self.store.list_since(address.address, cursor)

    async def wait(self, address: Address, *, since: str, match: MailFilter, deadline: datetime) -> MailRef:
        """Wait for the newest message behind `since` that matches; fetches from the provider meanwhile.

        What is stored is looked at first, so a message that came before the call is found.

        Args:
            since: cursor taken before the site was asked to send.
            deadline: absolute, with time zone: a wait that is taken up after a crash ends when the first would have.

        Raises:
            MailNotReceived: the deadline passed.
            MailQuotaFull, MailDomainNotServed: it passed, and our own server takes no mail for the mailbox.
            MailProviderRefused, MailProviderUnavailable, MailProviderUnknown, SecretMissing, SettingsInvalid: it
                passed, and the provider could not be asked at the end; one that refuses is not waited for.
        """
        refused: set[str] = set()
        asked = False
        async with self._followed(address) as follower:
            while True:
                refs, position = await self.store.list_since(address.address, since)
                fresh = [ref for ref in refs if ref.id not in refused]
                for ref in newest_first(fresh):
                    if match.matches(ref):
                        return ref
                    refused.add(ref.id)
                remaining = (deadline - datetime.now(UTC)).total_seconds()
                if remaining > 0:
                    await self._sleep(address, position, min(remaining, _LOOK_AGAIN), follower)
                elif asked:
                    raise MailNotReceived(address.address, deadline)
                else:
                    await (self.local.check_address if address.provider == LOCAL else self.collect)(address)
                    asked = True

    @contextlib.asynccontextmanager
    async def _followed(self, address: Address) -> AsyncGenerator[asyncio.Task[None] | None]:
        """Fetches what arrives meanwhile. The task ends only with an error that no patience helps against."""

        async def told(error: SeezarError | None) -> None:
            if error is not None and not error.retryable:
                raise error

        if address.provider == LOCAL:
            yield None
            return
        follower = asyncio.create_task(self.follow(address, told), name="mail-follower")
        try:
            yield follower
        finally:
            follower.cancel()
            # Its error was raised by `_sleep`, or a message came all the same.
            await asyncio.wait({follower})

    async def _sleep(
        self, address: Address, position: str, timeout: float, follower: asyncio.Task[None] | None
    ) -> None:
        waiting = asyncio.create_task(self.store.wait(address.address, position, timeout))
        try:
            await asyncio.wait({waiting, follower} if follower else {waiting}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                waiting.result()
            elif follower is not None:
                follower.result()
        finally:
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await waiting

    async def source(self, ref: MailRef) -> bytes:
        """The raw RFC 5322 message.

        Raises:
            MessageGone: it was deleted.
        """
        return await self.store.source(ref)

    async def handle(self, ref: MailRef) -> str:
        """See `MessageStore.handle`."""
        return await self.store.handle(ref)

    async def by_handle(self, handle: str) -> MailRef:
        """See `MessageStore.by_handle`."""
        return await self.store.by_handle(handle)

    async def delete_message(self, ref: MailRef) -> None:
        """Remove a message, at its provider too; gone already is fine.

        Raises:
            MailProviderUnknown, MailProviderRefused, MailProviderUnavailable: it could not be removed there, and so was
                not removed here.
        """
        there = await self.store.provider_message(ref)
        if there is not None:
            address = await self.address(ref.address_id)
            provider = self.providers.get(address.provider)
            await provider.delete_message(address, replace(ref, id=there, address_id=address.id))
        await self.store.delete(ref)
        await self._audit.note("message.delete", ref.address_id)

    async def claim(self, message_id: int | str, run_id: str) -> bool:
        """Use a message for a run, once; see `MessageStore.claim`."""
        return await self.store.claim(message_id, run_id)


def _key_of(address: str) -> str:
    """The idempotency key of whoever wants this very address."""
    return f"ensure:{address}"
