"""Which runs a list shows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

# Words for where a run stands; any other word is the status that it has.
STANDS = {
    "waiting": "question IS NOT NULL AND finished_at IS NULL",
    "finished": "finished_at IS NOT NULL",
    "queued": "status = 'queued' AND finished_at IS NULL",
    "running": "status = 'running' AND finished_at IS NULL",
}


@dataclass(frozen=True)
class RunFilter:
    """What the runs of a list have in common; None is any.

    Attributes:
        status: `queued`, `running`, `waiting` (for a person), `finished`, or the status word of a run.
        since: when they were asked for, at the earliest.
        trace: id of the trace that they belong to, 32 hex digits.
    """

    account: str | None = None
    kind: str | None = None
    status: str | None = None
    since: datetime | None = None
    trace: str | None = None

    def where(self) -> tuple[str, list[Any]]:
        """The condition on `app.run`, and what fills its placeholders."""
        conditions: list[str] = []
        values: list[Any] = []
        for column, value in (("account", self.account), ("kind", self.kind)):
            if value is not None:
                conditions.append(f"{column} = %s")
                values.append(value)
        if self.status in STANDS:
            conditions.append(STANDS[self.status])
        elif self.status is not None:
            conditions.append("status = %s")
            values.append(self.status)
        if self.since is not None:
            conditions.append("created_at >= %s")
            values.append(self.since)
        if self.trace is not None:
            conditions.append("substr(trace ->> 'traceparent', 4, 32) = %s")
            values.append(self.trace)
        return " AND ".join(conditions) or "true", values
