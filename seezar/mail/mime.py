"""From raw bytes to headers and text parts: tolerant, bounded, linear in the size of the mail.

The standard library's parser keeps a stack of generators, one a level, and asks every level about every line; a hostile
nesting makes it recurse without end or crawl. Here only the values of single headers go through it; the rest is cut by
this module.
"""

import binascii
import codecs
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message

MAX_RAW = 10 * 1024 * 1024
MAX_HEADER_BLOCK = 256 * 1024
MAX_PARTS = 64
MAX_DEPTH = 8
# Of text, in characters, that is read of one part: no mail that carries a code or a link is longer.
MAX_TEXT = 512 * 1024

_BLANK_LINE = re.compile(rb"\r?\n[ \t]*\r?\n")
_DELIMITER_END = re.compile(rb"(--)?[ \t]*(?=\r?\n|\Z)")
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_HEADER_LINE = re.compile(r"^([!-9;-~]{1,76})[ \t]*:(.*(?:\n[ \t].*)*)", re.MULTILINE)

_QUOTED_OR_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|\([^()]*\)')
_ANGLED = re.compile(r"<([^<>]*)>")
_ADDRESS = re.compile(r"[^\s<>,;:()]+@[^\s<>,;:()]+")

# Names in the wild that Python does not know, and their superset codec.
_ALIASES = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "ansi": "cp1252",
    "x-mac-roman": "mac-roman",
    "unicode-1-1-utf-7": "utf-7",
    "tis-620": "cp874",
}
# Text codecs of Python that are no charsets of mail; some take quadratic time.
_NOT_CHARSETS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})


@dataclass(frozen=True, slots=True)
class TextPart:
    """A decoded body part.

    Attributes:
        kind: "plain" or "html".
        text: decoded, at most `MAX_TEXT` characters.
        forwarded: it lies inside a message/rfc822 part.
    """

    kind: str
    text: str
    forwarded: bool


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """What extraction reads of a mail.

    Attributes:
        sender: bare From address, lower case; "" when there is none.
        senders: number of From addresses found; more than one is a spoofing sign.
        sender_name: display name of the From header.
        subject: decoded subject.
        authentication_results: unfolded values of all Authentication-Results headers, topmost first.
        parts: text parts in order of appearance.
    """

    sender: str
    senders: int
    sender_name: str
    subject: str
    authentication_results: tuple[str, ...]
    parts: tuple[TextPart, ...]


def parse(raw: bytes) -> ParsedMail:
    """Parse a raw mail; never raises on its content. Only the first `MAX_RAW` bytes are read."""
    header, body = split_headers(raw[:MAX_RAW])
    sender_name, sender, count = _sender(header)
    budget = PartBudget()
    parts = tuple(_walk(header, body, 0, False, budget))
    results = tuple(header.all("authentication-results")[:16])
    return ParsedMail(sender, count, sender_name, decoded_header(header.get("subject")), results, parts)


def parse_envelope(raw: bytes) -> tuple[str, str, str]:
    """Only `(sender, subject, message_id)` of a raw mail, each "" when absent."""
    header, _ = split_headers(raw[:MAX_HEADER_BLOCK])
    _, sender, _ = _sender(header)
    return sender, decoded_header(header.get("subject")), header.get("message-id")


class Headers:
    """The headers of one mail or part: decoded as UTF-8 (else Windows-1252), unfolded, in order."""

    def __init__(self, block: bytes = b"") -> None:
        text = decode_bytes(block, "utf-8").replace("\r\n", "\n").replace("\r", "\n")
        self._all: dict[str, list[str]] = {}
        for match in _HEADER_LINE.finditer(text):
            value = " ".join(part.strip() for part in match[2].split("\n"))
            self._all.setdefault(match[1].lower(), []).append(value.strip())
        self._content = Message()
        self._content["Content-Type"] = self.get("content-type").encode("ascii", "replace").decode()

    def get(self, name: str) -> str:
        """The first value of a header, or ""."""
        return self._all.get(name, [""])[0]

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return self._all.get(name, [])

    @property
    def content_type(self) -> str:
        """For example `text/html`; `text/plain` when absent or damaged (RFC 2045 §5.2)."""
        return self._content.get_content_type()

    def parameter(self, name: str) -> str:
        """A parameter of Content-Type, or ""."""
        try:
            value = self._content.get_param(name)
        except (ValueError, LookupError, TypeError):
            return ""
        if isinstance(value, tuple):
            value = value[2]
        return str(value).strip() if value is not None else ""


