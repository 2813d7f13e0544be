"""Mailboxes as tools and commands see them: who wrote, what about, whether a code came. Never a body, never a code."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from seezar.mail.errors import MessageGone
from seezar.mail.extraction import Extraction, extract
from seezar.mail.provider import MailRef
from seezar.mail.service import Mail

MASK = "•••"
_HANDLE = "mail-code:"

# Anything that could be a code or a token: a run of letters and digits (joined by hyphens or dots) that holds a digit
# and is at least four long, or short groups of digits apart ("12 34 56").
_CODE_LIKE = re.compile(r"(?<!\w)(?:(?=[\w.-]*\d)[\w.-]{3,}\w|\d{1,4}(?:[\s\u00a0-]\d{1,4})+)(?!\w)")


@dataclass(frozen=True, slots=True)
class MailSummary:
    """What may be shown of a message.

    Attributes:
        sender: bare From address.
        subject: subject, everything that looks like a code masked.
        received_at: with time zone.
    """

    sender: str
    subject: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class CodeArrival:
    """A code or a link came. It stays in the database; the worker opens the handle.

    Attributes:
        handle: opaque, fit to be shown to a model.
        sender: bare From address.
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

    async def latest(self, address: str) -> MailSummary | None:
        """The newest message of a mailbox, or None.

        Raises:
            MailboxUnknown, InvalidInput: no such mailbox.
        """
        ref = await self._mail.latest(await self._mail.address(address))
        if ref is None:
            return None
        read = extract(await self._mail.source(ref))
        return MailSummary(ref.sender, masked_subject(ref.subject, read.code), ref.received_at)

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
        for ref in reversed(refs):
            read = extract(await self._mail.source(ref), site=site, senders=senders)
            if pick(read) is not None:
                handle = _HANDLE + await self._mail.handle(ref)
                return CodeArrival(handle, ref.sender, ref.received_at, read.confidence)
        return None

    async def open_code(
        self, handle: str, *, site: str | None = None, senders: tuple[str, ...] = ()
    ) -> tuple[MailRef, Extraction]:
        """The message and reading of a handle from `has_code`. Only for the worker: the result holds the code.

        Raises:
            MessageGone: the message was deleted, or the handle is not one of ours.
        """
        if not handle.startswith(_HANDLE):
            raise MessageGone("This is not a handle of a mail.", next_step="Ask again whether a code arrived.")
        ref = await self._mail.by_handle(handle.removeprefix(_HANDLE))
        return ref, extract(await self._mail.source(ref), site=site, senders=senders)


def masked_subject(subject: str, code: str | None) -> str:
    """The subject with the code, and whatever else has the shape of one, replaced by `MASK`."""
    if code:
        # A code may be split in the text ("123 456", "ABC-DEF") and joined in the reading.
        spaced = r"[\s\u00a0-]*".join(re.escape(ch) for ch in code if ch not in " -")
        subject = re.sub(spaced, MASK, subject, flags=re.IGNORECASE)
    return _CODE_LIKE.sub(MASK, subject)
