"""The text of a mail as it may be shown to a model: what a person sees, without codes, tokens and links.

It stays what a stranger wrote. `fenced` marks it as that, and whoever reads it must have no tools in reach.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Literal

from seezar.fencing import fenced as fence
from seezar.mail import codes
from seezar.mail.codes import CodeReader
from seezar.mail.document import Document, from_plain
from seezar.mail.extraction import Extraction, extract
from seezar.mail.markup import from_html
from seezar.mail.mime import ParsedMail, parse
from seezar.mail.normalise import clean
from seezar.mail.quoting import split
from seezar.mail.wording import Wording

type Ask = Literal["code", "link", "reply", "payment", "document", "other", "nothing"]

MAX_PROSE = 2_000
MASK = "•••"
LINK = "[link]"
_MAX_SUBJECT = 200
_MAX_PARTS = 6

_URL = re.compile(r"(?:\b[a-z][a-z0-9+.-]{1,15}:/{1,3}|\bwww\.|\b(?:mailto|tel|javascript|data):)\S+", re.IGNORECASE)
# A host with a path, written without its scheme.
_BARE_URL = re.compile(r"\b(?:[\w-]+\.)+[a-z]{2,24}(?:[/?#]\S+)", re.IGNORECASE)
_MONTH = r"(?:jan|feb|m(?:ar|\u00e4r)|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])\w{0,7}\.?"
_DATE = re.compile(
    r"(?<![\w.-])(?:20\d\d-[01]\d-[0-3]\d|[0-3]?\d[./][01]?\d[./]20\d\d"
    rf"|[0-3]?\d\.?\s{_MONTH}\s20\d\d|{_MONTH}\s[0-3]?\d,?\s20\d\d)(?![\w-])",
    re.IGNORECASE,
)
# Whatever could be a code or a token: a run with a digit of four or more; groups of digits or single characters apart;
# a long run that no word is.
_CODE_LIKE = re.compile(
    r"(?<!\w)(?:(?=[\w.+/=-]*\d)[\w.+/=-]{3,}\w=*"
    r"|\d{1,4}(?:[\s.·|-]\d{1,4})+"
    r"|\w(?:[\s.·|-]\w){3,}"
    r"|(?=\w*[a-z]\w*[A-Z]\w*[a-z])[\w+/=-]{16,}"
    r"|[\w+/=-]{32,})(?!\w)"
)
# A recovery code has no digit everywhere, but stands alone on its line.
_GROUPS = re.compile(r"^\W*[a-z]{3,8}(?:-[a-z]{3,8})+\W*$", re.IGNORECASE | re.MULTILINE)
_DEADLINE = re.compile(
    r"\b(?:expires?|valid|within|until|before|by|in the next|due)\b[^.\n]{0,30}?"
    rf"(?P<when>\b\d{{1,3}}\s(?:minutes?|mins?|hours?|days?|weeks?)\b|{_DATE.pattern})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Prose:
    """What a mail says, fit to be fenced.

    Attributes:
        subject: one line, masked.
        text: masked; left out of `repr`, it is a private letter.
        asks_for: what the mail wants of its reader, as far as the extraction tells.
        deadline: until when, in the words of the mail; "" when it names none.
    """

    subject: str
    text: str = field(repr=False)
    asks_for: Ask
    deadline: str


def read_prose(raw: bytes, *, limit: int = MAX_PROSE) -> Prose:
    """The visible, sanitised text of a mail. Never raises on its content; linear in its size.

    Quoted mails are left out; so are control, bidi, invisible and private-use characters.

    Args:
        limit: most characters of the text.
    """
    mail = parse(raw)
    found = extract(raw)
    subject = " ".join(clean(mail.subject).split())
    lines = _lines(mail, subject)
    values = _codes(mail, subject, found)
    text = masked("\n".join(lines), values)
    if len(text) > limit:
        text = text[: limit - 1].rstrip() + "…"
    deadline = _DEADLINE.search(text)
    return Prose(
        subject=masked(subject, values).strip()[:_MAX_SUBJECT],
        text=text,
        asks_for="code" if found.code else "link" if found.link else "nothing",
        deadline=deadline["when"] if deadline else "",
    )


def masked(text: str, values: frozenset[str] = frozenset()) -> str:
    """`text` without links and whatever looks like a code; `values` are masked however they are spaced."""
    text = "".join(ch for ch in clean(text) if _harmless(ch))
    text = _BARE_URL.sub(LINK, _URL.sub(LINK, text))
    for value in sorted(values, key=len, reverse=True):
        # A code may be split in the text ("123 456", "ABC-DEF") and joined in the reading.
        apart = r"[\s.·|-]*".join(re.escape(ch) for ch in value if ch.isalnum())
        if apart:
            text = re.sub(rf"(?<!\w){apart}(?!\w)", MASK, text, flags=re.IGNORECASE)
    text = _GROUPS.sub(MASK, text)
    # A date is no code; what was read as one is masked by now.
    pieces: list[str] = []
    position = 0
    for date in _DATE.finditer(text):
        pieces += [_CODE_LIKE.sub(MASK, text[position : date.start()]), date[0]]
        position = date.end()
    return "".join([*pieces, _CODE_LIKE.sub(MASK, text[position:])])


def fenced(prose: Prose) -> str:
    """The prose in the fence that all text from outside has (`seezar.fencing`)."""
    return fence(f"Subject: {prose.subject}\n\n{prose.text}", source="a mail from a stranger")


def _harmless(character: str) -> bool:
    """Not private use, unassigned, a control or format character (`clean` has most), nor a hidden selector."""
    if character == "\n":
        return True
    return unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cn", "Cs") and not (
        0xE0000 <= ord(character) <= 0xE0FFF
    )


def _bodies(mail: ParsedMail) -> list[Document]:
    """The bodies that a person may see: the mail's own, else those of the mail that it forwards."""
    own = [part for part in mail.parts if not part.forwarded] or list(mail.parts)
    return [from_html(p.text) if p.kind == "html" else from_plain(p.text) for p in own[:_MAX_PARTS]]


def _lines(mail: ParsedMail, subject: str) -> list[str]:
    """Of the body that is shown, the HTML one where there are two; its own lines, else the forwarded ones."""
    own = [part for part in mail.parts if not part.forwarded] or list(mail.parts)
    shown = sorted(own[:_MAX_PARTS], key=lambda part: part.kind != "html")
    for part in shown:
        document = from_html(part.text) if part.kind == "html" else from_plain(part.text)
        mine, forwarded = split(document, subject)
        if lines := [text for i in (mine or forwarded) if (text := document.lines[i].text.strip())]:
            return lines
    return []


def _codes(mail: ParsedMail, subject: str, found: Extraction) -> frozenset[str]:
    """What was read as a code, and what nearly was: in a list of recovery codes no one of them is *the* code."""
    values = {found.code} if found.code else set[str]()
    for document in _bodies(mail):
        everything = list(range(len(document.lines)))
        wording = Wording([subject, *(line.text for line in document.lines)])
        readings = CodeReader(subject, document, everything, wording).readings()
        values |= {reading.value for reading in readings.values() if reading.score >= codes.THRESHOLD - 1}
    return frozenset(values)
