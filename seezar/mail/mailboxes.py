"""Mailboxes as tools and commands see them: who wrote, what about, whether a code came. Never a body, never a code."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from seezar.mail.envelopes import CODE_PREFIX, code_handle, shown_sender
from seezar.mail.errors import MessageGone
from seezar.mail.extraction import Extraction, extract
from seezar.mail.provider import MailRef, newest_first
from seezar.mail.service import Mail
from seezar.telemetry.revealed import revealed


@dataclass(frozen=True, slots=True)
class CodeArrival:
    """A code or a link came. It stays in the database; the worker opens the handle.

    Attributes:
        handle: opaque, fit to be shown to a model.
        sender: as `shown_sender`.
        received_at: with time zone.
        confidence: of the reading, 0 to 1.
    """

    handle: str
    sender: str
    received_at: datetime
    confidence: float


class Mailboxes:
    """What is stored of a mailbox at any provider.

    Where nobody waits for mail of a remote one, `Mail.collect` comes first.
    """

    def __init__(self, mail: Mail) -> None:
        self._mail = mail

    async def has_code(
        self, address: str, *, since: str = "0", site: str | None = None, senders: tuple[str, ...] = ()
    ) -> CodeArrival | None:
        """The newest code that came behind the cursor `since`, as a handle, or None.

        Raises:
            MailboxUnknown, InvalidInput: no such mailbox.
        """
        return await self._newest(address, since, site, senders, lambda read: read.code)

    async def has_link(
        self, address: str, *, since: str = "0", site: str | None = None, senders: tuple[str, ...] = ()
    ) -> CodeArrival | None:
        """The newest sign-in link that came behind the cursor `since`, as a handle, or None.

        Raises:
            MailboxUnknown, InvalidInput: no such mailbox.
        """
        return await self._newest(address, since, site, senders, lambda read: read.link)

    async def _newest(
        self,
        address: str,
        since: str,
        site: str | None,
        senders: tuple[str, ...],
        pick: Callable[[Extraction], str | None],
    ) -> CodeArrival | None:
        refs, _ = await self._mail.list_since(await self._mail.address(address), since)
        for ref in newest_first(refs):
            read = extract(await self._mail.source(ref), site=site, senders=senders)
            if pick(read) is not None:
                handle = code_handle(await self._mail.handle(ref))
                return CodeArrival(handle, shown_sender(ref.sender), ref.received_at, read.confidence)
        return None

    async def open_code(
        self, handle: str, *, site: str | None = None, senders: tuple[str, ...] = ()
    ) -> tuple[MailRef, Extraction]:
        """The message and reading of a handle from `has_code`. Only for the worker: the result holds the code.

        Raises:
            MessageGone: the message was deleted, or the handle is not one of ours.
        """
        if not handle.startswith(CODE_PREFIX):
            raise MessageGone("This is not a handle of a mail.", next_step="Ask again whether a code arrived.")
        ref = await self._mail.by_handle(handle.removeprefix(CODE_PREFIX))
        reading = extract(await self._mail.source(ref), site=site, senders=senders)
        for name, value in (("code", reading.code), ("link", reading.link)):
            if value is not None:
                revealed.note(name, value)
        return ref, reading
