"""Attempts of a sign-in, counted in our own table: what was done to the site must count across crashes."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from seezar.database import Database
from seezar.errors import RunEnded
from seezar.vault import Cipher
from seezar.vault.columns import CHECKPOINT


@dataclass(frozen=True)
class Attempt:
    """One attempt.

    Attributes:
        mail_since: the mailbox cursor from before the password was submitted.
        mail_asked_again: the site was asked to send its mail once more.
    """

    number: int
    submitted: bool
    mail_since: str | None
    mail_asked_again: bool
    outcome: str | None
    started_at: datetime


def ended_meanwhile(run_id: str) -> RunEnded:
    """What is told to the work on a run that has ended."""
    return RunEnded(
        f"The run {run_id} was ended while it was at work.",
        kept="What it stored before stays; nothing more was sent.",
        next_step=f"See: seezar runs show {run_id}.",
    )


class Attempts:
    """The attempts in `app.attempt`, and the TOTP steps that a site has seen."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    async def begin(self, run_id: str, *, mail_since: str | None) -> int:
        """Begin the next attempt of the run; returns its number, from 1."""
        row = await self._database.one(
            "WITH n AS (SELECT coalesce(max(number), 0) + 1 AS number FROM app.attempt WHERE run_id = %s),"
            " a AS (INSERT INTO app.attempt (run_id, number, mail_since) SELECT %s, number, %s FROM n)"
            " UPDATE app.run SET attempts = n.number FROM n WHERE id = %s RETURNING n.number",
            run_id,
            run_id,
            mail_since,
            run_id,
        )
        assert row is not None
        return int(row["number"])

    async def all(self, run_id: str) -> list[Attempt]:
        """The attempts of a run, oldest first."""
        rows = await self._database.all(
            "SELECT number, submitted, mail_since, mail_asked_again, outcome, started_at FROM app.attempt"
            " WHERE run_id = %s ORDER BY number",
            run_id,
        )
        return [Attempt(**row) for row in rows]

    async def submitted(self, run_id: str, number: int) -> None:
        """Note that the password is about to be submitted.

        Raises:
            RunEnded: the run was ended meanwhile, or its account removed, or it was cancelled and resumed and another
                attempt of it is at work; nothing may be submitted any more.
        """
        changed = await self._database.run(
            "UPDATE app.attempt SET submitted = true WHERE run_id = %s AND number = %s AND EXISTS"
            " (SELECT 1 FROM app.run r WHERE r.id = run_id AND r.attempts = number AND r.finished_at IS NULL"
            " AND NOT r.account_removed)",
            run_id,
            number,
        )
        if not changed:
            raise ended_meanwhile(run_id)

    async def ask_again(self, run_id: str, number: int) -> bool:
        """Note that the site is about to be asked for its mail once more; False when it was, or the run has ended."""
        changed = await self._database.run(
            "UPDATE app.attempt SET mail_asked_again = true WHERE run_id = %s AND number = %s AND NOT mail_asked_again"
            " AND EXISTS (SELECT 1 FROM app.run r WHERE r.id = run_id AND r.finished_at IS NULL)",
            run_id,
            number,
        )
        return changed == 1

    async def resumed(self, run_id: str, number: int) -> None:
        """A person has answered: the time that a mail may take counts from now on."""
        await self._database.run(
            "UPDATE app.attempt SET started_at = now() WHERE run_id = %s AND number = %s", run_id, number
        )

    async def ended(self, run_id: str, number: int, outcome: str) -> None:
        """Note how the attempt ended; its checkpoint is no longer needed."""
        await self._database.run(
            "UPDATE app.attempt SET outcome = %s, checkpoint = NULL WHERE run_id = %s AND number = %s",
            outcome,
            run_id,
            number,
        )

    async def close(self, run_id: str, outcome: str) -> None:
        """The run has ended: what was still open of it ended the same way, and no checkpoint is needed any more."""
        await self._database.run(
            "UPDATE app.attempt SET outcome = coalesce(outcome, %s), checkpoint = NULL WHERE run_id = %s",
            outcome,
            run_id,
        )

    async def save_checkpoint(self, run_id: str, number: int, checkpoint: dict[str, Any]) -> None:
        """Keep, encrypted, the browser state between the password and the code."""
        blob = self._cipher.encrypt(json.dumps(checkpoint).encode(), context=CHECKPOINT.context(run_id, number))
        await self._database.run(
            "UPDATE app.attempt SET checkpoint = %s WHERE run_id = %s AND number = %s", blob, run_id, number
        )

    async def load_checkpoint(self, run_id: str, number: int) -> dict[str, Any] | None:
        """The state that `save_checkpoint` kept, or None."""
        row = await self._database.one(
            "SELECT checkpoint FROM app.attempt WHERE run_id = %s AND number = %s", run_id, number
        )
        if row is None or row["checkpoint"] is None:
            return None
        plain = self._cipher.decrypt(bytes(row["checkpoint"]), context=CHECKPOINT.context(run_id, number))
        return json.loads(plain)

    async def last_totp_step(self, account: str) -> int | None:
        """The time step of the TOTP code that this account used last."""
        row = await self._database.one("SELECT time_step FROM app.totp_use WHERE account = %s", account)
        return None if row is None else int(row["time_step"])

    async def use_totp_step(self, account: str, time_step: int) -> None:
        """Note a TOTP code before it is typed."""
        await self._database.run(
            "INSERT INTO app.totp_use (account, time_step) VALUES (%s, %s)"
            " ON CONFLICT (account) DO UPDATE SET time_step = greatest(app.totp_use.time_step, excluded.time_step)",
            account,
            time_step,
        )
