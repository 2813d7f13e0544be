"""What seezar asks of a place that receives mail, and which messages a wait is for.

A provider only moves bytes. Matching, waiting, reading and "used once" are written above it, so that every provider
has them alike. A push is only a wake-up; the list is the truth.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr
from typing import Protocol

from seezar.domains import same_site


@dataclass(frozen=True, slots=True)
class Address:
    """An address that can be read.

    Attributes:
        id: the provider's own identifier of the address.
        address: lower-case address.
        provider: name of the provider's entry in the configuration table.
        secret_ref: vault reference of the password or token that reads it; None when none is needed.
        created_at: when it was made, with time zone.
    """

    id: str
    address: str
    provider: str
    secret_ref: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MailRef:
    """A message at a provider. Subject is left out of `repr`: it may carry a code.

    Attributes:
        id: the provider's identifier of the message, never given to another one of the address.
        address_id: `Address.id` it was received for.
        received_at: when the provider took it, with time zone.
        sender: bare address of the From header, lower case; "" when there is none. Forgeable: see `extraction`.
        subject: decoded subject.
        size: raw size, bytes.
        cursor: position just behind this message.
    """

    id: str
    address_id: str
    received_at: datetime
    sender: str
    subject: str = field(repr=False)
    size: int
    cursor: str


@dataclass(frozen=True, slots=True)
class MailFilter:
    """Which messages a wait is for, fixed before the site is asked to send.

    Attributes:
        senders: exact addresses, or domains (`example.com`) whose registrable domain must match; empty = any sender.
        not_before: older messages are passed over; None = no bound beside the cursor.
        accept: last word on a message that passed the rest, e.g. "its code can be read"; None = accepted.
    """

    senders: tuple[str, ...] = ()
    not_before: datetime | None = None
    accept: Callable[[MailRef], bool] | None = None

    def matches(self, ref: MailRef) -> bool:
        """True when the message is one that is waited for."""
        if self.not_before is not None and ref.received_at < self.not_before:
            return False
        if self.senders and not sender_allowed(ref.sender, self.senders):
            return False
        return self.accept is None or self.accept(ref)


class Secrets(Protocol):
    """Opens what an address needs to be read: its password, app password or token."""

    async def open(self, reference: str) -> str:
        """The secret of a reference.

        Raises:
            SecretMissing: no such reference, or it is not for this provider.
        """
        ...


class MailProvider(Protocol):
    """A place that receives mail.

    A provider only does I/O, and is told everything that must be the same after a crash: which address, which password.
    Cursors are opaque text of its own making. Calls may raise `MailProviderRefused` (a key or password is wrong),
    `MailProviderUnavailable` (no answer, or too busy; worth another try) and `MailQuotaFull`.

    Attributes:
        name: of its entry in the configuration table.
        push: whether `wait` is woken by mail, and not only by time.
    """

    name: str
    push: bool

    async def domains(self) -> Sequence[str]:
        """Domains that new addresses can be made on, the preferred one first; empty when it makes none."""
        ...

    async def create_address(self, address: str, *, password: str) -> str:
        """Make an address; one that exists and opens with this very password is the one made before a crash.

        Args:
            address: lower case, on one of `domains`.
            password: for reading it, chosen by the caller, who has stored it already.

        Returns:
            The provider's identifier of the address.

        Raises:
            MailboxTaken: it exists, and is somebody else's.
            MailDomainNotServed: its domain is not, or no longer, served.
        """
        ...

    async def check_address(self, address: Address) -> str:
        """Make sure that an address that exists can be read; returns the provider's identifier of it.

        Raises:
            MailboxUnknown: it is not there.
        """
        ...

    async def cursor(self, address: Address) -> str:
        """Position behind the newest message."""
        ...

    async def list_since(self, address: Address, cursor: str) -> tuple[list[MailRef], str]:
        """Messages behind `cursor`, oldest first, and the cursor behind the last of them; "" is before all.

        A message may be listed again (clocks differ, numbering starts anew): the caller stores each id once. A long
        list may come in parts, of which only the last may be empty: the caller lists on until the cursor stays.
        """
        ...

    async def wait(self, address: Address, cursor: str, timeout: float) -> bool:
        """Sleep until something may lie behind `cursor` (True) or `timeout` seconds passed (False). Only a wake-up."""
        ...

    async def source(self, address: Address, ref: MailRef) -> bytes:
        """The raw RFC 5322 message.

        Raises:
            MessageGone: it was deleted.
        """
        ...

    async def delete_message(self, address: Address, ref: MailRef) -> None:
        """Remove a message; gone already is fine."""
        ...

    async def delete_address(self, address: Address) -> None:
        """Remove an address and its messages; gone already is fine. Where it is a person's own box, nothing happens."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


def newest_first(refs: Iterable[MailRef]) -> list[MailRef]:
    """Messages by time of receipt, the newest first. `refs` come as lists give them, oldest first.

    The order of a list alone is not enough: a message that could not be fetched at first is stored behind newer ones.
    Nor is the time: many providers know whole seconds only, and of one second the one that is listed later is newer.
    """
    ordered = sorted(refs, key=lambda ref: ref.received_at)
    ordered.reverse()
    return ordered


def sender_allowed(sender: str, senders: tuple[str, ...]) -> bool:
    """Whether a From address is one of `senders` (exact addresses, or domains compared by registrable domain)."""
    bare = parseaddr(sender)[1].lower()
    domain = bare.rpartition("@")[2]
    for entry in senders:
        allowed = entry.strip().lower()
        if "@" in allowed.lstrip("@"):
            if bare == parseaddr(allowed)[1]:
                return True
        elif domain and same_site(domain, allowed.lstrip("@")):
            return True
    return False
