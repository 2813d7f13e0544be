"""What is deleted when it is old, in small batches, by one process at a time. Never what an open run may still need."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from seezar.accounts.notices import FORGOTTEN_AFTER
from seezar.accounts.questions import workflow_of
from seezar.database import Connection, Database

type Forget = Callable[[Mapping[str, Sequence[str]]], Awaitable[set[str]]]

BATCH = 200
_SESSIONS_DAYS = 30
_CALLS_DAYS = 30
_NAME = "retention"
# The row of the housekeeping is the lock: it is free again when its holder is gone.
_MY_TURN = "SELECT 1 FROM app.housekeeping WHERE name = %s FOR UPDATE SKIP LOCKED"

# What tells how an account is doing: its newest sign-in or sign-out stays for as long as the account does.
_RUN = """
r.finished_at < now() - make_interval(days => %(days)s) AND NOT (
    r.kind IN ('sign_in', 'sign_out') AND EXISTS (SELECT 1 FROM app.account a WHERE a.name = r.account)
    AND NOT EXISTS (SELECT 1 FROM app.run n WHERE n.account = r.account AND n.kind IN ('sign_in', 'sign_out')
                    AND (n.created_at, n.id) > (r.created_at, r.id)))
"""
_COUNT_RUNS = f"SELECT count(*) AS n FROM app.run r WHERE {_RUN}"  # noqa: S608 - of our own words
_RUNS = f"""
SELECT r.id, r.workflow_id, r.finished_at, ARRAY(SELECT number FROM app.answer w WHERE w.run_id = r.id) AS answers
FROM app.run r WHERE (r.finished_at, r.id) > (%(after_at)s, %(after_id)s) AND {_RUN}
ORDER BY r.finished_at, r.id LIMIT %(batch)s FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - the same


@dataclass(frozen=True)
class Keep:
    """For how many days each kind of thing is kept; 0 = for ever."""

    runs: int
    mails: int
    pictures: int
    pages: int


@dataclass(frozen=True)
class Cleaned:
    """How much of each kind was deleted here; where it is not `finished`, another process is at the rest."""

    counts: dict[str, int]
    finished: bool


@dataclass(frozen=True)
class _Kind:
    """Rows that go when `since` is so many days ago and the condition holds."""

    name: str
    table: str
    key: str
    since: str
    condition: str
    days: int

    @property
    def old(self) -> str:
        """The whole condition on a row `t`."""
        return f"t.{self.since} < now() - make_interval(days => %(days)s) AND {self.condition}"


class Retention:
    """Deletes what is older than `keep` says."""

    def __init__(self, database: Database, keep: Keep) -> None:
        self._database = database
        self._keep = keep

    async def due(self, *, every_s: float) -> bool:
        """Whether it was last done to its end more than `every_s` seconds ago, by whomever."""
        row = await self._database.one(
            "SELECT 1 FROM app.housekeeping WHERE name = %s"
            " AND (done_at IS NULL OR done_at < now() - make_interval(secs => %s))",
            _NAME,
            every_s,
        )
        return row is not None

    async def count(self) -> dict[str, int]:
        """How much of each kind would be deleted now."""
        counts: dict[str, int] = {}
        if self._keep.runs:
            counts["runs"] = await self._counted(_COUNT_RUNS, self._keep.runs)
        for kind in self._kinds():
            query = f"SELECT count(*) AS n FROM {kind.table} t WHERE {kind.old}"  # noqa: S608 - of our own words
            counts[kind.name] = await self._counted(query, kind.days)
        return counts

    async def clean(self, forget: Forget) -> Cleaned:
        """Delete what is too old; what a crash leaves undone is done by the next call.

        Args:
            forget: takes the ids of runs with the ids of their workflows, deletes what the engine holds of them, and
                returns those of the runs that it holds no more.

        Raises:
            DatabaseUnavailable: the database does not answer; what was deleted before stays deleted.
        """
        counts: dict[str, int] = {}
        if self._keep.runs and not await self._clean_runs(forget, counts):
            return Cleaned(counts, finished=False)
        for kind in self._kinds():
            if not await self._clean_kind(kind, counts):
                return Cleaned(counts, finished=False)
        await self._database.run("UPDATE app.housekeeping SET done_at = now() WHERE name = %s", _NAME)
        return Cleaned(counts, finished=True)

    async def _clean_runs(self, forget: Forget, counts: dict[str, int]) -> bool:
        """Returns False when another process is at it."""
        counts["runs"] = 0
        after: tuple[datetime, str] = (datetime.min.replace(tzinfo=UTC), "")
        while True:
            async with self._database.connection() as connection:
                if not await _my_turn(connection):
                    return False
                values = {"days": self._keep.runs, "after_at": after[0], "after_id": after[1], "batch": BATCH}
                rows = await (await connection.execute(_RUNS, values)).fetchall()
                workflows = {row["id"]: _workflows(row) for row in rows}
                # The engine's rows first: were it the other way round, a crash would leave rows that nobody finds.
                gone = await forget(workflows) if workflows else set[str]()
                cursor = await connection.execute("DELETE FROM app.run WHERE id = ANY(%s)", (list(gone),))
            # Only what is committed is told.
            counts["runs"] += cursor.rowcount
            if len(rows) < BATCH:
                return True
            after = (rows[-1]["finished_at"], rows[-1]["id"])

    async def _clean_kind(self, kind: _Kind, counts: dict[str, int]) -> bool:
        """Returns False when another process is at it."""
        columns = kind.key.strip("()")
        doomed = (
            f"SELECT {columns} FROM {kind.table} t WHERE {kind.old}"  # noqa: S608 - of our own words
            " LIMIT %(batch)s FOR UPDATE OF t SKIP LOCKED"
        )
        statement = f"DELETE FROM {kind.table} WHERE {kind.key} IN ({doomed})"  # noqa: S608 - the same
        if kind.name == "mails":
            statement = _DELETE_MAILS.format(doomed=doomed)
        counts[kind.name] = 0
        while True:
            async with self._database.connection() as connection:
                if not await _my_turn(connection):
                    return False
                cursor = await connection.execute(statement.encode(), {"days": kind.days, "batch": BATCH})
            counts[kind.name] += cursor.rowcount
            if cursor.rowcount < BATCH:
                return True

    def _kinds(self) -> list[_Kind]:
        keep = self._keep
        kinds = [
            _Kind("mails", "app.message", "id", "received_at", _MAIL, keep.mails),
            _Kind("pictures", "app.picture", "(run_id, attempt)", "taken_at", _PICTURE, keep.pictures),
            _Kind("pages", "app.page", "id", "taken_at", _PAGE, keep.pages),
            _Kind("read pages", "app.extraction_page", "(run_id, position)", "read_at", _READ, keep.pages),
            _Kind("history", "app.account_history", "id", "since", _HISTORY, keep.runs),
            _Kind("notices", "app.notice", "id", "created_at", _NOTICE, keep.runs),
        ]
        return [
            *[kind for kind in kinds if kind.days],
            _Kind("sessions", "app.session", "account", "expires_at", _SESSION, _SESSIONS_DAYS),
            _Kind("webhook calls", "app.webhook_delivery", "id", "created_at", _CALL, _CALLS_DAYS),
            _Kind("tokens", "app.mail_token", "digest", "expires_at", "true", 0),
        ]

    async def _counted(self, query: str, days: int) -> int:
        async with self._database.connection() as connection:
            row = await (await connection.execute(query.encode(), {"days": days})).fetchone()
        assert row is not None
        return int(row["n"])


