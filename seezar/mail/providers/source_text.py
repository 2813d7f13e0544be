"""The bytes of a message that a provider gives as text.

JSON holds text, a message is bytes, and no provider says how it made one of the other. A message that is all ASCII,
as most are, has one answer; for the rest the bytes are looked for that the message itself says it is made of.
"""

import re

_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9_.:+-]{1,40})""", re.IGNORECASE)
_END_OF_HEADERS = re.compile(r"\r?\n\r?\n")
_UNICODE = {"utf-8", "utf8", "us-ascii", "ascii"}


def source_bytes(text: str) -> bytes:
    """The message whose text this is, with CRLF line ends where the provider made all of them LF.

    In this order: lone surrogates stand for the bytes that were no UTF-8; characters that are all below 256 and are
    UTF-8 when taken as bytes are bytes; the body of a message that names one other character set is in that set;
    everything else is UTF-8.
    """
    raw = _encode(text)
    return raw if b"\r\n" in raw else raw.replace(b"\n", b"\r\n")


def _encode(text: str) -> bytes:
    if text.isascii():
        return text.encode("ascii")
    if any("\udc80" <= ch <= "\udcff" for ch in text):
        return text.encode("utf-8", "surrogateescape" if _only_escaped(text) else "replace")
    try:
        raw = text.encode("latin-1")
        raw.decode("utf-8")
    except UnicodeError:
        return _in_its_own_charset(text)
    return raw


def _only_escaped(text: str) -> bool:
    return not any("\ud800" <= ch <= "\udfff" and not "\udc80" <= ch <= "\udcff" for ch in text)


def _in_its_own_charset(text: str) -> bytes:
    named = {name.lower() for name in _CHARSET.findall(text)}
    # Headers that are not ASCII are UTF-8 (RFC 6532), whatever the body is.
    head = _END_OF_HEADERS.search(text)
    at = head.end() if head else 0
    if len(named - _UNICODE) == 1 and not named & {"utf-8", "utf8"}:
        try:
            return text[:at].encode("utf-8", "replace") + text[at:].encode(*(named - _UNICODE))
        except (LookupError, UnicodeError):
            pass
    return text.encode("utf-8", "replace")
