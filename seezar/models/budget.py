"""What may be spent on models: in a day over all deployments and processes, and in one run.

A run is one turn of a conversation, with all agents that take part in it, or one durable run of a worker. Whoever
begins one says so with `counted_to` or `count_to`; every request that is sent from there on is counted to it.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from seezar.models.ledger import Known, Usage


@dataclass(slots=True)
class Run:
    """What one run has used so far, in this process: a request when it is sent, its tokens when it is answered."""

    used: Usage = field(default_factory=Usage)

    def add(self, usage: Usage) -> None:
        self.used = self.used + usage


_run: ContextVar[Run | None] = ContextVar("seezar_model_run", default=None)


def current_run() -> Run | None:
    """The run that requests are counted to; None outside of any."""
    return _run.get()


def count_to(run: Run | None) -> None:
    """Count the requests of this context, and of the tasks that it starts, to `run` from now on."""
    _run.set(run)


@contextmanager
def counted_to(run: Run) -> Generator[Run]:
    """Count the requests that are made inside to `run`."""
    token = _run.set(run)
    try:
        yield run
    finally:
        _run.reset(token)


@dataclass(frozen=True, slots=True)
class Limits:
    """Of requests, tokens and US dollars; 0 sets none."""

    requests: int = 0
    tokens: int = 0
    usd: float = 0.0

    def reached(self, used: Usage) -> str | None:
        """Which limit is reached, in words; None when none is."""
        for most, spent, unit in (
            (self.requests, used.requests, "requests"),
            (self.tokens, used.tokens, "tokens"),
            (self.usd, used.cost_usd, "US dollars"),
        ):
            if most and spent >= most:
                return f"{spent:g} of {most:g} {unit}" if isinstance(most, float) else f"{spent:,} of {most:,} {unit}"
        return None


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of a day (UTC) and of a run."""

    day: Limits = Limits()
    run: Limits = Limits()

    def spent_today(self, known: Known) -> str | None:
        """Which limit of the day is reached, in words; None when none is."""
        return self.day.reached(sum(known.today.values(), Usage()))

    def spent_in_run(self) -> str | None:
        """Which limit of the run under way is reached, in words; None when none is."""
        run = current_run()
        return None if run is None else self.run.reached(run.used)
