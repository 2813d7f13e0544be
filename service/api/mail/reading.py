"""What is shown of a message: its headers, its texts, its attachments. Read anew from the source each time."""

from dataclasses import dataclass
from email.utils import getaddresses
from typing import Any

from seezar.mail.attachments import Attachment, attachments, header_values
from seezar.mail.document import from_plain
from seezar.mail.hosted import HostedMessage
from seezar.mail.markup import from_html
from seezar.mail.mime import decoded_header, parse
from service.api.mail.shapes import moment

_INTRO = 120
# Messages are not deleted by time; the field is a date in the clients' types.
_FOR_EVER = "9999-12-31T23:59:59+00:00"


@dataclass(frozen=True, slots=True)
class Reading:
    """The fields of a message in a list, and those that it has only when it is asked for by itself."""

    listed: dict[str, Any]
    intro: str
    more: dict[str, Any]


def read(message: HostedMessage, account_id: str, raw: bytes) -> Reading:
    """Read a raw message; never fails on its content. Bounded, but not quick for a large one: not for the event loop.

    Args:
        account_id: whose it is.
    """
    mail = parse(raw)
    parts = attachments(raw)
    # A forwarded mail is an attachment, unless there is nothing else.
    own_parts = [part for part in mail.parts if not part.forwarded] or mail.parts
    html = [part.text for part in own_parts if part.kind == "html"]
    text = "\n".join(part.text for part in own_parts if part.kind == "plain")
    if not text.strip():
        text = "\n".join(line.text for page in html for line in from_html(page).lines)
    path = f"/messages/{message.id}"
    listed = {
        "id": message.id,
        "accountId": f"/accounts/{account_id}",
        "msgid": "".join(header_values(raw, "message-id")[:1])[:998],
        "from": {"address": mail.sender, "name": mail.sender_name},
        "to": _people(raw, "to"),
        "subject": mail.subject,
        "seen": message.seen,
        "isDeleted": False,
        "hasAttachments": bool(parts),
        "size": message.size,
        "downloadUrl": f"{path}/download",
        "sourceUrl": f"/sources/{message.id}",
        "createdAt": moment(message.received_at),
        "updatedAt": moment(message.updated_at),
    }
    more = {
        "cc": _people(raw, "cc"),
        "bcc": _people(raw, "bcc"),
        "flagged": False,
        # Who wrote it is not verified here.
        "verifications": [],
        "retention": False,
        "retentionDate": _FOR_EVER,
        "text": text,
        "html": html,
        "attachments": [_attachment(path, number, part) for number, part in enumerate(parts, 1)],
    }
    intro = " ".join(line.text for line in from_plain(text[:2000]).lines)
    return Reading(listed, intro if len(intro) <= _INTRO else f"{intro[: _INTRO - 1]}…", more)


def attachment(raw: bytes, attachment_id: str) -> Attachment | None:
    """The attachment of this id, or None."""
    for number, part in enumerate(attachments(raw), 1):
        if _attachment_id(number) == attachment_id:
            return part
    return None


def _attachment_id(number: int) -> str:
    return f"ATTACH{number:06d}"


def _attachment(path: str, number: int, part: Attachment) -> dict[str, Any]:
    own = _attachment_id(number)
    return {
        "id": own,
        "filename": part.filename or own.lower(),
        "contentType": part.content_type,
        "disposition": part.disposition,
        "transferEncoding": part.transfer_encoding,
        "related": part.disposition == "inline",
        "size": len(part.content),
        "downloadUrl": f"{path}/attachment/{own}",
    }


def _people(raw: bytes, header: str) -> list[dict[str, str]]:
    values = [value[:8192] for value in header_values(raw, header)[:4]]
    return [
        {"address": address.lower(), "name": decoded_header(name)} for name, address in getaddresses(values) if address
    ]
