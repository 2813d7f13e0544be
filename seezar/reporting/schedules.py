"""Extractions and reports by the clock: what is due when, and what came of it. The clock itself is that of DBOS."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import CroniterBadCronError, CroniterBadDateError, croniter
from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from seezar.accounts.notices import Notices
from seezar.audit import Audit
from seezar.database import Connection, Database, Row
from seezar.errors import InvalidInput, SeezarError
from seezar.extraction.store import Extractions
from seezar.reporting.requests import request_of

type Missed = Literal["catch_up", "skip"]

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
# What came of the runs of a time that was due; `extracted` and `reported` are the ends of those that went well.
_WELL = ("extracted", "reported")
# Whoever has written down that it begins, and no run, has died.
_BEGINS = "10 minutes"
_ENDED = """
SELECT f.schedule, f.due_at, f.runs,
       array_agg(r.id || ' ended as ' || r.status || coalesce(nullif(': ' || r.reason, ': '), '') ORDER BY r.id)
           FILTER (WHERE r.status <> ALL(%s::text[])) AS failures,
       min(r.account) FILTER (WHERE r.status <> ALL(%s::text[])) AS account
FROM app.schedule_firing f JOIN app.run r ON r.id = ANY(f.runs)
WHERE f.status = 'running' GROUP BY f.schedule, f.due_at, f.runs HAVING bool_and(r.finished_at IS NOT NULL)
"""


class ScheduleUnknown(SeezarError):
    """No schedule of this name."""

    status = "unknown_schedule"


class Schedule(BaseModel):
    """Something that is done by the clock.

    Attributes:
        name: lower-case letters, digits, hyphens and underscores.
        kind: `extract` (all accounts of an extraction) or `report`.
        request: the name of the extraction (`{"extraction": NAME}`), or a `ReportRequest`.
        cron: minute, hour, day of month, month, day of week; with a sixth field, seconds come first.
        timezone: IANA name, in which the fields of `cron` are meant.
        missed: what is done about times at which no worker was there: once for all of them, or nothing.
        paused: nothing is done.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: Literal["extract", "report"]
    request: dict[str, Any]
    cron: Annotated[str, Field(max_length=200)]
    timezone: str = "UTC"
    missed: Missed = "catch_up"
    paused: bool = False

    @field_validator("name")
    @classmethod
    def _is_name(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError("lower-case letters, digits, hyphens and underscores, a letter first, at most 40")
        return value

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no IANA time zone, such as Europe/Berlin") from None
        return value

    @model_validator(mode="after")
    def _comes(self) -> Self:
        try:
            # A day that never comes, such as 30 February, is only found by looking for it.
            self.next_after(datetime.now(ZoneInfo(self.timezone)))
        except (CroniterBadCronError, CroniterBadDateError, ValueError, KeyError):
            raise ValueError(f"cron: {self.cron!r} names no time, as 0 7 * * 1-5 does") from None
        if self.kind == "report":
            request_of(self.request)
        elif set(self.request) != {"extraction"} or not isinstance(self.request["extraction"], str):
            raise ValueError('request: of an extraction it is {"extraction": NAME}')
        return self

    @property
    def extraction(self) -> str:
        """The extraction that is read."""
        return str(self.request["extraction"])

    def next_after(self, moment: datetime) -> datetime:
        """The first time after `moment` at which it is due."""
        there = moment.astimezone(ZoneInfo(self.timezone))
        return croniter(self.cron, there, second_at_beginning=True).get_next(datetime)


@dataclass(frozen=True)
class Firing:
    """A time that a schedule was due.

    Attributes:
        status: `running`, `done`, `failed` or `skipped`.
        runs: that were started for it.
        reason: why it failed or was skipped.
    """

    due_at: datetime
    status: str
    runs: tuple[str, ...]
    reason: str


def schedule_of(data: dict[str, Any]) -> Schedule:
    """The schedule that a caller describes.

    Raises:
        InvalidInput: it cannot be; the text says what, and where.
    """
    try:
        return Schedule.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in found["loc"])
        said = str(found["msg"]).removeprefix("Value error, ")
        raise InvalidInput(
            f"The schedule cannot be used. {f'{where}: ' if where else ''}{said}.",
            kept="Nothing was stored.",
            next_step="See docs/data.md for an example.",
        ) from None


