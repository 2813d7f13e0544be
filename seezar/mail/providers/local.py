"""The provider `local`: mail that our own SMTP server takes. Its messages are the stored ones; nothing is collected."""

from collections.abc import Iterable, Sequence

from seezar.domains import normal_host
from seezar.mail.directory import Directory
from seezar.mail.errors import MailboxUnknown, MailDomainNotServed, MailQuotaFull
from seezar.mail.provider import Address, MailRef
from seezar.mail.store import MessageStore
from seezar.mail.table import LOCAL

# Bytes that a mail with a code has at most, nearly always: a mailbox with less room is of no use.
_ROOM = 16 * 1024


class LocalProvider:
    """Mailboxes on our own domains.

    Args:
        directory: of all mailboxes.
        store: where messages are kept.
        domains: domains served, the first is that of new addresses.
        quota: bytes that a mailbox holds; 0 = any number.
    """

    name = LOCAL
    push = True

    def __init__(self, directory: Directory, store: MessageStore, *, domains: Iterable[str], quota: int = 0) -> None:
        self._directory = directory
        self._store = store
        self._quota = quota
        self._domains = tuple(normal_host(domain) or domain for domain in domains)

    # --- what the SMTP server asks

    def served(self, domain: str) -> str:
        """Normal form of a domain that is served.

        Raises:
            MailDomainNotServed: it is not.
        """
        host = normal_host(domain)
        if host is None or host not in self._domains:
            raise MailDomainNotServed(domain, self._domains)
        return host

    async def mailbox(self, address: str) -> Address:
        """The mailbox `address` of this provider.

        Raises:
            InvalidInput: not a mail address.
            MailboxUnknown: no such mailbox here.
        """
        found = await self._directory.get(address)
        if found.provider != self.name:
            raise MailboxUnknown(found.address)
        return found

    async def check_room(self, address: Address, size: int) -> None:
        """Make sure that so many bytes more fit into a mailbox.

        Raises:
            MailQuotaFull: they do not.
        """
        if self._quota and await self._store.used(address.address) + size > self._quota:
            raise MailQuotaFull(self.name, f"the mailbox {address.address} is full")

    async def receive(self, recipients: Iterable[str], raw: bytes) -> list[int]:
        """Store a message for mailboxes of this provider; see `MessageStore.receive`."""
        return await self._store.receive(recipients, raw, quota=self._quota)

    # --- the provider

    async def domains(self) -> Sequence[str]:
        """See `MailProvider.domains`."""
        return self._domains

    async def create_address(self, address: str, *, password: str) -> str:
        """See `MailProvider.create_address`. Being in the directory is all that an address needs here."""
        self.served(address.rpartition("@")[2])
        return address

    async def check_address(self, address: Address) -> str:
        """See `MailProvider.check_address`.

        Raises:
            MailDomainNotServed: its domain is no longer one of ours.
            MailQuotaFull: no mail with a code fits in.
        """
        self.served(address.address.rpartition("@")[2])
        found = await self.mailbox(address.address)
        await self.check_room(found, _ROOM)
        return found.id

    async def cursor(self, address: Address) -> str:
        """See `MailProvider.cursor`."""
        return await self._store.cursor(address.address)

    async def list_since(self, address: Address, cursor: str) -> tuple[list[MailRef], str]:
        """See `MailProvider.list_since`."""
        return await self._store.list_since(address.address, cursor or "0")

    async def wait(self, address: Address, cursor: str, timeout: float) -> bool:
        """See `MailProvider.wait`. Woken by the commit of a message."""
        return await self._store.wait(address.address, cursor or "0", timeout)

    async def source(self, address: Address, ref: MailRef) -> bytes:
        """See `MailProvider.source`."""
        return await self._store.source(ref)

    async def delete_message(self, address: Address, ref: MailRef) -> None:
        """See `MailProvider.delete_message`."""
        await self._store.delete(ref)

    async def delete_address(self, address: Address) -> None:
        """See `MailProvider.delete_address`."""
        await self._directory.remove(address.address)

    async def close(self) -> None:
        """The store is its owner's to close."""
