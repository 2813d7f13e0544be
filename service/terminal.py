"""What people and programs see: results on stdout, everything else on stderr, JSON on demand."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

# Wide enough for whatever is piped into a file: there nothing is folded or cut.
_PIPE_WIDTH = 1000


@lru_cache(maxsize=1)
def stdout() -> Console:
    """The console of results."""
    return _console(stderr=False)


@lru_cache(maxsize=1)
def stderr() -> Console:
    """The console of progress and errors."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    return console


def print_json(value: dict[str, Any]) -> None:
    """One JSON object on stdout, and nothing else on that line."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=_encode))


def _encode(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def say(text: str, *, style: str = "") -> None:
    """A line of the result."""
    stdout().print(Text(text, style=style))


def tell(text: str, value: dict[str, Any], *, as_json: bool, style: str = "green") -> None:
    """The result of a command that does one thing: a sentence, or `value` as JSON."""
    if as_json:
        print_json(value)
    else:
        say(text, style=style)


def note(text: str, *, style: str = "dim") -> None:
    """A line about what is going on."""
    stderr().print(Text(text, style=style))


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows under headers on stdout; plain columns, so that they can be cut and searched."""
    grid = Table(*headers, box=None, pad_edge=False, header_style="bold", collapse_padding=True)
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    stdout().print(grid, soft_wrap=not stdout().is_terminal)


def fields(pairs: Sequence[tuple[str, str]]) -> None:
    """Names and values on stdout, one pair a line."""
    width = max((len(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        stdout().print(Text(f"{name:<{width}}  ", style="bold").append(value, style="not bold"))


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show that `what` takes a while: a spinner on a terminal, else one line."""
    console = stderr()
    if not console.is_terminal:
        note(f"{what} …")
        yield
        return
    with console.status(Text(f"{what} …")):
        yield


@contextmanager
def counting(what: str, of: str) -> Iterator[Callable[[int], None]]:
    """As `working`; what is given is told how many of them are done."""
    console = stderr()
    if not console.is_terminal:
        note(f"{what} …")
        yield lambda _: None
        return
    with console.status(Text(f"{what} …")) as status:
        yield lambda count: status.update(Text(f"{what} … {count} {of}"))


def interactive() -> bool:
    """Whether somebody can be asked: both ends of the conversation are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def moment(at: datetime | None) -> str:
    """A point in time in the local zone, to the second."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if at else "-"
