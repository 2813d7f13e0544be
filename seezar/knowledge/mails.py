"""Mails as documents: what a person sees of them, without codes, tokens and links."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from seezar.knowledge.documents import NewDocument
from seezar.mail.mime import parse
from seezar.mail.prose import read_prose

_MOST_CHARACTERS = 200_000


def document_of_mail(raw: bytes, source: str, *, account: str | None = None, at: datetime | None = None) -> NewDocument:
    """A mail, fit to be kept in clear.

    Args:
        raw: RFC 5322 message; what it holds beside its text is left out.
        source: where it is from: a mailbox and the handle of the message, or a file.
        account: whose mail it is.
        at: when it came; None takes the date that its sender gave it.
    """
    prose = read_prose(raw, limit=_MOST_CHARACTERS)
    mail = parse(raw)
    title = prose.subject or "Mail without a subject"
    text = f"From {mail.sender}\n{prose.text}" if mail.sender else prose.text
    return NewDocument(title, text, source, "mail", account, at or _date(raw))


def _date(raw: bytes) -> datetime | None:
    for line in raw[:20_000].split(b"\n"):
        if not line.strip():
            return None
        if line[:5].lower() == b"date:":
            try:
                found = parsedate_to_datetime(line[5:].strip().decode("ascii", "replace"))
            except ValueError:
                return None
            return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return None
