"""Markdown for answers."""

from collections.abc import Sequence

from seezar.models.rules.conversation import ToolResult


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; cells are made safe for it."""
    lines = [_line(header), _line(["---"] * len(header)), *(_line(row) for row in rows)]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def failure(what: str, result: ToolResult) -> str:
    """One line on a tool that did not succeed: its own message, which says what was kept and what to do next."""
    response = result.response
    message = response.get("message") or response.get("reason") or response.get("error") or response.get("result")
    status = result.status or "error"
    return f"{what[:1].upper()}{what[1:]}: **{status}**. {message or 'The tool gave no reason.'}"


def excerpt(text: str, limit: int = 240) -> str:
    """The first `limit` characters of `text`, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
