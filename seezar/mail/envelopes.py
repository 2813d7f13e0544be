"""Messages as lists show them: who wrote, what about, whether a code is in it. Never the text, never the code."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from seezar.mail.errors import MessageGone
from seezar.mail.extraction import Extraction, extract
from seezar.mail.prose import masked
from seezar.mail.provider import Address, MailRef
from seezar.mail.service import Mail

type Holds = Literal["code", "link", "code and link", "nothing"]

# How a message is named to a model; a code is named `mail-code:…` by `Mailboxes`.
_PREFIXES = ("mail:", "mail-code:")
_MOST = 100
_MAX_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class Envelope:
    """What may be shown of a message.

    Attributes:
        handle: opaque, fit to be shown to a model.
        address: the mailbox.
        sender: bare From address.
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
    subject = " ".join(masked(ref.subject, frozenset({found.code} if found.code else ())).split())
    return Envelope(
        handle=_PREFIXES[0] + await mail.handle(ref),
        address=ref.address_id,
        sender=ref.sender,
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
    for prefix in _PREFIXES:
        if handle.strip().startswith(prefix):
            return await mail.by_handle(handle.strip().removeprefix(prefix))
    raise MessageGone("This is not a handle of a mail.", next_step="List the messages of the mailbox for theirs.")


def _holds(found: Extraction) -> Holds:
    if found.code and found.link:
        return "code and link"
    return "code" if found.code else "link" if found.link else "nothing"
