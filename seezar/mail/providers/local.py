"""The provider `local`: mail that our own SMTP server takes. Its messages are the stored ones; nothing is collected."""

from collections.abc import Iterable, Sequence

from seezar.domains import normal_host
from seezar.mail.directory import Directory
from seezar.mail.errors import MailboxUnknown, MailDomainNotServed
from seezar.mail.provider import Address, MailRef
from seezar.mail.store import MessageStore
from seezar.mail.table import LOCAL


class LocalProvider:
    """Mailboxes on our own domains.

    Args:
        directory: of all mailboxes.
        store: where messages are kept.
        domains: domains served, the first is that of new addresses.
    """

    name = LOCAL
    push = True

    def __init__(self, directory: Directory, store: MessageStore, *, domains: Iterable[str]) -> None:
        self._directory = directory
        self._store = store
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

    async def receive(self, recipients: Iterable[str], raw: bytes) -> list[int]:
        """Store a message for mailboxes of this provider; see `MessageStore.receive`."""
        return await self._store.receive(recipients, raw)

    # --- the provider

    async def domains(self) -> Sequence[str]:
        """See `MailProvider.domains`."""
        return self._domains

    async def create_address(self, address: str, *, password: str) -> str:
        """See `MailProvider.create_address`. Being in the directory is all that an address needs here."""
        self.served(address.rpartition("@")[2])
        return address

    async def check_address(self, address: Address) -> str:
        """See `MailProvider.check_address`."""
        return (await self.mailbox(address.address)).id

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
