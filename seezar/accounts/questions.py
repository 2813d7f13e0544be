"""Runs that wait for a person: what is asked, what was answered, and when nobody is waited for any longer."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from seezar.accounts.idempotency_keys import claim, claimed
from seezar.accounts.records import INTERACTIVE, Run, result_without_end
from seezar.accounts.runs import CHANNEL, Runs
from seezar.audit import Audit
from seezar.database import Connection, Database, Row
from seezar.errors import AnsweredAlready, InvalidInput, NotWaiting, QuestionExpired
from seezar.telemetry.revealed import revealed
from seezar.vault import Cipher
from seezar.vault.columns import ANSWER

# The code that came to a phone, or the approval that was asked for there, is good for about so long.
_ATTACH_S = 600.0
_ATTACHED_TO = ("code", "approval")
_LONGEST_ANSWER = 64
NOBODY = "Nobody answered in time."
REPLACED = "Replaced by a newer sign-in of the account."


@dataclass(frozen=True)
class Answer:
    """An answer as the worker gets it.

    Attributes:
        question: what it answers.
        value: what was typed, secret; None for an answer without one, or one that was used up.
        left_s: seconds that are left of the run's own time.
    """

    question: str
    value: str | None
    left_s: float

    def __repr__(self) -> str:
        return f"Answer(question={self.question!r}, left_s={self.left_s})"


def attaches(run: Run, *, fresh: bool, now: datetime | None = None) -> bool:
    """Whether a new sign-in of the account joins the waiting `run`, or else takes its place.

    A code or an approval that was asked for just now is about to come: starting over would make it worthless. Whatever
    else is waited for, a new sign-in may find gone.
    """
    assert run.asked_at is not None
    age = (now or datetime.now(UTC)) - run.asked_at
    return not fresh and run.question in _ATTACHED_TO and age < timedelta(seconds=_ATTACH_S)


class Questions:
    """The questions in `app.run` and the answers in `app.answer`.

    Args:
        timeout: seconds that a question waits for its answer.
    """

    def __init__(self, database: Database, cipher: Cipher, runs: Runs, *, timeout: float) -> None:
        self._database = database
        self._cipher = cipher
        self._audit = Audit(database, cipher)
        self._runs = runs
        self._timeout = timeout

    async def ask(
        self, run_id: str, *, workflow_id: str, question: str, status: str, reason: str, left_s: float
    ) -> None:
        """Let the run wait; only the workflow that works on it may, and an ended run is left alone."""
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE app.run SET question = %s, status = %s, reason = %s, left_s = %s, asked_at = clock_timestamp()"
                " WHERE id = %s AND workflow_id = %s AND finished_at IS NULL",
                (question, status, reason, left_s, run_id, workflow_id),
            )
            await connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, run_id))

    async def answer(self, run_id: str, value: str | None, *, key: tuple[str, str] | None = None) -> Run:
        """Store an answer and let the run go on; its new workflow is still to be queued.

        Args:
            value: the code; None for every other question.
            key: the caller's key of the answer and its digest; an answer that was given with it before is not given
                again, whatever the run asks by now.

        Returns:
            The run, with the id of that workflow.

        Raises:
            RunUnknown: no such run.
            NotWaiting: it asks nothing, or has ended.
            AnsweredAlready: an answer is on its way.
            QuestionExpired: nobody is waited for any longer.
            InvalidInput: the value cannot be what was asked for.
            IdempotencyConflict: the key was used for something else.
        """
        # For the error of an id that nobody knows.
        await self._runs.get(run_id)
        async with self._database.connection() as connection:
            cursor = await connection.execute("SELECT * FROM app.run WHERE id = %s FOR UPDATE", (run_id,))
            row = await cursor.fetchone()
            assert row is not None
            # Behind the lock of the run: of two callers with one key, the second finds what the first has done.
            if key is None or not await claimed(connection, *key):
                await self._check(connection, row)
                await self._store(connection, row, value)
                if key is not None:
                    await claim(connection, *key, run_id)
                await self._audit.append(connection, "run.answer", row["account"], run=run_id, question=row["question"])
        return await self._runs.get(run_id)

    async def _store(self, connection: Connection, row: Row, value: str | None) -> None:
        run_id = row["id"]
        typed = _checked(row["question"], value)
        number = await self._next_number(connection, run_id)
        secret = None if typed is None else self._cipher.encrypt(typed.encode(), context=ANSWER.context(run_id, number))
        await connection.execute(
            "INSERT INTO app.answer (run_id, number, question, value) VALUES (%s, %s, %s, %s)",
            (run_id, number, row["question"], secret),
        )
        await connection.execute(
            # Before all others: a code is good for a short while only.
            "UPDATE app.run SET question = NULL, asked_at = NULL, status = 'queued', reason = '', workflow_id = %s,"
            " priority = %s, queued_at = now() WHERE id = %s",
            (workflow_of(run_id, number), INTERACTIVE, run_id),
        )

    async def take(self, run_id: str, number: int) -> Answer:
        """The answer, for the worker only. It stays until `used`, so that a step that is run twice has it twice.

        Raises:
            NotWaiting: there is no such answer.
            KeyUnusable: it does not open.
        """
        row = await self._database.one(
            "UPDATE app.answer a SET used_at = coalesce(a.used_at, clock_timestamp()) FROM app.run r"
            " WHERE r.id = a.run_id AND a.run_id = %s AND a.number = %s RETURNING a.question, a.value, r.left_s",
            run_id,
            number,
        )
        if row is None:
            raise NotWaiting(f"The run {run_id} has no answer {number}.")
        secret = row["value"]
        value = None
        if secret is not None:
            value = self._cipher.decrypt(bytes(secret), context=ANSWER.context(run_id, number)).decode()
            revealed.note("code", value)
        return Answer(row["question"], value, row["left_s"] or 0.0)

    async def used(self, run_id: str, number: int) -> None:
        """The answer has done what it could: its value is deleted."""
        await self._database.run("UPDATE app.answer SET value = NULL WHERE run_id = %s AND number = %s", run_id, number)

    async def count(self, run_id: str, question: str) -> int:
        """How many answers to a question of this kind the run has had."""
        row = await self._database.one(
            "SELECT count(*) AS n FROM app.answer WHERE run_id = %s AND question = %s", run_id, question
        )
        assert row is not None
        return int(row["n"])

    async def waiting(self) -> list[Run]:
        """The runs that wait now, the longest first."""
        rows = await self._database.all(
            "SELECT id FROM app.run WHERE question IS NOT NULL AND finished_at IS NULL ORDER BY asked_at"
        )
        return [await self._runs.get(row["id"]) for row in rows]

    async def unstarted(self) -> list[Run]:
        """Runs that were answered a while ago and whose answer nobody has taken: its workflow may never have been
        queued.
        """
        rows = await self._database.all(
            "SELECT DISTINCT a.run_id FROM app.answer a JOIN app.run r ON r.id = a.run_id WHERE a.used_at IS NULL"
            " AND r.finished_at IS NULL AND a.given_at < now() - interval '5 seconds'"
        )
        return [await self._runs.get(row["run_id"]) for row in rows]

    async def end(self, run_id: str, *, reason: str, status: str | None = None) -> bool:
        """End a waiting run, with the status that it waits with unless another is given; returns whether it did."""
        run = await self._runs.get(run_id)
        if not run.waiting:
            return False
        status = status or run.status
        whole = reason if status == "cancelled" else f"{run.reason} {reason}".strip()
        changed = await self._runs.finish(
            run_id, status, reason=whole, result=result_without_end(run, status, whole), waiting=True
        )
        if changed:
            await self._runs.event(run_id, "done", f"{status}: {whole}")
        if changed and status != "cancelled":
            # Only what was cancelled may be taken up again, and then needs it.
            await self._database.run("UPDATE app.attempt SET checkpoint = NULL WHERE run_id = %s", run_id)
        return changed

    async def end_overdue(self) -> list[str]:
        """End the runs that nobody has answered in time; returns their ids."""
        rows = await self._database.all(
            "SELECT id FROM app.run WHERE question IS NOT NULL AND finished_at IS NULL"
            " AND asked_at < now() - make_interval(secs => %s)",
            self._timeout,
        )
        return [row["id"] for row in rows if await self.end(row["id"], reason=NOBODY)]

    async def _check(self, connection: Connection, row: Row) -> None:
        run_id = row["id"]
        if row["finished_at"] is not None:
            raise NotWaiting(
                f"The run {run_id} has ended ({row['status']}).",
                kept="Nothing was sent to the site.",
                next_step=f"Sign in again: seezar sign-in {row['account']}.",
            )
        if row["question"] is None:
            cursor = await connection.execute("SELECT 1 FROM app.answer WHERE run_id = %s", (run_id,))
            if await cursor.fetchone() is not None:
                raise AnsweredAlready(
                    f"The run {run_id} has been answered already.",
                    kept="It goes on with the first answer.",
                    next_step=f"See: seezar runs show {run_id}.",
                )
            raise NotWaiting(
                f"The run {run_id} asks nothing.",
                kept="It was left as it is.",
                next_step=f"See: seezar runs show {run_id}.",
            )
        if (datetime.now(UTC) - row["asked_at"]).total_seconds() >= self._timeout:
            raise QuestionExpired(
                f"The run {run_id} no longer waits for an answer.",
                kept="Nothing was sent to the site.",
                next_step=f"Sign in again: seezar sign-in {row['account']}.",
            )

    async def _next_number(self, connection: Connection, run_id: str) -> int:
        cursor = await connection.execute(
            "SELECT coalesce(max(number), 0) + 1 AS number FROM app.answer WHERE run_id = %s", (run_id,)
        )
        row = await cursor.fetchone()
        assert row is not None
        return int(row["number"])


def workflow_of(run_id: str, number: int) -> str:
    """The id of the workflow that works on answer `number` of a run."""
    return f"{run_id}-answer-{number}"


def answer_number(workflow_id: str) -> int:
    """The number of the answer that a workflow of `workflow_of` works on."""
    return int(workflow_id.rpartition("-")[2])


def _checked(question: str, value: str | None) -> str | None:
    """The value as it is typed; only a code has one."""
    if question != "code":
        return None
    code = "".join((value or "").split())
    if not code:
        raise InvalidInput(
            "The run asks for a code, and none was given.",
            kept="It still waits.",
            next_step="Answer with the code that the site sent.",
        )
    if len(code) > _LONGEST_ANSWER or not code.isprintable() or not code.isascii():
        raise InvalidInput("That cannot be a code.", kept="The run still waits.", next_step="Type it as it was sent.")
    return code