class PartBudget:
    """How many parts may still be opened."""

    def __init__(self) -> None:
        self.parts = MAX_PARTS

    def take(self) -> bool:
        """Open one more; False when that is one too many."""
        self.parts -= 1
        return self.parts >= 0


def split_headers(raw: bytes) -> tuple[Headers, bytes]:
    """The headers of a mail or part, and its body."""
    if raw[:1] in (b"\r", b"\n"):
        # A part without headers starts with the blank line that would end them.
        return Headers(), raw.lstrip(b"\r\n")
    if b":" not in raw[:1000].partition(b"\n")[0] and not raw.startswith(b"From "):
        # No header line at all: the whole is a body.
        return Headers(), raw
    gap = _BLANK_LINE.search(raw, 0, MAX_HEADER_BLOCK)
    if gap is None:
        return Headers(raw[:MAX_HEADER_BLOCK]), b""
    return Headers(raw[: gap.start()]), raw[gap.end() :]


def _walk(header: Headers, body: bytes, depth: int, forwarded: bool, budget: PartBudget) -> Iterator[TextPart]:
    if depth > MAX_DEPTH or not budget.take():
        return
    kind = header.content_type
    if kind.startswith("multipart/"):
        for chunk in children(body, header.parameter("boundary")):
            if budget.parts <= 0:
                return
            child, content = split_headers(chunk)
            yield from _walk(child, content, depth + 1, forwarded, budget)
    elif kind == "message/rfc822" or kind == "message/global":
        inner, content = split_headers(transfer_decoded(header, body).lstrip(b"\r\n"))
        yield from _walk(inner, content, depth + 1, True, budget)
    elif kind in ("text/plain", "text/html") and not is_attachment(header):
        text = _decoded_text(header, body, kind)
        if kind == "text/plain" and header.parameter("format").lower() == "flowed":
            text = unflowed(text, joined=header.parameter("delsp").lower() == "yes")
        if text.strip():
            yield TextPart(kind.partition("/")[2], text, forwarded)


def unflowed(text: str, *, joined: bool) -> str:
    """The paragraphs of a `format=flowed` body, each on one line (RFC 3676).

    Args:
        joined: `DelSp=yes`: the space at the end of a line is not part of the text, so that a URL may be broken there.
    """
    lines: list[str] = []
    flows = False
    for line in text.replace("\r\n", "\n").split("\n"):
        content = line[1:] if line.startswith(" ") else line
        if flows and not content.startswith(">") and content != "-- ":
            lines[-1] += content
        else:
            lines.append(content)
        flows = content.endswith(" ") and content != "-- " and not content.startswith(">")
        if flows and joined:
            lines[-1] = lines[-1][:-1]
    return "\n".join(lines)


def children(body: bytes, boundary: str) -> Iterator[bytes]:
    """The parts of a multipart body, each with its headers; without a boundary the whole is one."""
    if not boundary:
        yield body
        return
    delimiter = b"--" + boundary.encode("utf-8", "surrogateescape")
    start: int | None = None
    place = body.find(delimiter)
    while place >= 0:
        after = place + len(delimiter)
        rest = _DELIMITER_END.match(body, after) if place == 0 or body[place - 1] == 0x0A else None
        if rest is not None:
            if start is not None:
                yield _after_newline(body[start : _line_end(body, place)])
            if rest[1]:
                return
            start = after = rest.end()
        place = body.find(delimiter, after)
    if start is not None:
        # The closing delimiter is missing: the mail was cut off, what there is still counts.
        yield _after_newline(body[start:])


