"""Who acts: a client of the HTTP API, the user of a chat, a worker, or somebody at this machine."""

import getpass
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_actor: ContextVar[str | None] = ContextVar("seezar_actor", default=None)
_process: list[str] = []
_LONGEST = 200


def actor() -> str:
    """Who acts now: `client:ID`, `agent:USER`, `worker:NAME`, or `local:USER` of the operating system."""
    return _actor.get() or (_process[0] if _process else _local())


@contextmanager
def acting_as(name: str) -> Generator[None]:
    """Within the block, and what it starts, `name` acts."""
    token = _actor.set(_line(name))
    try:
        yield
    finally:
        _actor.reset(token)


def set_process_actor(name: str) -> None:
    """What this process does by itself, `name` does."""
    _process[:] = [_line(name)]


def _local() -> str:
    try:
        return _line(f"local:{getpass.getuser()}")
    except (OSError, KeyError):
        # A user id without a name, as in containers.
        return "local:unknown"


def _line(name: str) -> str:
    # The name of a chat's user is the client's own choice.
    return "".join(sign if sign.isprintable() else "?" for sign in name)[:_LONGEST]
