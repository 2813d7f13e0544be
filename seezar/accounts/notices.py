"""What people are told when an account needs them, and whether it has reached them. Never a secret, code or link.

A notice is written in the transaction that changes the state of its account; it is delivered later, at least once.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import uuid4

from seezar.database import Connection, Database, Row

type Kind = Literal["needs_person", "broken", "works_again", "schedule_failed"]
type Channel = Literal["webhook", "mail"]

# Who delivers a notice has it for so long: longer than any delivery takes.
_LEASE_S = 120.0
# Pauses after the first failed delivery and after every further one, until it is given up.
_FIRST_PAUSE_S = 10.0
_LONGEST_PAUSE_S = 86_400.0
_GIVEN_UP_AFTER = "7 days"
# The last try may come a day later.
FORGOTTEN_AFTER = "9 days"


@dataclass(frozen=True)
class Notice:
    """A notice: `text` is what has happened, `next_step` what to do."""

    id: str
    account: str
    kind: Kind
    run_id: str | None
    text: str
    next_step: str
    created_at: datetime


@dataclass(frozen=True)
class Delivery:
    """One way that a notice takes. Neither `sent_at` nor `next_at`: it was given up."""

    notice: Notice
    channel: Channel
    tries: int
    sent_at: datetime | None
    next_at: datetime | None
    problem: str


class Notices:
    """The outbox in `app.notice` and `app.notice_delivery`.

    Args:
        channels: the ways that new notices take; none: they are only listed.
    """

    def __init__(self, database: Database, *, channels: tuple[Channel, ...]) -> None:
        self._database = database
        self._channels = channels

    async def state_changed(
        self, connection: Connection, account: str, state: str, *, reason: str, run_id: str | None, waiting: bool
    ) -> None:
        """Write the notice that a new state calls for, if any, in the transaction of `connection`.

        Args:
            waiting: the run waits for an answer.
        """
        cursor = await connection.execute(
            "SELECT kind, run_id FROM app.notice WHERE account = %s AND kind <> 'schedule_failed'"
            " ORDER BY created_at DESC LIMIT 1",
            (account,),
        )
        last = await cursor.fetchone()
        kind = last["kind"] if last else None
        if state == "signed_in":
            if kind in ("needs_person", "broken"):
                await self._add(connection, account, "works_again", None, f"The account {account} works again.", "")
        elif state == "needs_person":
            # Who has answered a question and is asked the next one knows.
            if last is None or (kind, last["run_id"]) != (state, run_id):
                step = f"Answer it: seezar runs answer {run_id}" if waiting else f"Sign in: seezar sign-in {account}"
                text = f"The account {account} needs a person. {reason}"
                await self._add(connection, account, state, run_id, text, step)
        elif state == "broken" and kind != state:
            step = f"See: seezar runs show {run_id}. Once it is mended, sign in: seezar sign-in {account}"
            await self._add(connection, account, state, run_id, f"The account {account} is broken. {reason}", step)

    async def schedule_failed(
        self, connection: Connection, account: str, text: str, *, run_id: str | None, schedule: str
    ) -> None:
        """Write the notice that what was due by the clock has failed, in the transaction of `connection`."""
        step = f"See: seezar schedule show {schedule}, seezar runs show {run_id}"
        await self._add(connection, account, "schedule_failed", run_id, text, step)

    async def _add(
        self, connection: Connection, account: str, kind: Kind, run_id: str | None, text: str, next_step: str
    ) -> None:
        notice = uuid4()
        await connection.execute(
            "INSERT INTO app.notice (id, account, kind, run_id, text, next_step) VALUES (%s, %s, %s, %s, %s, %s)",
            (notice, account, kind, run_id, text, next_step),
        )
        for channel in self._channels:
            await connection.execute(
                "INSERT INTO app.notice_delivery (notice, channel) VALUES (%s, %s)", (notice, channel)
            )

    async def claim(self) -> Delivery | None:
        """The delivery that is due longest, for one of any number of workers; None when none is.

        It is due again, after a while, unless `delivered` or `failed` is called.
        """
        # By a way that was switched off and is on again, nobody is told what is long past.
        await self._database.run(
            "UPDATE app.notice_delivery d SET next_at = NULL, problem = 'not delivered in time' FROM app.notice n"
            " WHERE n.id = d.notice AND d.sent_at IS NULL AND d.next_at <= now()"
            " AND n.created_at < now() - %s::interval",
            FORGOTTEN_AFTER,
        )
        rows = await self._database.all(
            "UPDATE app.notice_delivery d SET tries = tries + 1, next_at = now() + make_interval(secs => %s)"
            " FROM app.notice n WHERE n.id = d.notice AND (d.notice, d.channel) = ("
            "  SELECT notice, channel FROM app.notice_delivery WHERE sent_at IS NULL AND next_at <= now()"
            "  AND channel = ANY(%s) ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED)"
            " RETURNING n.*, d.*",
            _LEASE_S,
            list(self._channels),
        )
        return _delivery(rows[0]) if rows else None

    async def delivered(self, delivery: Delivery) -> None:
        """It has arrived."""
        await self._database.run(
            "UPDATE app.notice_delivery SET sent_at = clock_timestamp(), next_at = NULL, problem = ''"
            " WHERE notice = %s AND channel = %s",
            delivery.notice.id,
            delivery.channel,
        )

    async def failed(self, delivery: Delivery, problem: str) -> None:
        """It has not; it is tried again after a pause that grows up to a day, and given up after a week."""
        pause = min(_FIRST_PAUSE_S * 4.0 ** min(delivery.tries - 1, 10), _LONGEST_PAUSE_S)
        await self._database.run(
            "UPDATE app.notice_delivery d SET problem = %s, next_at = CASE WHEN n.created_at < now() - %s::interval"
            " THEN NULL ELSE now() + make_interval(secs => %s) END FROM app.notice n"
            " WHERE n.id = d.notice AND d.notice = %s AND d.channel = %s AND d.sent_at IS NULL",
            problem,
            _GIVEN_UP_AFTER,
            pause,
            delivery.notice.id,
            delivery.channel,
        )

    async def list(self, *, limit: int = 50) -> list[tuple[Notice, list[Delivery]]]:
        """The newest notices first, each with the ways that it takes."""
        notices = await self._database.all("SELECT * FROM app.notice ORDER BY created_at DESC LIMIT %s", limit)
        rows = await self._database.all(
            "SELECT n.*, d.* FROM app.notice_delivery d JOIN app.notice n ON n.id = d.notice"
            " WHERE n.id = ANY(%s) ORDER BY d.channel DESC",
            [row["id"] for row in notices],
        )
        deliveries = [_delivery(row) for row in rows]
        found = [_notice(row) for row in notices]
        return [(notice, [d for d in deliveries if d.notice.id == notice.id]) for notice in found]


def _notice(row: Row) -> Notice:
    names = ("account", "kind", "run_id", "text", "next_step", "created_at")
    return Notice(id=str(row["id"]), **{name: row[name] for name in names})


def _delivery(row: Row) -> Delivery:
    names = ("channel", "tries", "sent_at", "next_at", "problem")
    return Delivery(notice=_notice(row), **{name: row[name] for name in names})
