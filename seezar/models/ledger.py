"""What every process knows of the model pool: how much each deployment was used, and which of them rest.

Kept in PostgreSQL, since the free tiers count by day and by key and not by process. A request to a model never waits
for the database for long nor fails with it: while it is away, a process goes by what it knows itself.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import psycopg

from seezar.database import Database
from seezar.errors import DatabaseUnavailable
from seezar.models.failures import Failure

_log = logging.getLogger("seezar.models")

# For so long a process goes by what it read last; what it does itself counts at once.
_FRESH_S = 1.0
# A request does not wait longer than this for the ledger.
_PATIENCE_S = 0.5


@dataclass(frozen=True, slots=True)
class Usage:
    """What a deployment was asked, in one day or in several."""

    requests: int = 0
    failures: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0

    @property
    def tokens(self) -> int:
        """Both directions together, which is what providers limit."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.requests + other.requests,
            self.failures + other.failures,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost_usd + other.cost_usd,
        )


@dataclass(frozen=True, slots=True)
class Rest:
    """A deployment is left alone until `until` (epoch seconds), having failed `times` times one after the other."""

    until: float
    kind: str
    times: int


@dataclass(slots=True)
class Known:
    """A state of the ledger, by id of the deployment."""

    today: dict[str, Usage] = field(default_factory=dict[str, Usage])
    month: dict[str, Usage] = field(default_factory=dict[str, Usage])
    rests: dict[str, Rest] = field(default_factory=dict[str, Rest])


_READ = """
SELECT deployment, day, requests, failures, input_tokens, output_tokens, cost_usd::float8 AS cost_usd
FROM app.model_usage WHERE day >= %s
"""
_RESTS = "SELECT deployment, extract(epoch FROM until)::float8 AS until, kind, times FROM app.model_rest"
_ADD = """
INSERT INTO app.model_usage AS u (deployment, day, requests, failures, input_tokens, output_tokens, cost_usd)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (deployment, day) DO UPDATE SET
    requests = u.requests + excluded.requests, failures = u.failures + excluded.failures,
    input_tokens = u.input_tokens + excluded.input_tokens, output_tokens = u.output_tokens + excluded.output_tokens,
    cost_usd = u.cost_usd + excluded.cost_usd
"""
# Of two processes that found it failing at the same time, the longer rest holds.
_REST = """
INSERT INTO app.model_rest AS r (deployment, since, until, kind, times)
VALUES (%s, now(), to_timestamp(%s), %s, %s)
ON CONFLICT (deployment) DO UPDATE SET
    since = excluded.since, until = greatest(r.until, excluded.until), kind = excluded.kind,
    times = greatest(r.times, excluded.times)
"""


class Ledger:
    """The ledger as one process sees it.

    Args:
        database: gives the database; None keeps the ledger in this process alone.
        clock: epoch seconds.
    """

    def __init__(
        self,
        database: Callable[[], Awaitable[Database]] | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._clock = clock
        self._known = Known()
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._writing: set[asyncio.Task[None]] = set()
        # What this process has found out of late is newer than what it reads meanwhile.
        self._rests_changed = 0
        self._rests_writing = 0

    async def known(self) -> Known:
        """The state, a second old at most while the database answers."""
        if self._database is not None and self._clock() - self._read_at >= _FRESH_S:
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(self._read())
            # Whoever comes while it is being read waits for the same answer; nobody cancels it for the others.
            await asyncio.wait({self._reading}, timeout=_PATIENCE_S)
        return self._known

    def used(self, deployment: str, usage: Usage) -> None:
        """Count a request; it is written in the background."""
        today = self._known.today
        today[deployment] = today.get(deployment, Usage()) + usage
        month = self._known.month
        month[deployment] = month.get(deployment, Usage()) + usage
        self._write(
            _ADD,
            deployment,
            self._day(),
            usage.requests,
            usage.failures,
            usage.input_tokens,
            usage.output_tokens,
            usage.cost_usd,
        )

    def failed(self, deployment: str, failure: Failure, *, cooldown: float) -> Rest | None:
        """Have a deployment rest after a failure; None when it need not."""
        before = self._known.rests.get(deployment)
        now = self._clock()
        if before is not None and before.until > now:
            # It was asked before it was known to fail: one failure, not several.
            return before
        times = 1 if before is None else before.times + 1
        seconds = failure.rest(times, cooldown=cooldown)
        if not seconds:
            return None
        rest = Rest(now + seconds, failure.kind, times)
        self._known.rests[deployment] = rest
        self._write_rests(_REST, deployment, rest.until, rest.kind, rest.times)
        return rest

    def recovered(self, deployment: str) -> None:
        """A deployment that had failed has answered."""
        if self._known.rests.pop(deployment, None) is not None:
            self._write_rests("DELETE FROM app.model_rest WHERE deployment = %s", deployment)

    def rest_of(self, deployment: str) -> Rest | None:
        """The rest of a deployment as this process knows it; one that is over, too, until it has answered again."""
        return self._known.rests.get(deployment)

    async def close(self) -> None:
        """Wait for what is still being written."""
        tasks = set(self._writing)
        if self._reading is not None:
            tasks.add(self._reading)
        if tasks:
            await asyncio.wait(tasks, timeout=5)

    def _day(self) -> date:
        return datetime.fromtimestamp(self._clock(), UTC).date()

    async def _read(self) -> None:
        assert self._database is not None
        today, changed = self._day(), self._rests_changed
        try:
            database = await self._database()
            rows = await database.all(_READ, today.replace(day=1))
            rests = await database.all(_RESTS)
        except (DatabaseUnavailable, psycopg.Error) as error:
            _log.debug("the ledger of the model pool cannot be read (%s)", type(error).__name__)
            self._read_at = self._clock()
            return
        known = Known(rests={r["deployment"]: Rest(r["until"], r["kind"], r["times"]) for r in rests})
        for row in rows:
            name, day = row.pop("deployment"), row.pop("day")
            usage = Usage(**row)
            known.month[name] = known.month.get(name, Usage()) + usage
            if day == today:
                known.today[name] = usage
        if self._rests_writing or self._rests_changed != changed:
            known.rests = self._known.rests
        self._known = known
        self._read_at = self._clock()

    def _write(self, statement: str, *values: object) -> asyncio.Task[None] | None:
        if self._database is None:
            return None
        task = asyncio.create_task(self._written(statement, values))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        return task

    def _write_rests(self, statement: str, *values: object) -> None:
        self._rests_changed += 1
        if (task := self._write(statement, *values)) is not None:
            self._rests_writing += 1
            task.add_done_callback(self._rest_written)

    def _rest_written(self, _: asyncio.Task[None]) -> None:
        self._rests_writing -= 1

    async def _written(self, statement: str, values: tuple[object, ...]) -> None:
        assert self._database is not None
        try:
            await (await self._database()).run(statement, *values)
        except (DatabaseUnavailable, psycopg.Error) as error:
            _log.debug("the ledger of the model pool cannot be written (%s)", type(error).__name__)


def next_day(now: float) -> float:
    """When the counters of a day begin anew: midnight UTC, epoch seconds."""
    at = datetime.fromtimestamp(now, UTC)
    return _midnight(at + timedelta(days=1)).timestamp()


def next_month(now: float) -> float:
    """When the counters of a month begin anew, epoch seconds."""
    at = datetime.fromtimestamp(now, UTC)
    return _midnight((at.replace(day=1) + timedelta(days=32)).replace(day=1)).timestamp()


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
