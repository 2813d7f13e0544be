"""Cutting the text of a page into passages that can stand alone.

A passage belongs to one section and starts with the title of the page and its heading, so that "Customers" of one page
is told from "Customers" of another. A table that is cut repeats its header row.
"""

from collections.abc import Iterator, Sequence

MAX_CHARACTERS = 1_000


def chunks(title: str, text: str, *, limit: int = MAX_CHARACTERS) -> list[str]:
    """The passages of a page, in reading order.

    Args:
        title: of the page.
        text: as `seezar.browser.reader` writes it: `#` headings, `| a | b |` rows, other lines.
        limit: most characters of the body of a passage; a longer single line is cut.

    Returns:
        At least one passage if `title` or `text` holds anything.
    """
    passages = [
        "\n".join(part for part in (title, heading, body) if part)
        for heading, lines in _sections(text)
        for body in _packed(lines, limit)
    ]
    return passages or ([title] if title else [])


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    heading = ""
    lines: list[str] = []
    for line in (raw.strip() for raw in text.splitlines()):
        if line.startswith("#"):
            if lines:
                yield heading, lines
            heading, lines = line.lstrip("# "), []
        elif line:
            lines.append(line)
    if lines:
        yield heading, lines


def _packed(lines: Sequence[str], limit: int) -> Iterator[str]:
    """Lines joined up to `limit` characters."""
    body: list[str] = []
    size = 0
    header = ""
    for whole in lines:
        is_row = whole.startswith("|")
        header = (header or whole) if is_row else ""
        for line in (whole[start : start + limit] for start in range(0, len(whole), limit)):
            if body and size + len(line) + 1 > limit:
                yield "\n".join(body)
                repeat = [header] if is_row and line != header and len(header) + len(line) < limit else []
                body, size = repeat, sum(len(row) + 1 for row in repeat)
            body.append(line)
            size += len(line) + 1
    if body:
        yield "\n".join(body)
