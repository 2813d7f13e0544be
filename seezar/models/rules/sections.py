"""Finding the part of a page's text that a question is about.

The text is what `seezar.browser.reader` writes: `#` headings, `| a | b |` table rows, `- ` list items, plain lines.
"""

import re
from collections.abc import Sequence

from seezar.models.rules.rendering import excerpt, table

_WORD = re.compile(r"[a-z0-9]+")
# Words that say what kind of answer is wanted, not what it is about.
_SMALL_WORDS = frozenset(
    {
        "a",
        "all",
        "an",
        "and",
        "are",
        "by",
        "data",
        "day",
        "figure",
        "for",
        "from",
        "in",
        "is",
        "it",
        "latest",
        "list",
        "many",
    }
    | {
        "metric",
        "much",
        "number",
        "of",
        "on",
        "or",
        "per",
        "s",
        "statistic",
        "table",
        "that",
        "the",
        "this",
        "to",
        "today",
    }
    | {"value", "was", "were", "with", "yesterday"}
)
_ENOUGH = 0.5
_MOST_ROWS = 20
_MOST_LINES = 8


def find(text: str, topic: str) -> str | None:
    """The part of `text` that `topic` names, as Markdown; None when nothing is close enough.

    A heading gives its section, a table row the row under its header, a label the line after it.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    start = _best_line(lines, topic)
    if start is None:
        return None
    line = lines[start]
    if _is_row(line):
        return _row_in_table(lines, start)
    if line.startswith("#"):
        section = _until_heading(lines, start + 1)
        return f"{line.lstrip('# ')}\n\n{_section(section)}" if section else line.lstrip("# ")
    follows = lines[start + 1] if start + 1 < len(lines) else ""
    return f"{line}: {follows}" if follows and not follows.startswith(("#", "|")) else line


def tell(account: str, title: str, text: str, topic: str) -> tuple[bool, str]:
    """Whether `topic` was found on the page, and what to say. An empty topic takes the beginning of the page."""
    if not topic:
        return True, f"“{title}” of **{account}** reads:\n\n{excerpt(text, 1200)}"
    found = find(text, topic)
    if found is None:
        return False, f"I found nothing about “{topic}” on “{title}” of **{account}**. The page begins: {excerpt(text)}"
    return True, f"From **{account}**, “{title}”: {found}"


def passage(text: str) -> str:
    """A stored passage (title, heading, body) as Markdown, without its title."""
    lines = [line.strip() for line in text.splitlines() if line.strip()][1:]
    first = next((number for number, line in enumerate(lines) if _is_row(line)), len(lines))
    above = "\n".join(lines[:first])
    return "\n\n".join(part for part in (above, _section(lines[first:])) if part)


def _stems(text: str) -> set[str]:
    return {
        stem for word in _WORD.findall(text.lower()) if (stem := word.removesuffix("s")) and stem not in _SMALL_WORDS
    }


def _is_row(line: str) -> bool:
    return line.startswith("|") and line.endswith("|")


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def _best_line(lines: Sequence[str], topic: str) -> int | None:
    """The line that holds `topic` as it is, else most of its words; of equals a heading, the shortest, the first."""
    wanted = _stems(topic)
    ranked: list[tuple[bool, float, bool, int, int]] = []
    for number, line in enumerate(lines):
        shared = len(wanted & _stems(line)) / max(len(wanted), 1)
        if shared >= _ENOUGH:
            whole = topic.lower() in line.lower()
            ranked.append((not whole, -shared, not line.startswith("#"), len(line), number))
    return min(ranked)[4] if ranked else None


def _until_heading(lines: Sequence[str], start: int) -> list[str]:
    end = next((number for number in range(start, len(lines)) if lines[number].startswith("#")), len(lines))
    return list(lines[start:end])


def _section(lines: Sequence[str]) -> str:
    """The first table of a section, else its first lines."""
    first = next((number for number, line in enumerate(lines) if _is_row(line)), None)
    if first is None:
        return "\n".join(lines[:_MOST_LINES])
    end = next((number for number in range(first, len(lines)) if not _is_row(lines[number])), len(lines))
    rows = [_cells(line) for line in lines[first:end]]
    shown = table(rows[0], rows[1 : _MOST_ROWS + 1])
    left_out = len(rows) - 1 - _MOST_ROWS
    return shown if left_out <= 0 else f"{shown}\n\n({left_out} more rows are on the page.)"


def _row_in_table(lines: Sequence[str], number: int) -> str:
    first = number
    while first and _is_row(lines[first - 1]):
        first -= 1
    header = _cells(lines[first])
    return "\n\n" + table(header, [_cells(lines[number])] if number != first else [])
