"""Runs, their timelines and their attempts. `NOTIFY seezar_run` carries the id of a run whose timeline grew."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from seezar.accounts.idempotency_keys import claim
from seezar.accounts.lease import Lease
from seezar.accounts.records import INTERACTIVE, MOST_BEHIND, Run, RunEvent
from seezar.accounts.selecting import RunFilter
from seezar.audit import Audit
from seezar.database import Database, Row
from seezar.errors import QueueFull, RunTimedOut, RunUnknown

CHANNEL = "seezar_run"
# A notification can be lost with its connection; the list is looked at again after this many seconds.
_LOOK_AGAIN = 2.0
# A transaction that writes an event takes milliseconds.
_OVERLAP_S = 10.0

# Sign-ins have a queue of their own. What an account has under way already, without what waits for a person, puts its
# next run behind the first ones of others, and never before what the account has queued itself.
_CREATE = """
INSERT INTO app.run (id, workflow_id, kind, account, status, priority, trace, arguments)
SELECT %(id)s, %(id)s, %(kind)s, %(account)s, 'queued', %(base)s + least(%(behind)s, (
    SELECT greatest(count(*), max(o.priority - %(base)s) FILTER (WHERE o.status = 'queued'
                                                                 AND o.priority <= %(base)s + %(behind)s))
    FROM app.run o WHERE o.account = %(account)s AND o.finished_at IS NULL AND o.question IS NULL
    AND (o.kind = 'sign_in') = (%(kind)s = 'sign_in'))), %(trace)s, %(arguments)s
WHERE %(most)s = 0
   OR (SELECT count(*) FROM app.run q WHERE q.status = 'queued' AND q.finished_at IS NULL) < %(most)s
ON CONFLICT DO NOTHING RETURNING priority
"""
_SELECT = """
SELECT r.*, CASE WHEN r.status = 'queued' AND r.finished_at IS NULL THEN 1 + (
    SELECT count(*) FROM app.run q WHERE q.status = 'queued' AND q.finished_at IS NULL
    AND (q.kind = 'sign_in') = (r.kind = 'sign_in')
    AND (q.priority, q.queued_at, q.id) < (r.priority, r.queued_at, r.id)) END AS position
FROM app.run r
"""
_OVERDUE = """
  WHERE r.finished_at IS NULL AND r.question IS NULL AND r.status = 'running' AND r.deadline IS NOT NULL
  AND greatest(r.deadline, r.reopened_at) < now() - make_interval(secs => %s)
  AND NOT EXISTS (SELECT 1 FROM app.run_event e WHERE e.run_id = r.id AND e.at > now() - make_interval(secs => %s))
"""
# A worker that was taken for dead may not know it yet; its runs are at work elsewhere. Every action of a run is told
# before it is done, so here it ends. The row of the run is locked first: of two writers, the second has the greater id,
# so that who follows the timeline by id misses none.
_EVENT = """
WITH a AS (
    SELECT %s::text AS run, %s::text AS step, %s::text AS message, %s::jsonb AS detail, %s::text AS worker,
           %s::uuid AS token),
mine AS (SELECT a.*, token IS NULL OR EXISTS (SELECT 1 FROM app.worker w WHERE w.token = a.token) AS so FROM a),
locked AS MATERIALIZED (
    SELECT r.id, r.attempts FROM app.run r, mine WHERE r.id = mine.run AND mine.so FOR NO KEY UPDATE OF r),
taken AS (
    UPDATE app.run r SET worker = mine.worker FROM mine, locked
    WHERE r.id = locked.id AND mine.worker IS NOT NULL AND r.worker IS DISTINCT FROM mine.worker),
told AS (
    INSERT INTO app.run_event (run_id, step, message, detail, attempt, worker)
    SELECT locked.id, mine.step, mine.message, mine.detail, nullif(locked.attempts, 0), mine.worker
    FROM locked, mine RETURNING run_id)
