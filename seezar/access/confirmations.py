"""What a program asks for and a person has to say yes to: the twin, for HTTP, of ADK's confirmation of a tool call."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from seezar.access.errors import ConfirmationInvalid, ConfirmationRequired
from seezar.access.scopes import Caller, Scope
from seezar.audit import Audit
from seezar.database import Database, Row
from seezar.errors import InvalidInput

type ConfirmationStatus = Literal["pending", "confirmed", "rejected", "used", "expired"]

# Long enough to be seen and thought about, short enough that whoever confirms still knows why.
LIFE = timedelta(minutes=15)
# A program that asks and asks must not bury what a person should see.
MOST_PENDING = 20


@dataclass(frozen=True)
class Confirmation:
    """A question to a person.

    Attributes:
        action: what would be done, in words of ours.
        subject: to what: the name of an account, an address.
        client_id: of the program that asks.
    """

    id: str
    action: str
    subject: str
    client_id: str
    asked_at: datetime
    expires_at: datetime
    status: ConfirmationStatus
    decided_by: str | None
    decided_at: datetime | None


def digest_of(*parts: bytes) -> str:
    """What tells a request from another one: SHA-256 over its parts, each with its length."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()


class Confirmations:
    """The questions in `app.confirmation`."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    async def ensure(self, action: str, subject: str, digest: str, caller: Caller, given: str | None) -> None:
        """Let a dangerous request pass, once, if a person stands behind it.

        Args:
            digest: of the request (`digest_of`): a confirmation holds for this one only.
            given: the id of the confirmation that came with it.

        Raises:
            ConfirmationRequired: nobody was asked yet; the error names the question.
            ConfirmationInvalid: `given` is not the confirmation of this request.
        """
        if caller.may(Scope.CONFIRM):
            # A person's own wish needs nobody else's.
            return
        if given is None:
            asked = await self.ask(action, subject, digest, caller)
            raise ConfirmationRequired(asked.id, f"{action} {subject}".strip())
        await self.use(given, action, digest, caller)

    async def ask(self, action: str, subject: str, digest: str, caller: Caller) -> Confirmation:
        """Ask a person; the same request, asked again, is the same question.

        Raises:
            InvalidInput: too many questions of this client wait.
        """
        async with self._database.connection() as connection:
            # Of two that ask at the same time, the second finds the question of the first.
            await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (caller.client_id,))
            cursor = await connection.execute(
                "SELECT * FROM app.confirmation WHERE client_id = %s AND status = 'pending' AND expires_at > now()",
                (caller.client_id,),
            )
            pending = await cursor.fetchall()
            for row in pending:
                if secrets.compare_digest(row["digest"], digest):
                    return _confirmation(row)
            if len(pending) >= MOST_PENDING:
                raise InvalidInput(
                    f"{len(pending)} questions of this client wait for a person already.",
                    kept="Nothing was done.",
                    next_step="Have them answered first: seezar confirm list.",
                )
            cursor = await connection.execute(
                "INSERT INTO app.confirmation (id, action, subject, digest, client_id, expires_at)"
                " VALUES (%s, %s, %s, %s, %s, now() + %s) RETURNING *",
                (f"confirm-{secrets.token_hex(8)}", action, subject, digest, caller.client_id, LIFE),
            )
            row = await cursor.fetchone()
            assert row is not None
            await self._audit.append(
                connection, "confirmation.ask", subject, confirmation=row["id"], what=action, client=caller.client_id
            )
        return _confirmation(row)

    async def get(self, confirmation_id: str) -> Confirmation:
        """The question.

        Raises:
            ConfirmationInvalid: there is none.
        """
        row = await self._database.one("SELECT * FROM app.confirmation WHERE id = %s", confirmation_id)
        if row is None:
            raise _invalid("There is no such confirmation.")
        return _confirmation(row)

    async def list(self, *, pending: bool = False, limit: int = 50) -> list[Confirmation]:
        """The newest first; with `pending` only those that wait."""
        rows = await self._database.all(
            "SELECT * FROM app.confirmation WHERE NOT %s OR (status = 'pending' AND expires_at > now())"
            " ORDER BY asked_at DESC LIMIT %s",
            pending,
            limit,
        )
        return [_confirmation(row) for row in rows]

    async def decide(self, confirmation_id: str, confirm: bool, *, by: str) -> Confirmation:
        """Say yes or no, once.

        Args:
            by: who decides, as the audit log calls them.

        Raises:
            ConfirmationInvalid: there is none, it was decided, or is too old.
        """
        row = await self._database.one(
            "UPDATE app.confirmation SET status = %s, decided_by = %s, decided_at = now()"
            " WHERE id = %s AND status = 'pending' AND expires_at > now() RETURNING *",
            "confirmed" if confirm else "rejected",
            by,
            confirmation_id,
        )
        if row is None:
            found = await self.get(confirmation_id)
            raise _invalid(f"It is {found.status} already.")
        await self._audit.note(f"confirmation.{row['status']}", row["subject"], confirmation=row["id"])
        return _confirmation(row)

    async def use(self, confirmation_id: str, action: str, digest: str, caller: Caller) -> None:
        """Spend a confirmation on the request that it was given for.

        Raises:
            ConfirmationInvalid: it is not one for this.
        """
        row = await self._database.one("SELECT * FROM app.confirmation WHERE id = %s", confirmation_id)
        mine = row is not None and row["client_id"] == caller.client_id and row["action"] == action
        if row is None or not mine or not secrets.compare_digest(row["digest"], digest):
            raise _invalid("It is not a confirmation of this very request.")
        if not await self._database.run(
            "UPDATE app.confirmation SET status = 'used' WHERE id = %s AND status = 'confirmed' AND expires_at > now()",
            confirmation_id,
        ):
            raise _invalid(f"It is {(await self.get(confirmation_id)).status}.")
        await self._audit.note("confirmation.used", row["subject"], confirmation=confirmation_id)

    async def forget_old(self, *, days: int) -> int:
        """Delete what was asked more than `days` days ago; returns how many."""
        return await self._database.run(
            "DELETE FROM app.confirmation WHERE asked_at < now() - make_interval(days => %s)", days
        )


def _invalid(what: str) -> ConfirmationInvalid:
    return ConfirmationInvalid(
        f"The confirmation does not count: {what}",
        kept="Nothing was done.",
        next_step="Send the request without the header Confirmation to ask anew.",
    )


def _confirmation(row: Row) -> Confirmation:
    over = row["expires_at"].timestamp() < datetime.now(row["expires_at"].tzinfo).timestamp()
    status = "expired" if over and row["status"] in ("pending", "confirmed") else row["status"]
    return Confirmation(
        row["id"],
        row["action"],
        row["subject"],
        row["client_id"],
        row["asked_at"],
        row["expires_at"],
        status,
        row["decided_by"],
        row["decided_at"],
    )
