"""Runs and the traces that they belong to: `app.run.trace` and `app.run.execution`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from seezar.database import Database

_BEGIN = """
UPDATE app.run r SET execution = %s FROM (SELECT id, execution FROM app.run WHERE workflow_id = %s FOR UPDATE) o
WHERE r.id = o.id RETURNING r.id, r.account, r.kind, r.trace, o.execution
"""
_END = "UPDATE app.run SET execution = execution || '{\"ended\": true}' WHERE execution ->> 'traceparent' = %s"


@dataclass(frozen=True, slots=True)
class Execution:
    """The span of a workflow that works on a run, or did.

    Attributes:
        workflow: its id.
        traceparent: names the span.
        began: epoch nanoseconds.
        ended: whether it came to its end, and so was told to whoever collects traces.
    """

    workflow: str
    traceparent: str
    began: int
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Traced:
    """A run as its trace has it: what was asked for, by whom (`session.id`, `user.id`), and the execution before."""

    run_id: str
    account: str | None
    kind: str
    asked_by: Mapping[str, str]
    before: Execution | None


class Traces:
    """Follows runs from process to process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, execution: Execution) -> Traced | None:
        """A workflow begins, or begins again after a crash; None when no run belongs to it.

        Raises:
            DatabaseUnavailable: it does not answer.
        """
        new = {"workflow": execution.workflow, "traceparent": execution.traceparent, "began": execution.began}
        row = await self._database.one(_BEGIN, Jsonb(new), execution.workflow)
        if row is None:
            return None
        old: dict[str, Any] | None = row["execution"]
        trace: dict[str, str] = row["trace"] or {}
        asked_by = {name: value for name, value in trace.items() if name != "traceparent"}
        return Traced(row["id"], row["account"], row["kind"], asked_by, None if old is None else Execution(**old))

    async def end(self, execution: Execution) -> None:
        """The workflow has come to its end in this process.

        Raises:
            DatabaseUnavailable: it does not answer.
        """
        await self._database.run(_END, execution.traceparent)
