"""What a person sees of a mail body: lines of clean text, what stands out in them, and the links with their place."""

import html
import re
from dataclasses import dataclass, field

from seezar.mail.normalise import clean

# Lines beyond this are not read: codes and links for signing in stand near the top.
MAX_LINES = 400
MAX_LINE = 2000

_URL = re.compile(r"https?://[^\s<>\"\u3000-\u303f\uff00-\uffef]+", re.IGNORECASE)
# Letters of scripts that write no spaces: a word goes on right behind a URL, whose own would be percent-encoded.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
# "<https://…>" over several lines: delimiters that let a URL be wrapped (RFC 3986, appendix C).
_WRAPPED = re.compile(r"<https?://[^\s<>\"]{20,}(?:\n[ \t]*[^\s<>\"]+){1,40}>", re.IGNORECASE)
_BULLET = re.compile(r"\s*(?:[-*•·>|]|\d{1,2}[.)])\s")


@dataclass(slots=True)
class Link:
    """A link in a document.

    Attributes:
        href: as written, without surrounding space.
        text: visible text, clean; the URL itself for a bare one.
        line: index of the line it begins on.
        start: offset of its text in that line.
        bare: the URL is the text, outside of any anchor.
    """

    href: str
    text: str
    line: int
    start: int
    bare: bool


@dataclass(slots=True)
class Line:
    """A visible line.

    Attributes:
        text: clean text without surrounding space.
        strong: spans that stand out by weight, size or a typewriter face.
        quoted: belongs to an earlier mail that this one answers or forwards.
    """

    text: str
    strong: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    quoted: bool = False


@dataclass(slots=True)
class Document:
    """The visible lines of one body part and its links, in order."""

    lines: list[Line]
    links: list[Link]


def from_plain(text: str) -> Document:
    """The document of a text/plain body: paragraphs that were wrapped by the sender are joined again."""
    lines: list[Line] = []
    whole = _WRAPPED.sub(lambda match: re.sub(r"\n[ \t]*", "", match[0]), clean(text))
    for raw in whole.split("\n")[: MAX_LINES * 2]:
        stripped = raw.strip()[:MAX_LINE]
        if lines and _continues(lines[-1].text, stripped):
            lines[-1].text += " " + stripped
        else:
            lines.append(Line(stripped))
    lines = [line for line in lines if line.text][:MAX_LINES]
    document = Document(lines, [])
    add_bare_links(document)
    return document


def _continues(above: str, line: str) -> bool:
    """Whether `line` goes on with the sentence of a line that was broken for its length."""
    if len(above.rpartition("\n")[2]) < 50 or len(above) > MAX_LINE or not line:
        return False
    if (
        above[-1] in ".!?:。！？：;=-*"
        or "://" in above.rpartition(" ")[2]
        or _BULLET.match(line)
        or line.startswith(">")
        or above.startswith(">")
    ):
        return False
    # A line that is a code or an address was set apart on purpose.
    return " " in line and not _URL.match(line)


def add_bare_links(document: Document) -> None:
    """Add the URLs that stand in the text and are not the text of an anchor already."""
    anchored: dict[int, list[str]] = {}
    for link in document.links:
        anchored.setdefault(link.line, []).append(link.text)
    found: list[Link] = []
    for index, line in enumerate(document.lines):
        if "://" not in line.text:
            continue
        for match in _URL.finditer(line.text):
            url = trim_url(match[0])
            if not any(url in text for text in anchored.get(index, ())):
                found.append(Link(url, url, index, match.start(), bare=True))
    document.links = sorted([*document.links, *found], key=lambda link: (link.line, link.start))


def trim_url(url: str) -> str:
    """A URL as cut from text, without the sentence that goes on behind it, and with `&amp;` undone."""
    behind = _UNSPACED.search(url, url.find("/", url.find("://") + 3) + 1 or len(url))
    if behind:
        url = url[: behind.start()]
    while url:
        last = url[-1]
        opening = {")": "(", "]": "[", "}": "{"}.get(last)
        if (opening is not None and url.count(opening) < url.count(last)) or last in ".,;:!?'\"*|>»”’。，、）」":
            url = url[:-1]
        else:
            break
    return html.unescape(url) if "&amp;" in url else url
