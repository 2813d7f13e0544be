"""Files as text to be kept: HTML, PDF, DOCX, Markdown, CSV and plain text, told by what they hold, not by their names.

The text is what `seezar.browser.reader` writes of a page: `#` headings, `| a | b |` rows, other lines.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from seezar.errors import SeezarError

if TYPE_CHECKING:
    from pypdf import PdfReader

MAX_BYTES = 50_000_000
MAX_PAGES = 2_000
MAX_CHARACTERS = 5_000_000
MAX_ROWS = 50_000
_UNPACKED = 300_000_000
_SNIFFED = 20_000
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_BLOCKS = ("p", "li", "dt", "dd", "blockquote", "pre", "figcaption", "caption")
_SKIPPED = ("script", "style", "template", "noscript", "svg", "nav", "form", "button", "select", "iframe", "head")


class FileUnreadable(SeezarError):
    """A file that holds no text that could be kept; says why."""

    status = "file_unreadable"


@dataclass(frozen=True)
class FileText:
    """What a file says.

    Attributes:
        title: of the document, else the name of the file.
        text: cleaned.
        partial: whether there was more than is kept of one file.
    """

    title: str
    text: str
    partial: bool = False


def read_file(content: bytes, name: str) -> FileText:
    """The text of a file.

    Args:
        name: of it, for its title; what kind it is, its content says.

    Raises:
        FileUnreadable: it is too large, damaged, encrypted, binary, or has no text.
    """
    if len(content) > MAX_BYTES:
        raise _unreadable(name, f"it is larger than {MAX_BYTES // 1_000_000} MB")
    if content.startswith(b"%PDF-"):
        found = _pdf(content, name)
    elif content.startswith(b"PK\x03\x04"):
        found = _docx(content, name)
    else:
        found = _plain(_decoded(content, name), name)
    text = found.text.strip()
    if not text:
        raise _unreadable(name, "it has no text (a scan has to be recognised first)")
    # A NUL cannot be stored, and says nothing.
    cut = text[:MAX_CHARACTERS].replace("\0", "")
    return FileText(found.title.strip() or PurePath(name).name, cut, found.partial or len(text) > MAX_CHARACTERS)


def _decoded(content: bytes, name: str) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    if b"\0" in content[:_SNIFFED]:
        raise _unreadable(name, "it is binary, and of no kind that is read")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _plain(text: str, name: str) -> FileText:
    head = text[:_SNIFFED].lstrip().lower()
    suffix = PurePath(name).suffix.lower()
    if head.startswith(("<!doctype html", "<html")) or re.search(r"<(?:body|h1|p|div|table)[\s>]", head[:2_000]):
        return _html(text)
    if suffix in (".csv", ".tsv"):
        return _csv(text, name)
    title = next((line.lstrip("# ").strip() for line in text.splitlines() if line.startswith("# ")), "")
    return FileText(title, _cleaned(text))


def _cleaned(text: str) -> str:
    """Markdown and plain text, with the marks that carry no words left out."""
    lines: list[str] = []
    fenced = False
    for raw in text.splitlines():
        line = raw.rstrip()
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
            continue
        if not fenced:
            # Underlined headings, rulers, and the line below the head of a table.
            if re.fullmatch(r"\s*(?:={3,}|-{3,}|\*{3,}|_{3,}|\|?(?:\s*:?-{3,}:?\s*\|?)+)\s*", line):
                continue
            line = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", line)
        lines.append(line)
    return "\n".join(lines)


def _html(text: str) -> FileText:
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(text)
    titled = tree.css_first("title")
    title = _squeezed(titled.text()) if titled is not None else ""
    for node in tree.css(",".join(_SKIPPED)):
        node.decompose()
    lines: list[str] = []
    body = tree.body
    for node in body.css(",".join((*_HEADINGS, *_BLOCKS, "tr"))) if body is not None else ():
        tag = node.tag or ""
        if tag == "tr":
            cells = [_squeezed(cell.text()) for cell in node.css("th, td")]
            lines.append(f"| {' | '.join(cells)} |" if any(cells) else "")
        elif tag in _HEADINGS:
            lines.append(f"{_HEADINGS[tag]} {_squeezed(node.text())}")
        elif all(inner.mem_id == node.mem_id for inner in node.css("p, li, tr")):
            # What holds other blocks is told by them. It is among what is found in it.
            lines.append(_squeezed(node.text()))
    whole = "\n".join(line for line in lines if line.strip("# "))
    if not whole and body is not None:
        whole = _squeezed(body.text(separator=" "))
    return FileText(title, whole)


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _csv(text: str, name: str) -> FileText:
    try:
        dialect = csv.Sniffer().sniff(text[:_SNIFFED], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    rows = csv.reader(io.StringIO(text, newline=""), dialect)
    try:
        found = list(islice(rows, MAX_ROWS + 1))
    except csv.Error as error:
        raise _unreadable(name, f"it is no CSV ({error})") from None
    lines = [f"| {' | '.join(_squeezed(cell) for cell in row)} |" for row in found[:MAX_ROWS] if any(row)]
    return FileText("", "\n".join(lines), partial=len(found) > MAX_ROWS)


def _pdf(content: bytes, name: str) -> FileText:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise _unreadable(name, "it is encrypted")
        title = str(reader.metadata.title or "") if reader.metadata else ""
        pages = len(reader.pages)
        texts = list(_pages_of(reader, min(pages, MAX_PAGES)))
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise _unreadable(name, f"it is no PDF that can be read ({type(error).__name__})") from None
    return FileText(title, "\n".join(texts), partial=pages > MAX_PAGES)


def _pages_of(reader: "PdfReader", count: int) -> Iterator[str]:
    for number in range(count):
        text = reader.pages[number].extract_text() or ""
        if text.strip():
            # Words that the end of a line cuts in two.
            yield f"# Page {number + 1}\n" + re.sub(r"(\w)-\n(\w)", r"\1\2", text)


def _docx(content: bytes, name: str) -> FileText:
    import mammoth  # pyright: ignore[reportMissingTypeStubs] - it has none

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > _UNPACKED:
                raise _unreadable(name, "it is too large when it is unpacked")
            if "word/document.xml" not in packed.namelist():
                raise _unreadable(name, "it is no Word document")
        converted: Any = mammoth.convert_to_html(io.BytesIO(content))  # pyright: ignore[reportUnknownMemberType] - as above
        html = str(converted.value)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise _unreadable(name, f"it is damaged ({type(error).__name__})") from None
    return _html(f"<html><body>{html}</body></html>")


def _unreadable(name: str, why: str) -> FileUnreadable:
    return FileUnreadable(
        f"{PurePath(name).name} cannot be kept: {why}.",
        kept="What was kept before is unchanged.",
        next_step="Kinds that are read: HTML, PDF, DOCX, Markdown, CSV, plain text.",
    )
