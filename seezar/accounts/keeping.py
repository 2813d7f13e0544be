"""Which sessions are due to be looked after, and which accounts the worker may sign in by itself."""

from dataclasses import dataclass

from seezar.accounts.facts import read_facts
from seezar.accounts.states import sign_in_at
from seezar.database import Database, server_now

# Looks at the sessions of one site that are under way at the same time; the others are due at the next look.
_AT_A_SITE = 2
# No second sign-in that nobody asked for begins within this, whatever several workers have read before.
_CLAIM = """
INSERT INTO app.account_state (account, state, reason, began_at)
VALUES (%s, 'signing_in', 'The session is gone.', now())
ON CONFLICT (account) DO UPDATE SET began_at = now()
WHERE app.account_state.began_at IS NULL OR app.account_state.began_at < now() - interval '30 seconds'
"""

# When which is due is said by the view app.session_round.
_DUE = """
UPDATE app.session s SET kept_at = now() FROM (
    SELECT d.account, d.soon, row_number() OVER (PARTITION BY t.origins[1] ORDER BY d.at, d.account) + (
               SELECT count(*) FROM app.run r JOIN app.account b ON b.name = r.account
               JOIN app.site u ON u.id = b.site_id AND u.origins[1] = t.origins[1]
               WHERE r.finished_at IS NULL AND r.kind = 'check_session') AS place
    FROM (
        SELECT v.account, coalesce(v.expiring_from <= now() AND v.expires_at > now(), false) AS soon,
               least(v.check_at, CASE WHEN v.expires_at > now() THEN v.renew_at END) AS at
        FROM app.session_round v
    ) d JOIN app.account a ON a.name = d.account JOIN app.site t ON t.id = a.site_id
    WHERE d.at <= now()
      AND NOT EXISTS (SELECT 1 FROM app.site_pause p WHERE p.account = a.name AND p.until > now())
      AND NOT EXISTS (SELECT 1 FROM app.run r WHERE r.account = a.name AND r.finished_at IS NULL)
      AND NOT EXISTS (
        SELECT 1 FROM (SELECT status FROM app.run r WHERE r.account = a.name AND r.created_at >= a.created_at
                       AND r.kind IN ('sign_in', 'check_session') ORDER BY created_at DESC LIMIT 1) l
        WHERE l.status = 'parked')
) d
WHERE d.account = s.account AND d.place <= %s
  AND (s.kept_at IS NULL OR s.kept_at < now() - interval '30 seconds')
RETURNING s.account, d.soon
"""


@dataclass(frozen=True)
class Due:
    """An account whose session is to be looked at; `expiring`: because it is about to end."""

    account: str
    expiring: bool


class Keeping:
    """Claims the sessions that are due, for one of any number of workers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self) -> list[Due]:
        """The sessions that are due now; who claims one has it until it is due again.

        Never one of an account whose site asked for a pause, that a run works on or waits for, whose last one was
        parked; and few of one site at a time.
        """
        rows = await self._database.all(_DUE, _AT_A_SITE)
        return [Due(row["account"], row["soon"]) for row in rows]

    async def lost(self) -> list[str]:
        """The accounts whose session is to be kept and is gone, and that the worker may sign in by itself now; who
        gets one is to do it.
        """
        async with self._database.connection() as connection:
            found = await read_facts(connection, lost=True)
            now = await server_now(connection)
        mine: list[str] = []
        for facts in found:
            due = sign_in_at(facts)
            if due is None or due > now or facts.open_runs:
                continue
            if await self._database.run(_CLAIM, facts.account):
                mine.append(facts.account)
        return mine

    async def may_sign_in(self, account: str, *, asking: str = "") -> bool:
        """Whether the worker may sign the account in by itself, now.

        Args:
            asking: the run that asks; it does not count as somebody else's.
        """
        async with self._database.connection() as connection:
            found = await read_facts(connection, account=account)
            now = await server_now(connection)
        if not found or set(found[0].open_runs) - {asking}:
            return False
        due = sign_in_at(found[0])
        return due is not None and due <= now
