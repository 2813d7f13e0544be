"""The timeline of a run, as it is drawn: live on stderr while a run is watched, on stdout where it was asked for."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console
from rich.text import Text

from seezar.accounts.records import RunEvent
from service.terminal import stderr

_STEP_WIDTH = 13
_WHO_WIDTH = 12
# Narrower than this, worker and attempt stand on a line of their own where they change.
_WIDE = 80
# From here on a pause between two events is drawn; one character of its bar is a second.
_GAP_S = 1.0
_LONGEST_BAR = 40
_LEAST_BAR = 10
# The step of the event that says that a worker is gone and who goes on.
_ADOPTED = "adopted"


class Timeline:
    """Prints events as they come; times are seconds since the first of them.

    Args:
        console: where to; stderr when None.
        began: when the run began, if that is earlier than its first event.
        evidence: say also what each action on a page was based on.
    """

    def __init__(
        self, console: Console | None = None, *, began: datetime | None = None, evidence: bool = False
    ) -> None:
        self._console = console or stderr()
        self._evidence = evidence
        self._began = began
        self._last = began
        self._who = ""

    async def show(self, events: AsyncIterator[RunEvent]) -> None:
        """Print all of `events`. Raises what they raise."""
        async for event in events:
            self.line(event)

    def line(self, event: RunEvent) -> None:
        """Print one event, and before it the pause since the last one."""
        self._began = self._began or event.at
        self._gap((event.at - (self._last or event.at)).total_seconds())
        self._last = event.at
        offset = Text(f"{(event.at - self._began).total_seconds():6.1f} s  ", style="dim")
        if event.step == _ADOPTED:
            self._adopted(offset, event)
            return
        head = offset.append(f"{event.step:<{_STEP_WIDTH}} ", style="not dim cyan")
        who = _who(event)
        if self._console.width >= _WIDE:
            head.append(f"{who:<{_WHO_WIDTH}} " if who else "", style="not dim blue")
        elif who != self._who:
            self._console.print(Text(f"          {who}", style="blue"))
        self._who = who
        message = Text(event.message)
        if self._evidence:
            message.append(_evidence(event), style="dim")
        self._hanging(head, message)

    def _gap(self, seconds: float) -> None:
        if seconds <= _GAP_S:
            return
        line, block = ("|", "=") if self._console.options.ascii_only else ("┊", "━")
        longest = max(_LEAST_BAR, min(_LONGEST_BAR, self._console.width - 30))
        bar = block * min(longest, round(seconds))
        # What does not fit is cut, and says so.
        bar += ">" if seconds > longest else ""
        self._console.print(Text(f"       {line}  {_span(seconds):>9} {bar}", style="dim"))

    def _adopted(self, offset: Text, event: RunEvent) -> None:
        rule = ("-" if self._console.options.ascii_only else "─") * 3
        self._who = _who(event)
        self._hanging(offset, Text(f"{rule} {event.message} {rule}", style="bold yellow"))

    def _hanging(self, head: Text, message: Text) -> None:
        """Print `message` behind `head`; what does not fit goes on below itself. A file gets one line."""
        room = self._console.width - head.cell_len
        lines = list(message.wrap(self._console, room)) if self._console.is_terminal and room > 0 else [message]
        for number, line in enumerate(lines):
            start = head if number == 0 else Text(" " * head.cell_len)
            self._console.print(Text.assemble(start, line))


def _who(event: RunEvent) -> str:
    return f"{event.worker or ''}{f' #{event.attempt}' if event.attempt else ''}".strip()


def _evidence(event: RunEvent) -> str:
    detail = event.detail
    reading = f"{detail['kind']}, {detail['confidence']:.0%}" if "kind" in detail else ""
    told = ": ".join(part for part in (reading, ", ".join(detail.get("evidence", ()))) if part)
    return f" ({told})" if told else ""


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} m {rest:02d} s" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} m"


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """A spinner under the lines of a timeline; nothing where there is no terminal."""
    if not stderr().is_terminal:
        yield
        return
    with stderr().status(Text(what)):
        yield
