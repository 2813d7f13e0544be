"""The mail providers, one module a kind. Each has `connect(entry, secrets) -> MailProvider`, which does no I/O."""

import importlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from seezar.domains import normal_host
from seezar.errors import OriginNotAllowed, SecretMissing, SettingsInvalid
from seezar.mail.errors import (
    MailDomainNotServed,
    MailProviderRefused,
    MailProviderUnavailable,
    MailProviderUnknown,
)
from seezar.mail.provider import Address, MailProvider
from seezar.mail.table import LOCAL, ProviderEntry, load_table
from seezar.vault import Vault


class Providers:
    """The providers of the configuration table, and `local` before all of them. Connected when first asked for.

    The file is read again when it has changed, so that a worker that runs for weeks knows what was added meanwhile.

    Args:
        local: our own provider.
        config: path of `mail.toml`; there need not be one.
        vault: where passwords of addresses are.
    """

    def __init__(self, local: MailProvider, config: Path, vault: Vault) -> None:
        self._local = local
        self._config = config
        self._vault = vault
        self._read: tuple[int, int] | None = None
        self._entries: tuple[ProviderEntry, ...] = ()
        self._connected: dict[str, tuple[ProviderEntry, MailProvider]] = {}
        # Of entries that have changed: somebody may still be using them.
        self._former: list[MailProvider] = []

    def entries(self) -> tuple[ProviderEntry, ...]:
        """The rows of the table, without `local`.

        Raises:
            SettingsInvalid: the file cannot be read as a table.
        """
        try:
            stat = self._config.stat()
            now = (stat.st_mtime_ns, stat.st_size)
        except OSError:
            now = (0, 0)
        if now != self._read:
            self._entries = load_table(self._config)
            self._read = now
        return self._entries

    def entry(self, name: str) -> ProviderEntry:
        """The row of a provider elsewhere.

        Raises:
            MailProviderUnknown: there is none of this name.
            SettingsInvalid: as `entries`.
        """
        entries = self.entries()
        for entry in entries:
            if entry.name == name:
                return entry
        raise MailProviderUnknown(name, [LOCAL, *(entry.name for entry in entries)])

    def get(self, name: str) -> MailProvider:
        """The provider of a name.

        Raises:
            MailProviderUnknown: there is none.
            SettingsInvalid: as `entries`, its key is not set, or no module speaks its kind.
        """
        if name == LOCAL:
            return self._local
        entry = self.entry(name)
        known = self._connected.get(name)
        if known is not None and known[0] == entry:
            return known[1]
        if known is not None:
            self._former.append(known[1])
        provider = _connect(entry, self._vault)
        self._connected[name] = (entry, provider)
        return provider

    @asynccontextmanager
    async def apart(self, name: str) -> AsyncGenerator[MailProvider]:
        """A provider elsewhere, connected for the time of the block: with no token or connection of an earlier log-in.

        Raises:
            MailProviderUnknown, SettingsInvalid: as `get`.
        """
        provider = _connect(self.entry(name), self._vault)
        try:
            yield provider
        finally:
            await provider.close()

    async def domains(self, name: str) -> Sequence[str]:
        """Domains on which a provider makes addresses, the preferred one first; empty when it makes none.

        Raises:
            MailDomainNotServed: those that the table names for it are all gone.
            MailProviderUnknown, SettingsInvalid: as `get`.
            MailProviderRefused, MailProviderUnavailable: it cannot be asked.
        """
        own = await self.get(name).domains()
        listed = () if name == LOCAL else self.entry(name).domains
        found = [domain for domain in listed if domain in own] if listed else own
        if own and not found:
            raise MailDomainNotServed(", ".join(listed), own, name)
        return found

    async def serving(self, domain: str) -> str:
        """The name of the first provider that serves a domain.

        Raises:
            MailDomainNotServed: none does.
            MailProviderRefused, MailProviderUnavailable, SettingsInvalid: none of those that could be asked does.
        """
        host = normal_host(domain) or domain
        served = list(await self._local.domains())
        if host in served:
            return LOCAL
        trouble: MailProviderRefused | MailProviderUnavailable | SettingsInvalid | None = None
        for entry in self.entries():
            try:
                own = entry.domains or await self.get(entry.name).domains()
            except (MailProviderRefused, MailProviderUnavailable, SettingsInvalid) as error:
                trouble = error
                continue
            if host in own:
                return entry.name
            served.extend(own)
        if trouble is not None:
            raise trouble
        raise MailDomainNotServed(domain, served)

    async def password(self, address: Address) -> str:
        """The stored password of an address; "" when it has none.

        Raises:
            SecretMissing: it is gone, or the provider is not where it was.
            MailProviderUnknown, SettingsInvalid: as `get`.
        """
        if address.secret_ref is None:
            return ""
        return await EntrySecrets(self._vault, self.entry(address.provider)).open(address.secret_ref)

    async def close(self) -> None:
        """Close all connections to providers elsewhere."""
        former = [*self._former, *(provider for _, provider in self._connected.values())]
        self._former.clear()
        self._connected.clear()
        for provider in former:
            await provider.close()


class EntrySecrets:
    """The passwords of the addresses of one entry: opened only for the origin of its `url`."""

    def __init__(self, vault: Vault, entry: ProviderEntry) -> None:
        self._vault = vault
        self._entry = entry

    async def open(self, reference: str) -> str:
        """See `Secrets.open`."""
        try:
            return await self._vault.open(reference, origin=self._entry.origin)
        except (SecretMissing, OriginNotAllowed) as error:
            raise SecretMissing(
                f"There is no password {reference!r} for the mail provider {self._entry.name}.",
                kept="No password was sent there; stored mail is not touched.",
                next_step="Enter it again: seezar mail add ADDRESS --password-env VAR.",
            ) from error


def _connect(entry: ProviderEntry, vault: Vault) -> MailProvider:
    if entry.missing_key:
        raise SettingsInvalid(
            f"mail.toml: provider {entry.name!r} takes its key from {entry.missing_key}, which is not set"
        )
    name = entry.kind if "." in entry.kind else f"{__name__}.{entry.kind}"
    try:
        connect: Any = importlib.import_module(name).connect
    except (ImportError, AttributeError) as error:
        raise SettingsInvalid(
            f"mail.toml: no module speaks the kind {entry.kind!r} of provider {entry.name!r} ({error})"
        ) from error
    return connect(entry, EntrySecrets(vault, entry))
