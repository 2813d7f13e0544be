"""Messages as lists show them: who wrote, what about, whether a code is in it. Never the text, never the code."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from seezar.errors import InvalidInput
from seezar.mail.addresses import normal_address
from seezar.mail.errors import MessageGone
from seezar.mail.extraction import Extraction, extract
from seezar.mail.prose import masked
from seezar.mail.provider import Address, MailRef
from seezar.mail.service import Mail

type Holds = Literal["code", "link", "code and link", "nothing"]

# How a message is named to a model, and the code or link in it.
_MESSAGE_PREFIX, CODE_PREFIX = "mail:", "mail-code:"
_MOST = 100
_MAX_SUBJECT = 200
_NOBODY = "unknown sender"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What may be shown of a message.

    Attributes:
        handle: opaque, fit to be shown to a model.
        address: the mailbox.
        sender: as `shown_sender`.
        subject: one line; codes, tokens and links masked.
        received_at: with time zone.
        holds: what of a sign-in is in it, read for the site that was given.
    """

    handle: str
    address: str
    sender: str
    subject: str
    received_at: datetime
    holds: Holds


async def envelope(mail: Mail, ref: MailRef, *, site: str | None = None) -> Envelope:
    """The envelope of a message.

    Raises:
        MessageGone: it was deleted.
    """
    found = extract(await mail.source(ref), site=site)
    values = frozenset({found.code} if found.code else ())
    subject = " ".join(masked(ref.subject, values).split())
    return Envelope(
        handle=_MESSAGE_PREFIX + await mail.handle(ref),
        address=ref.address_id,
        sender=shown_sender(ref.sender),
        subject=subject[:_MAX_SUBJECT],
        received_at=ref.received_at,
        holds=_holds(found),
    )


async def envelopes(mail: Mail, address: Address, *, limit: int, site: str | None = None) -> list[Envelope]:
    """The newest messages of a mailbox, newest first, what just arrived at its provider included.

    Args:
        limit: at most so many, and at most a hundred.

    Raises:
        MailProviderRefused, MailProviderUnavailable, MailProviderUnknown, SecretMissing: the provider cannot be asked.
    """
    await mail.collect(address)
    refs, _ = await mail.list_since(address)
    shown: list[Envelope] = []
    for ref in reversed(refs[-min(limit, _MOST) :]):
        try:
            shown.append(await envelope(mail, ref, site=site))
        except MessageGone:
            continue
    return shown


async def opened(mail: Mail, handle: str) -> MailRef:
    """The message that a handle stands for.

    Raises:
        MessageGone: it was deleted, or the handle is not one of ours.
    """
    for prefix in (_MESSAGE_PREFIX, CODE_PREFIX):
        if handle.strip().startswith(prefix):
            return await mail.by_handle(handle.strip().removeprefix(prefix))
    raise MessageGone("This is not a handle of a mail.", next_step="List the messages of the mailbox for theirs.")


def code_handle(handle: str) -> str:
    """The handle of the code or link in a message, from that of the message."""
    return CODE_PREFIX + handle.removeprefix(_MESSAGE_PREFIX)


def shown_sender(sender: str) -> str:
    """A bare From address as it may be shown; "unknown sender" when it is not one that mail could be sent to.

    A stranger wrote it, and may have written orders or a link there instead.
    """
    try:
        return normal_address(sender)
    except InvalidInput:
        return _NOBODY


def _holds(found: Extraction) -> Holds:
    if found.code and found.link:
        return "code and link"
    return "code" if found.code else "link" if found.link else "nothing"
