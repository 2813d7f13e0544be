"""Stored sessions: one current row an account, encrypted."""

from uuid import uuid4

from seezar.accounts.attempts import ended_meanwhile
from seezar.accounts.records import SessionInfo, SessionState
from seezar.audit import Audit
from seezar.database import Connection, Database, Row
from seezar.errors import NotSignedIn
from seezar.vault import Cipher
from seezar.vault.columns import SESSION


class Sessions:
    """The sessions in `app.session`."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher
        self._audit = Audit(database, cipher)

    async def store(self, account: str, state: SessionState, *, run_id: str) -> str:
        """Make `state` the current session of `account`; returns its id.

        Storing again for the same run replaces the state and keeps the id, so that a step that is run twice after a
        crash stores one session.

        Raises:
            RunEnded: the run was ended meanwhile, or its account removed; nothing was stored.
        """
        async with self._database.connection() as connection:
            session_id = await self.put(connection, account, state, run_id=run_id)
            await self._audit.append(connection, "session.store", account, run=run_id)
        return session_id

    async def put(self, connection: Connection, account: str, state: SessionState, *, run_id: str) -> str:
        """As `store`, in the caller's transaction; the audit log is the caller's as well."""
        cursor = await connection.execute(
            "INSERT INTO app.session (account, id, run_id, state, expires_at) SELECT %s, %s, %s, %s, %s"
            " WHERE NOT EXISTS"
            " (SELECT 1 FROM app.run r WHERE r.id = %s AND (r.finished_at IS NOT NULL OR r.account_removed))"
            " ON CONFLICT (account) DO UPDATE SET state = excluded.state,"
            " id = CASE WHEN app.session.run_id = excluded.run_id THEN app.session.id ELSE excluded.id END,"
            " run_id = excluded.run_id, obtained_at = now(), verified_at = now(), expires_at = excluded.expires_at,"
            " renewed_at = now(), kept_at = NULL RETURNING id",
            (
                account,
                uuid4(),
                run_id,
                self._cipher.encrypt(state.to_json().encode(), context=SESSION.context(account)),
                state.expires_at,
                run_id,
            ),
        )
        row = await cursor.fetchone()
        if row is None:
            raise ended_meanwhile(run_id)
        return str(row["id"])

    async def load(self, account: str) -> SessionState:
        """The current state, for the worker only.

        Raises:
            NotSignedIn: there is none.
            KeyUnusable: it does not open.
        """
        row = await self._database.one("SELECT state FROM app.session WHERE account = %s", account)
        if row is None:
            raise NotSignedIn(
                f"The account {account!r} has no stored session.", next_step=f"Sign in: seezar sign-in {account}."
            )
        return SessionState.from_json(self._cipher.decrypt(bytes(row["state"]), context=SESSION.context(account)))

    async def info(self, account: str) -> SessionInfo | None:
        """What may be shown of the current session, or None."""
        row = await self._database.one("SELECT * FROM app.session WHERE account = %s", account)
        return _info(row) if row else None

    async def list(self) -> list[SessionInfo]:
        """All current sessions by account."""
        return [_info(row) for row in await self._database.all("SELECT * FROM app.session ORDER BY account")]

    async def verified(self, account: str, state: SessionState, *, session_id: str | None = None) -> None:
        """Note that the session worked just now, and what it looks like since (sites renew cookies as they are used).

        Args:
            session_id: do it only if it is still this one; another may have been stored since `state` was loaded.
        """
        await self._database.run(
            "UPDATE app.session SET verified_at = now(), state = %s, expires_at = %s,"
            " renewed_at = CASE WHEN expires_at IS DISTINCT FROM %s THEN now() ELSE renewed_at END"
            " WHERE account = %s AND (%s::text IS NULL OR id::text = %s)",
            self._cipher.encrypt(state.to_json().encode(), context=SESSION.context(account)),
            state.expires_at,
            state.expires_at,
            account,
            session_id,
            session_id,
        )

    async def forget(self, account: str, *, session_id: str | None = None) -> bool:
        """Delete the session (only if it is still the one of `session_id`, when given); returns whether there was
        one.
        """
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                "DELETE FROM app.session WHERE account = %s AND (%s::text IS NULL OR id::text = %s)",
                (account, session_id, session_id),
            )
            if cursor.rowcount:
                await self._audit.append(connection, "session.forget", account)
            return cursor.rowcount > 0


def _info(row: Row) -> SessionInfo:
    return SessionInfo(
        str(row["id"]), row["account"], row["run_id"], row["obtained_at"], row["verified_at"], row["expires_at"]
    )