class Schedules:
    """The schedules in `app.schedule`, and the times they were due in `app.schedule_firing`."""

    def __init__(self, database: Database, audit: Audit, extractions: Extractions, notices: Notices) -> None:
        self._database = database
        self._audit = audit
        self._extractions = extractions
        self._notices = notices

    async def save(self, schedule: Schedule) -> None:
        """Store a schedule under its name; one that was there is replaced, its history stays.

        Raises:
            ExtractionUnknown: what is to be read is not here.
        """
        await self._extractions.get(schedule.extraction)
        async with self._database.connection() as connection:
            await connection.execute(
                "INSERT INTO app.schedule (name, kind, request, cron, timezone, missed, paused)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (name) DO UPDATE SET kind = excluded.kind,"
                " request = excluded.request, cron = excluded.cron, timezone = excluded.timezone,"
                " missed = excluded.missed, paused = excluded.paused",
                (
                    schedule.name,
                    schedule.kind,
                    Jsonb(schedule.request),
                    schedule.cron,
                    schedule.timezone,
                    schedule.missed,
                    schedule.paused,
                ),
            )
            await self._audit.append(connection, "schedule.save", None, schedule=schedule.name)

    async def get(self, name: str) -> Schedule:
        """The schedule of this name.

        Raises:
            ScheduleUnknown: there is none.
        """
        row = await self._database.one("SELECT * FROM app.schedule WHERE name = %s", name)
        if row is None:
            raise _unknown(name)
        return _schedule(row)

    async def list(self) -> list[Schedule]:
        """All of them, by name."""
        return [_schedule(row) for row in await self._database.all("SELECT * FROM app.schedule ORDER BY name")]

    async def remove(self, name: str) -> None:
        """Delete a schedule with its history; runs that it has started go on.

        Raises:
            ScheduleUnknown: there is none of this name.
        """
        async with self._database.connection() as connection:
            cursor = await connection.execute("DELETE FROM app.schedule WHERE name = %s", (name,))
            if not cursor.rowcount:
                raise _unknown(name)
            await self._audit.append(connection, "schedule.remove", None, schedule=name)

    async def history(self, name: str, *, limit: int = 20) -> Sequence[Firing]:
        """The times that it was due, the newest first."""
        rows = await self._database.all(
            "SELECT * FROM app.schedule_firing WHERE schedule = %s ORDER BY due_at DESC LIMIT %s", name, limit
        )
        return [Firing(row["due_at"], row["status"], tuple(row["runs"]), row["reason"]) for row in rows]

    async def fire(self, name: str, due_at: datetime, now: datetime) -> Schedule | None:
        """Begin what is due; None when nothing is to be done, which the history tells unless there is no schedule.

        Done again for the same time after a crash, it is begun again: whoever starts the runs names them by that time.
        """
        async with self._database.connection() as connection:
            cursor = await connection.execute("SELECT * FROM app.schedule WHERE name = %s FOR UPDATE", (name,))
            row = await cursor.fetchone()
            if row is None or row["paused"]:
                return None
            schedule = _schedule(row)
            cursor = await connection.execute(
                "SELECT status FROM app.schedule_firing WHERE schedule = %s AND due_at = %s", (name, due_at)
            )
            known = await cursor.fetchone()
            if known is not None:
                return schedule if known["status"] == "running" else None
            reason = await self._not_now(connection, schedule, due_at, now)
            await connection.execute(
                "INSERT INTO app.schedule_firing (schedule, due_at, status, reason, finished_at)"
                " VALUES (%s, %s, %s, %s, CASE WHEN %s = '' THEN NULL ELSE clock_timestamp() END)",
                (name, due_at, "skipped" if reason else "running", reason, reason),
            )
        return None if reason else schedule

    async def _not_now(self, connection: Connection, schedule: Schedule, due_at: datetime, now: datetime) -> str:
        """Why nothing is done about a time; empty when something is."""
        following = schedule.next_after(due_at)
        if following <= now:
            if schedule.missed == "skip":
                return "No worker was there at that time."
            return f"No worker was there; it is caught up with {following:%Y-%m-%d %H:%M} or later."
        cursor = await connection.execute(
            "SELECT 1 FROM app.schedule_firing f WHERE f.schedule = %s AND f.status = 'running' AND ("
            " (f.runs = '{}' AND f.fired_at > now() - %s::interval)"
            " OR EXISTS (SELECT 1 FROM app.run r WHERE r.id = ANY(f.runs) AND r.finished_at IS NULL))",
            (schedule.name, _BEGINS),
        )
        return "The time before is still being worked on." if await cursor.fetchone() else ""

    async def started(self, name: str, due_at: datetime, runs: Sequence[str]) -> None:
        """The runs of a time were queued."""
        await self._database.run(
            "UPDATE app.schedule_firing SET runs = %s WHERE schedule = %s AND due_at = %s AND status = 'running'",
            [*runs],
            name,
            due_at,
        )

    async def failed(self, name: str, due_at: datetime, reason: str) -> None:
        """Nothing could be started for a time."""
        async with self._database.connection() as connection:
            await self._end(connection, name, due_at, [reason], None, None)

    async def settle(self) -> int:
        """Write down what has come of the times whose runs have ended, and tell of those that failed; returns how many
        there were. Any worker may do it at any time.
        """
        count = 0
        for row in await self._database.all(_ENDED, list(_WELL), list(_WELL)):
            async with self._database.connection() as connection:
                failures: Sequence[str] = row["failures"] or ()
                run = row["runs"][0]
                count += await self._end(connection, row["schedule"], row["due_at"], failures, row["account"], run)
        return count

    async def _end(
        self,
        connection: Connection,
        name: str,
        due_at: datetime,
        failures: Sequence[str],
        account: str | None,
        run_id: str | None,
    ) -> int:
        cursor = await connection.execute(
            "UPDATE app.schedule_firing SET status = %s, reason = %s, finished_at = clock_timestamp()"
            " WHERE schedule = %s AND due_at = %s AND status = 'running'",
            ("failed" if failures else "done", "; ".join(failures)[:2_000], name, due_at),
        )
        if cursor.rowcount and failures and account is not None:
            text = f"The schedule {name} failed, due {due_at:%Y-%m-%d %H:%M %Z}. {'; '.join(failures)[:500]}"
            await self._notices.schedule_failed(connection, account, text, run_id=run_id, schedule=name)
        return cursor.rowcount


def _schedule(row: Row) -> Schedule:
    names = ("name", "kind", "request", "cron", "timezone", "missed", "paused")
    return Schedule.model_construct(**{name: row[name] for name in names})


def _unknown(name: str) -> ScheduleUnknown:
    return ScheduleUnknown(f"There is no schedule {name!r}.", next_step="See what there is: seezar schedule list.")