# A mailbox whose account is being signed in to, or waits for somebody, is left alone.
_MAIL = (
    "NOT EXISTS (SELECT 1 FROM app.account a JOIN app.run r ON r.account = a.name"
    " WHERE a.mailbox = t.mailbox AND r.finished_at IS NULL)"
)
_PICTURE = "EXISTS (SELECT 1 FROM app.run r WHERE r.id = t.run_id AND r.finished_at IS NOT NULL)"
_PAGE = "NOT EXISTS (SELECT 1 FROM app.run r WHERE r.id = t.run_id AND r.finished_at IS NULL)"
_READ = "NOT EXISTS (SELECT 1 FROM app.run r WHERE r.id = t.run_id AND r.finished_at IS NULL)"
# One that has been proved to work since then does, whatever its cookies say.
_SESSION = (
    "t.verified_at < now() - make_interval(days => %(days)s)"
    " AND NOT EXISTS (SELECT 1 FROM app.run r WHERE r.account = t.account AND r.finished_at IS NULL)"
)
# What still waits for a webhook is sent, or given up, in time.
_CALL = "t.next_at IS NULL"
# The newest entry says since when the account is as it is.
_HISTORY = "EXISTS (SELECT 1 FROM app.account_history n WHERE n.account = t.account AND n.id > t.id)"
# The newest notice of an account says what people know of it.
_NOTICE = (
    "EXISTS (SELECT 1 FROM app.notice n WHERE"  # noqa: S608 - of our own words
    " n.account = t.account AND (n.created_at, n.id) > (t.created_at, t.id))"
    " AND NOT EXISTS (SELECT 1 FROM app.notice_delivery d WHERE d.notice = t.id AND d.sent_at IS NULL"
    f" AND d.next_at IS NOT NULL AND t.created_at > now() - interval '{FORGOTTEN_AFTER}')"
)
# A provider that still lists such a message must not bring it back.
_DELETE_MAILS = """
WITH old AS ({doomed}), passed AS (
    INSERT INTO app.message_passed (mailbox, provider_message, reason)
    SELECT m.mailbox, m.provider_message, 'expired' FROM app.message m JOIN old USING (id)
    WHERE m.provider_message IS NOT NULL ON CONFLICT DO NOTHING)
DELETE FROM app.message WHERE id IN (SELECT id FROM old)
"""


async def _my_turn(connection: Connection) -> bool:
    return await (await connection.execute(_MY_TURN, (_NAME,))).fetchone() is not None


def _workflows(row: Mapping[str, Any]) -> list[str]:
    run_id = row["id"]
    return sorted({run_id, row["workflow_id"], *(workflow_of(run_id, number) for number in row["answers"])})