SELECT mine.so, pg_notify(%s, t.run_id) FROM mine LEFT JOIN told t ON true
"""


class Runs:
    """The runs in `app.run`.

    Args:
        worker: the worker that this process is, if it is one.
        audit: is told of every run that is asked for; None = nobody is.
    """

    def __init__(self, database: Database, *, worker: Lease | None = None, audit: Audit | None = None) -> None:
        self._database = database
        self._worker = worker
        self._audit = audit

    async def create(
        self,
        run_id: str,
        *,
        kind: str,
        account: str | None,
        arguments: Sequence[Any] = (),
        priority: int = INTERACTIVE,
        most: int = 0,
        key: tuple[str, str] | None = None,
        trace: Mapping[str, str] | None = None,
    ) -> int | None:
        """Note a run that is about to be queued; its workflow has the same id.

        Args:
            arguments: of its workflow, after the account.
            priority: `INTERACTIVE` or `SCHEDULED`; what the account has under way already is added.
            most: so many may be queued; 0 = any number.
            key: the caller's key of the request and its digest (`seezar.accounts.idempotency_keys`).
            trace: `traceparent` of the span that it is asked for in, `session.id` and `user.id`.

        Returns:
            Its priority in the queue. None when nothing was noted: the run exists, one is under way of which
            there is one at a time (a sign-in, an extraction or re-embedding of this name), or the key is taken.

        Raises:
            QueueFull: as many as may be are queued.
        """
        values = {
            "id": run_id,
            "kind": kind,
            "account": account,
            "base": priority,
            "behind": MOST_BEHIND,
            "arguments": Jsonb(list(arguments)),
            "trace": None if trace is None else Jsonb(dict(trace)),
            "most": most,
        }
        async with self._database.connection() as connection:
            row = await (await connection.execute(_CREATE, values)).fetchone()
            if row is not None:
                if key is None or await claim(connection, *key, run_id):
                    if self._audit is not None:
                        await self._audit.append(connection, f"{kind}.ask", account, run=run_id)
                    return int(row["priority"])
                await connection.execute("DELETE FROM app.run WHERE id = %s", (run_id,))
        if most and (queued := await self.queued()) >= most:
            raise QueueFull(
                f"{queued} runs are queued, which is as many as may be (SEEZAR_MAX_QUEUED).",
                kept="All of them stay queued and are worked off; the new one was not taken.",
                next_step="Try again in a while, start another worker (seezar worker), or raise the limit.",
            )
        return None

    async def queued(self) -> int:
        """How many runs are queued."""
        row = await self._database.one(
            "SELECT count(*) AS n FROM app.run WHERE status = 'queued' AND finished_at IS NULL"
        )
        assert row is not None
        return int(row["n"])

    async def arguments(self, run_id: str) -> list[Any] | None:
        """What the workflow of the run was, or is to be, called with after the account; None for a run of an older
        version.
        """
        row = await self._database.one("SELECT arguments FROM app.run WHERE id = %s", run_id)
        return None if row is None else row["arguments"]

    async def open_sign_in(self, account: str) -> Run | None:
        """The sign-in of the account that is under way or waits for a person; there is one at most."""
        row = await self._database.one(
            f"{_SELECT} WHERE r.account = %s AND r.kind = 'sign_in' AND r.finished_at IS NULL", account
        )
        return _run(row) if row else None

    async def open_extraction(self, account: str, name: str) -> Run | None:
        """The run of this extraction of the account that is under way; there is one at most."""
        row = await self._database.one(
            f"{_SELECT} WHERE r.account = %s AND r.kind = 'extract' AND r.arguments ->> 0 = %s"
            " AND r.finished_at IS NULL",
            account,
            name,
        )
        return _run(row) if row else None

    async def open_reembedding(self, collection: str) -> Run | None:
        """The run that re-embeds this collection and is under way; there is one at most."""
        row = await self._database.one(
            f"{_SELECT} WHERE r.kind = 'reembed' AND r.arguments ->> 0 = %s AND r.finished_at IS NULL", collection
        )
        return _run(row) if row else None

    async def discard(self, run_id: str) -> None:
        """Delete a run that was never started."""
        await self._database.run("DELETE FROM app.run WHERE id = %s AND status = 'queued'", run_id)

    async def get(self, run_id: str) -> Run:
        """The run.

        Raises:
            RunUnknown: no such id.
        """
        row = await self._database.one(f"{_SELECT} WHERE r.id = %s", run_id)
        if row is None:
            raise RunUnknown(f"There is no run {run_id!r}.", next_step="See: seezar runs list.")
        return _run(row)

    async def list(
        self, *, limit: int = 50, only: RunFilter | None = None, before: tuple[datetime, str] | None = None
    ) -> list[Run]:
        """The newest runs first; `only` those that it lets through.

        Args:
            before: only runs older than the one of this moment and id.
        """
        condition, values = (only or RunFilter()).where()
        if before is not None:
            condition, values = f"({condition}) AND (created_at, id) < (%s, %s)", [*values, *before]
        # The condition is made of our own words; what somebody asked for is in the values.
        query = f"{_SELECT} WHERE {condition} ORDER BY created_at DESC, id DESC LIMIT %s"
        return [_run(row) for row in await self._database.all(query, *values, limit)]

    async def event(self, run_id: str, step: str, message: str, **detail: Any) -> None:
        """Add a line to the timeline, with the attempt and the worker at work. Never a secret: it is shown to people,
        models and traces. In a worker that was taken for dead, it does not return.
        """
        row = await self._database.one(
            _EVENT,
            run_id,
            step,
            message,
            Jsonb(detail),
            self._worker.worker if self._worker else None,
            self._worker.token if self._worker else None,
            CHANNEL,
        )
        if self._worker is not None and row is not None and not row["so"]:
            self._worker.lost()

    async def spend_model_call(self, run_id: str, *, limit: int) -> bool:
        """Count a call of a model before it is made; False, and nothing counted, when `limit` calls were made."""
        changed = await self._database.run(
            "UPDATE app.run SET model_calls = model_calls + 1 WHERE id = %s AND model_calls < %s", run_id, limit
        )
        return changed == 1

    async def start(self, run_id: str, *, deadline: float | None = None) -> bool:
        """The worker has taken the run; False when it has ended before, or is not known.

        Args:
            deadline: when the run ends at the latest, epoch seconds; None leaves it as it is.
        """
        changed = await self._database.run(
            "UPDATE app.run SET status = 'running', started_at = coalesce(started_at, clock_timestamp()),"
            " deadline = coalesce(to_timestamp(%s), deadline), worker = coalesce(%s, worker)"
            " WHERE id = %s AND finished_at IS NULL",
            deadline,
            self._worker.worker if self._worker else None,
            run_id,
        )
        return changed == 1

    async def overdue(self, *, grace: float) -> Sequence[Run]:
        """The runs that are at work, should have ended `grace` seconds ago, and of which nothing was heard since."""
        return [_run(row) for row in await self._database.all(_SELECT + _OVERDUE, grace, grace)]

    async def finish(
        self, run_id: str, status: str, *, reason: str, result: dict[str, Any], waiting: bool = False
    ) -> bool:
        """The run has ended; a run that ended before is left alone.

        Args:
            waiting: only if it waits for a person now; an answer may have come first.

        Returns:
            Whether it ended now.
        """
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                "UPDATE app.run SET status = %s, reason = %s, result = %s, finished_at = clock_timestamp()"
                " WHERE id = %s AND finished_at IS NULL AND (question IS NOT NULL OR NOT %s)",
                (status, reason, Jsonb(result), run_id, waiting),
            )
            ended = cursor.rowcount == 1
            if ended:
                # An answer that nobody has come to use is nobody's business any more.
                await connection.execute("UPDATE app.answer SET value = NULL WHERE run_id = %s", (run_id,))
            await connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, run_id))
        return ended

    async def reopen(self, run_id: str) -> bool:
        """Take back the end of a run, unless another run of its account is under way; returns whether it was done.

        A run that waited for a person waits again, and has all the time for it again; so has one for its work whose
        deadline has passed.
        """
        try:
            changed = await self._database.run(
                "UPDATE app.run r SET status = CASE question WHEN 'captcha' THEN 'captcha' WHEN 'passkey' THEN"
                " 'passkey_only' ELSE CASE WHEN question IS NULL THEN 'running' ELSE 'needs_person' END END,"
                " reason = '', result = NULL, finished_at = NULL, reopened_at = now(), adoptions = 0,"
                " deadline = CASE WHEN deadline < now() THEN now() + (deadline - started_at) ELSE deadline END,"
                " started_at = CASE WHEN deadline < now() THEN now() ELSE started_at END,"
                " asked_at = CASE WHEN question IS NULL THEN NULL ELSE now() END WHERE id = %s"
                " AND NOT EXISTS (SELECT 1 FROM app.run o WHERE o.account = r.account AND o.finished_at IS NULL)",
                run_id,
            )
        except UniqueViolation:
            # Another sign-in of the account has just begun.
            return False
        return changed == 1

    async def events(self, run_id: str, *, after: int = 0) -> Sequence[RunEvent]:
        """The timeline after the event with id `after`."""
        rows = await self._database.all(
            "SELECT * FROM app.run_event WHERE run_id = %s AND id > %s ORDER BY id", run_id, after
        )
        return [_event(row) for row in rows]

    async def newest_event(self) -> int:
        """The id of the newest event of any run; 0 when there is none."""
        row = await self._database.one("SELECT max(id) AS id FROM app.run_event")
        return 0 if row is None or row["id"] is None else int(row["id"])

    async def events_of_all(self, *, after: int, limit: int = 5000) -> Sequence[RunEvent]:
        """The events of all runs after the one with id `after`, and those that were written shortly before it: their
        transactions may have ended later.
        """
        rows = await self._database.all(
            "SELECT e.* FROM app.run_event e LEFT JOIN app.run_event l ON l.id = %s"
            " WHERE e.id > %s OR e.at > l.at - make_interval(secs => %s) ORDER BY e.id LIMIT %s",
            after,
            after,
            _OVERLAP_S,
            limit,
        )
        return [_event(row) for row in rows]

    async def follow(self, run_id: str, *, timeout: float | None = None, after: int = 0) -> AsyncIterator[RunEvent]:
        """The timeline from its beginning, live, until the run has ended or waits for a person.

        Args:
            timeout: seconds after which to give up watching (the run itself goes on).
            after: only events behind the one of this id.

        Raises:
            RunUnknown: no such id.
            RunTimedOut: not finished in time.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        seen = after
        async with self._database.listen(CHANNEL) as connection:
            while True:
                # Read the end before the events: an event written in between is then never missed.
                run = await self.get(run_id)
                still = run.finished or run.waiting
                for event in await self.events(run_id, after=seen):
                    seen = event.id
                    yield event
                if still:
                    return
                remaining = None if deadline is None else deadline - time.monotonic()
                if remaining is not None and remaining <= 0:
                    raise RunTimedOut(
                        f"The run {run_id} is not finished yet.",
                        kept="It goes on in the worker.",
                        next_step=f"See: seezar runs show {run_id}.",
                    )
                wait = _LOOK_AGAIN if remaining is None else min(_LOOK_AGAIN, remaining)
                async for notification in connection.notifies(timeout=wait):
                    if notification.payload == run_id:
                        break

    async def wait(self, run_id: str, *, timeout: float | None = None) -> Run:
        """The run once it has ended or waits for a person.

        Raises:
            RunUnknown: no such id.
            RunTimedOut: not finished within `timeout` seconds.
        """
        async for _ in self.follow(run_id, timeout=timeout):
            pass
        return await self.get(run_id)


def _run(row: Row) -> Run:
    return Run(
        id=row["id"],
        kind=row["kind"],
        account=row["account"],
        status=row["status"],
        reason=row["reason"],
        result=row["result"],
        attempts=row["attempts"],
        model_calls=row["model_calls"],
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        question=row["question"],
        asked_at=row["asked_at"],
        workflow_id=row["workflow_id"],
        priority=row["priority"],
        position=row["position"],
        worker=row["worker"],
        adoptions=row["adoptions"],
        started_at=row["started_at"],
        deadline=row["deadline"],
        account_removed=row["account_removed"],
        traceparent=None if row["trace"] is None else row["trace"].get("traceparent"),
    )


def _event(row: Row) -> RunEvent:
    return RunEvent(
        row["id"],
        row["run_id"],
        row["at"],
        row["step"],
        row["message"],
        row["detail"],
        row["attempt"],
        row["worker"],
    )