def _line_end(body: bytes, start: int) -> int:
    """Where the line above ends, without its line break."""
    return max(0, start - 2 if body[start - 2 : start] == b"\r\n" else start - 1)


def _after_newline(chunk: bytes) -> bytes:
    return chunk[2:] if chunk.startswith(b"\r\n") else chunk[1:] if chunk.startswith(b"\n") else chunk


def is_attachment(header: Headers) -> bool:
    """Whether a part is for saving, and not for reading with the mail."""
    return header.get("content-disposition").lower().startswith("attachment")


def transfer_decoded(header: Headers, body: bytes) -> bytes:
    """A body without its transfer encoding; what is damaged is left out."""
    encoding = header.get("content-transfer-encoding").lower()
    if encoding == "base64":
        return _base64(body)
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    return body


def _base64(data: bytes) -> bytes:
    clean = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    # A length of 1 modulo 4 is no base64 at all; the odd character is dropped.
    clean = clean[: len(clean) - 1] if len(clean) % 4 == 1 else clean
    try:
        return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))
    except binascii.Error:
        return b""


def _decoded_text(header: Headers, body: bytes, kind: str) -> str:
    data = transfer_decoded(header, body)[: MAX_TEXT * 4]
    declared = header.parameter("charset")
    if not declared and kind == "text/html":
        meta = _META_CHARSET.search(data[:4096])
        declared = meta[1].decode("ascii", "replace") if meta else ""
    return decode_bytes(data, declared)[:MAX_TEXT]


def decode_bytes(data: bytes, charset: str) -> str:
    """Text of `data` in the declared charset, else in the one it fits: UTF-8, then Windows-1252. Never raises."""
    codec = _codec(charset)
    for name in (codec, "utf-8"):
        if name:
            try:
                return data.decode(name)
            except (UnicodeError, LookupError):
                continue
    return data.decode(codec or "cp1252", "replace")


def _codec(charset: str) -> str | None:
    name = charset.strip().strip("\"'").lower()
    if not name or "\0" in name or len(name) > 40:
        return None
    name = _ALIASES.get(name, name)
    try:
        found = codecs.lookup(name).name
        # Not of an empty text: that asks no codec, and "hex" would pass for a character set.
        b"a".decode(found, "replace")
    except (LookupError, ValueError):
        return None
    return None if found.replace("-", "_") in _NOT_CHARSETS else found


def decoded_header(value: str) -> str:
    """An unfolded header value with its RFC 2047 words decoded. Never raises."""
    text = value[:8192]
    if "=?" not in text:
        return " ".join(text.split())
    try:
        pieces = decode_header(text)
    except (HeaderParseError, ValueError, LookupError):
        return " ".join(text.split())
    out = [piece if isinstance(piece, str) else decode_bytes(piece, charset or "utf-8") for piece, charset in pieces]
    return " ".join("".join(out).split())


def _sender(header: Headers) -> tuple[str, str, int]:
    """Display name, bare address, number of From headers and addresses.

    The standard library reads `a@bank.example <x@evil.example>` as the first of the two; every program that shows the
    mail, and the server that checked it, means the second. An address outside of the brackets counts as one more.
    """
    values = header.all("from")
    if not values:
        return "", "", 0
    text = values[0][:2048]
    plain = _QUOTED_OR_COMMENT.sub(lambda match: "_" * len(match[0]), text)
    angled = list(_ANGLED.finditer(plain))
    outside = list(_ADDRESS.finditer(_ANGLED.sub(lambda match: " " * len(match[0]), plain)))
    if angled:
        start, end = angled[-1].span(1)
        name = text[: angled[-1].start()].strip().strip('"')
    elif outside:
        start, end = outside[0].span()
        name = ""
    else:
        return decoded_header(text), "", len(values)
    address = text[start:end].rpartition(":")[2].strip().lower()
    if plain[start:end].rpartition(":")[2].count("@") > 1 or any(ord(char) <= 0x20 for char in address):
        address = ""
    return decoded_header(name), address, len(values) + len(angled) + len(outside) - 1
