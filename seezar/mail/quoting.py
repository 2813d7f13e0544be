"""Where the own words of a mail end and an earlier mail begins, in replies and forwards."""

import re

from seezar.mail.document import Document, Line

# "On 3 May 2026, Ann <ann@a.example> wrote:" in any language: a line with an address, a year or a time, and a colon.
_ATTRIBUTION = re.compile(r"^.{0,40}\d.{0,160}(?:@|\b20\d\d\b|\d:\d\d).{0,120}[:：]$")
_SEPARATOR = re.compile(
    r"^(?:[-_=*]{3,}\s*\w[\w\s]{3,40}\w\s*[-_=*]{3,}|_{10,}|Begin forwarded message\s*:)$", re.IGNORECASE
)
# A block of header lines of the earlier mail, in any language: the label differs, what follows it does not.
_HEADER_FROM = re.compile(r"^\*?\w[\w ]{1,14}\*?\s*[:：]\s*\*?.*(?:<[^<>\s]+@[^<>\s]+>|\[mailto:|\S+@\S+\.\w+)")
_HEADER_LINE = re.compile(r"^\*?\w[\w\- ]{1,24}\*?\s?[:：]\s*\S")
_FORWARD_SUBJECT = re.compile(
    r"^\s*(?:fwd?|fw|wg|tr|rv|enc|i|vs|vb|vl|doorst|továbbítás|pd|fs|转发|轉寄|轉發|転送|전달"
    r"|إعادة توجيه|הועבר)\s*[:：]",
    re.IGNORECASE,
)
_FORWARD_WORDS = re.compile(
    r"forward|weitergeleitet|transf[ée]r|reenviad|encaminhad|inoltrat|doorgestuurd|vidarebefordr|videresend|välitetty|przekazan"
    r"|přeposlan|továbbított|iletilen|пересла|переслан|препратен|προωθημένο|转发|轉寄|転送|전달"
    r"|معاد توجيهها|הודעה שהועברה",
    re.IGNORECASE,
)


def split(document: Document, subject: str) -> tuple[list[int], list[int]]:
    """Indices of the lines that are the sender's own, and of those that a forward carries.

    The second list is empty for a reply: what is quoted there was used before.
    """
    lines = document.lines
    start = next((i for i in range(len(lines)) if _begins_quote(lines, i)), len(lines))
    own = [i for i in range(start) if not _is_quoted(lines[i])]
    rest = [i for i in range(len(lines)) if i >= start or _is_quoted(lines[i])]
    marker = any(_FORWARD_WORDS.search(lines[i].text) and _SEPARATOR.match(lines[i].text) for i in rest)
    if not rest or not (marker or _FORWARD_SUBJECT.match(subject)):
        return own, []
    return own, _forwarded(lines, rest)


def _begins_quote(lines: list[Line], index: int) -> bool:
    text = lines[index].text
    if _SEPARATOR.match(text):
        # Four header-like lines, or the word itself: a rule of dashes alone parts paragraphs of one mail.
        return bool(_FORWARD_WORDS.search(text)) or _header_block(lines, index + 1)
    if _ATTRIBUTION.match(text) and index + 1 < len(lines):
        return _is_quoted(lines[index + 1])
    return index > 0 and "@" in text and bool(_HEADER_FROM.match(text)) and _header_block(lines, index)


def _header_block(lines: list[Line], index: int) -> bool:
    block = lines[index : index + 4]
    return (
        len(block) >= 3
        and "@" in block[0].text
        and bool(_HEADER_FROM.match(block[0].text))
        and all(_HEADER_LINE.match(line.text) for line in block[:3])
    )


def _is_quoted(line: Line) -> bool:
    return line.quoted or line.text.startswith(">")


def _forwarded(lines: list[Line], rest: list[int]) -> list[int]:
    """The lines of the forwarded mail itself: without what that mail quotes in turn."""
    own: list[int] = []
    started = False
    for index in rest:
        text = lines[index].text
        if text.startswith(">>") or (started and text.startswith(">") and not lines[rest[0]].text.startswith(">")):
            continue
        if started and _ATTRIBUTION.match(text):
            break
        started = started or not (_SEPARATOR.match(text) or _HEADER_LINE.match(text))
        own.append(index)
    return own
