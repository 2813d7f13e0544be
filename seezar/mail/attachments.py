"""What a mail carries beside its texts, and header values as they are: the same bounded walk as `seezar.mail.mime`."""

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from seezar.mail import mime


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part of a mail that is no body text.

    Attributes:
        content_type: as declared, for example `image/png`.
        filename: decoded name, or "".
        disposition: "attachment" or "inline".
        transfer_encoding: as declared, lower case; "7bit" when absent.
        content: decoded.
    """

    content_type: str
    filename: str
    disposition: str
    transfer_encoding: str
    content: bytes


def attachments(raw: bytes) -> list[Attachment]:
    """The attachments of a raw mail in order of appearance, a forwarded mail as one; never raises on its content."""
    header, body = mime.split_headers(raw[: mime.MAX_RAW])
    return list(_walk(header, body, 0, mime.PartBudget()))


def header_values(raw: bytes, name: str) -> list[str]:
    """Every value of a header of a raw mail, unfolded and not decoded."""
    header, _ = mime.split_headers(raw[: mime.MAX_HEADER_BLOCK])
    return header.all(name)


def _walk(header: mime.Headers, body: bytes, depth: int, budget: mime.PartBudget) -> Iterator[Attachment]:
    if depth > mime.MAX_DEPTH or not budget.take():
        return
    kind = header.content_type
    if kind.startswith("multipart/"):
        for chunk in mime.children(body, header.parameter("boundary")):
            child, content = mime.split_headers(chunk)
            yield from _walk(child, content, depth + 1, budget)
    elif kind not in ("text/plain", "text/html") or mime.is_attachment(header):
        encoding = header.get("content-transfer-encoding").lower() or "7bit"
        disposition = "attachment" if mime.is_attachment(header) else "inline"
        yield Attachment(kind, _filename(header), disposition, encoding, mime.transfer_decoded(header, body))


def _filename(header: mime.Headers) -> str:
    disposition = Message()
    disposition["Content-Disposition"] = header.get("content-disposition").encode("ascii", "replace").decode()
    try:
        name = disposition.get_filename("")
    except (ValueError, LookupError, TypeError):
        name = ""
    return mime.decoded_header(name or header.parameter("name"))
