"""Where the own words of a mail end and an earlier mail begins, in replies and forwards."""

import re

from seezar.mail.document import Document, Line

# "On 3 May 2026, Ann <ann@a.example> wrote:" in any language: a line with an address, a year or a time, and a colon.
_WHO_OR_WHEN = re.compile(r"@|\b20\d\d\b|\d:\d\d")
# How far into it a number begins, what may stand between that and the address or year, and behind these.
_ATTRIBUTION_PARTS = (40, 160, 120)
# A line is matched in time linear in its length: a rule is taken as a whole, and an address has no second "@".
_SEPARATOR = re.compile(
    r"^(?:[-_=*]{3,}+\s*[^\W_][\w\s]{3,40}[^\W_]\s*[-_=*]{3,}+|_{10,}+|Begin forwarded message\s*:)$", re.IGNORECASE
)
# A block of header lines of the earlier mail, in any language: the label differs, what follows it does not.
_HEADER_FROM = re.compile(r"^\*?\w[\w ]{1,14}\*?\s*[:：]")
_HEADER_ADDRESS = re.compile(r"<[^<>\s@]{1,64}@[^<>\s@]{1,255}>|\[mailto:|\S@[^\s@]{1,255}\.\w")
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
    if index + 1 < len(lines) and _attributes(text):
        return _is_quoted(lines[index + 1])
    return index > 0 and _header_block(lines, index)


def _attributes(text: str) -> bool:
    """Whether a line names who wrote what is below it, and when."""
    lead, middle, rest = _ATTRIBUTION_PARTS
    if not text.endswith((":", "：")):
        return False
    numbers = [place for place, char in enumerate(text[: lead + 1]) if char.isdigit()]
    return bool(numbers) and any(
        any(number < found.start() <= number + middle + 1 for number in numbers)
        for found in _WHO_OR_WHEN.finditer(text, 0, lead + middle + 10)
        if len(text) - found.end() <= rest + 1
    )


def _header_block(lines: list[Line], index: int) -> bool:
    block = lines[index : index + 4]
    return (
        len(block) >= 3
        and "@" in block[0].text
        and _HEADER_FROM.match(block[0].text) is not None
        and _HEADER_ADDRESS.search(block[0].text) is not None
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
        if started and _attributes(text):
            break
        started = started or not (_SEPARATOR.match(text) or _HEADER_LINE.match(text))
        own.append(index)
    return own
