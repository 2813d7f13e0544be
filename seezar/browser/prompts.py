"""Stagehand's prompts on their way to a model: without what stands in form fields and known secrets, the page fenced.

Stagehand shows a page as an indented accessibility tree, in which what was typed into a field is a text below it. Only
password fields are dotted there; user names, one-time codes and anything else would be told.
"""

import re
from collections.abc import Callable
from typing import Final

from seezar.fencing import fenced

# The roles whose text is what somebody has typed (ARIA 1.2: the children of these are presentational or the value).
_FIELD: Final = re.compile(
    r"^(?P<indent>\s*)\[[\d-]+\] (?:scrollable, )?(?:textbox|searchbox|combobox|spinbutton|input|textarea)\b"
)
_LINE: Final = re.compile(r"^(?P<indent>\s*)\[[\d-]+\] (?P<role>[^:]*)")
# What Stagehand 4 puts between the instruction and what is of the page.
_PAGE: Final = re.compile(r"^(?:Accessibility Tree|DOM|Extracted content):[ ]?\n?", re.MULTILINE)
_TEXT: Final = ("StaticText", "InlineTextBox")


def without_values(text: str) -> str:
    """`text` without the texts below fields; the options of a list stay."""
    kept: list[str] = []
    inside: int | None = None
    for line in text.split("\n"):
        found = _LINE.match(line)
        indent = len(found["indent"]) if found else None
        if inside is not None and (indent is None or indent > inside):
            # A value of several lines goes on without a reference of its own.
            if found is None or found["role"].strip() in _TEXT:
                continue
        else:
            inside = None
        if field := _FIELD.match(line):
            inside = len(field["indent"])
        kept.append(line)
    return "\n".join(kept)


def fenced_page(message: str) -> str:
    """A message of Stagehand with what is of the page inside of a fence, and the instruction outside; one that is not
    of a known shape is fenced as a whole.
    """
    found = _PAGE.search(message)
    head, page = (message[: found.end()].rstrip() + "\n", message[found.end() :]) if found else ("", message)
    # Never cut: an element that is not shown cannot be chosen, and Stagehand cuts long pages itself.
    return f"{head}{fenced(page, source='a web page', limit=len(page))}"


def guarded(text: str, redact: Callable[[str], str]) -> str:
    """`text` as it may leave."""
    return redact(without_values(text))
