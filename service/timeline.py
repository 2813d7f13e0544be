"""The live timeline of a run, on stderr."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.text import Text

from seezar.accounts.records import RunEvent
from service.terminal import stderr

_STEP_WIDTH = 13


class Timeline:
    """Prints events as they come; times are seconds since the first of them."""

    def __init__(self) -> None:
        self._began: datetime | None = None

    async def show(self, events: AsyncIterator[RunEvent]) -> None:
        """Print all of `events`. Raises what they raise."""
        async for event in events:
            self.line(event)

    def line(self, event: RunEvent) -> None:
        """Print one event."""
        self._began = self._began or event.at
        offset = (event.at - self._began).total_seconds()
        text = Text(f"{offset:6.1f} s  ", style="dim")
        text.append(f"{event.step:<{_STEP_WIDTH}} ", style="cyan")
        text.append(event.message, style="not dim")
        stderr().print(text)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """A spinner under the lines of a timeline; nothing where there is no terminal."""
    if not stderr().is_terminal:
        yield
        return
    with stderr().status(Text(what)):
        yield
