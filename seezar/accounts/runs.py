"""Runs, their timelines and their attempts. `NOTIFY seezar_run` carries the id of a run whose timeline grew."""

import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from seezar.accounts.records import Run, RunEvent
from seezar.database import Database, Row
from seezar.errors import RunTimedOut, RunUnknown

CHANNEL = "seezar_run"
# A notification can be lost with its connection; the list is looked at again after this many seconds.
_LOOK_AGAIN = 2.0


class Runs:
    """The runs in `app.run`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, run_id: str, *, kind: str, account: str | None) -> bool:
        """Note a run that is about to be queued; its workflow has the same id.

        Returns:
            False when nothing was noted: the run exists, or it is a sign-in and one of the account is under way.
        """
        changed = await self._database.run(
            "INSERT INTO app.run (id, workflow_id, kind, account, status) VALUES (%s, %s, %s, %s, 'queued')"
            " ON CONFLICT DO NOTHING",
            run_id,
            run_id,
            kind,
            account,
        )
        return changed == 1

    async def open_sign_in(self, account: str) -> Run | None:
        """The sign-in of the account that is under way or waits for a person; there is one at most."""
        row = await self._database.one(
            "SELECT * FROM app.run WHERE account = %s AND kind = 'sign_in' AND finished_at IS NULL", account
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
        row = await self._database.one("SELECT * FROM app.run WHERE id = %s", run_id)
        if row is None:
            raise RunUnknown(f"There is no run {run_id!r}.", next_step="See: seezar runs list.")
        return _run(row)

    async def list(self, *, limit: int = 50) -> list[Run]:
        """The newest runs first."""
        return [
            _run(row)
            for row in await self._database.all("SELECT * FROM app.run ORDER BY created_at DESC LIMIT %s", limit)
        ]

    async def event(self, run_id: str, step: str, message: str, **detail: Any) -> None:
        """Add a line to the timeline. Never a secret: it is shown to people, models and traces."""
        await self._database.run(
            "WITH told AS (INSERT INTO app.run_event (run_id, step, message, detail) VALUES (%s, %s, %s, %s)"
            " RETURNING run_id) SELECT pg_notify(%s, run_id) FROM told",
            run_id,
            step,
            message,
            Jsonb(detail),
            CHANNEL,
        )

    async def spend_model_call(self, run_id: str, *, limit: int) -> bool:
        """Count a call of a model before it is made; False, and nothing counted, when `limit` calls were made."""
        changed = await self._database.run(
            "UPDATE app.run SET model_calls = model_calls + 1 WHERE id = %s AND model_calls < %s", run_id, limit
        )
        return changed == 1

    async def start(self, run_id: str) -> bool:
        """The worker has taken the run; False when it has ended before, or is not known."""
        changed = await self._database.run(
            "UPDATE app.run SET status = 'running' WHERE id = %s AND finished_at IS NULL", run_id
        )
        return changed == 1

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

        A run that waited for a person waits again, and has all the time for it again.
        """
        try:
            changed = await self._database.run(
                "UPDATE app.run r SET status = CASE question WHEN 'captcha' THEN 'captcha' WHEN 'passkey' THEN"
                " 'passkey_only' ELSE CASE WHEN question IS NULL THEN 'running' ELSE 'needs_person' END END,"
                " reason = '', result = NULL, finished_at = NULL, reopened_at = now(),"
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
    )


def _event(row: Row) -> RunEvent:
    return RunEvent(row["id"], row["run_id"], row["at"], row["step"], row["message"], row["detail"])
