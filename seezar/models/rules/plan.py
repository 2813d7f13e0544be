"""What a plan is made of."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seezar.models.rules.conversation import ToolResult


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool and its arguments."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model says: text, or tool calls that may run side by side."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The end of a plan.

    Attributes:
        status: "ok", "partial" (some of it was done), "failed" or "needs_input".
        answer: Markdown for the user.
        accounts: accounts for which it was done.
        pages: ids of the pages that were read.
    """

    status: str
    answer: str
    accounts: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()


type Plan = Generator[list[ToolCall], list[ToolResult], Report]


@dataclass(slots=True)
class Notes:
    """Collects what a plan will report."""

    lines: list[str] = field(default_factory=list[str])
    accounts: list[str] = field(default_factory=list[str])
    pages: list[str] = field(default_factory=list[str])
    done: int = 0
    failed: int = 0

    def good(self, line: str, *, account: str = "") -> None:
        """Something was done."""
        self.done += 1
        self.lines.append(line)
        if account and account not in self.accounts:
            self.accounts.append(account)

    def bad(self, line: str) -> None:
        """Something was not."""
        self.failed += 1
        self.lines.append(line)

    def report(self) -> Report:
        """The report on all of it."""
        status = "ok" if not self.failed else "partial" if self.done else "failed"
        return Report(status, "\n\n".join(self.lines), tuple(self.accounts), tuple(self.pages))
