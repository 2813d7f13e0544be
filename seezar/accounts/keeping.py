"""Which sessions are due to be looked after, and how often at most."""

from dataclasses import dataclass

from seezar.database import Database

# Whatever interval was asked for, a site is not asked more often.
_LEAST_S = 30.0
# By itself the worker signs an account in no more often than this.
_BETWEEN_SIGN_INS_S = 900.0

# A session is renewed within the last tenth of its life, or the last five minutes, or half of a life that is shorter.
_DUE = """
UPDATE app.session s SET kept_at = now() FROM (
    SELECT c.account, c.soon FROM (
        SELECT t.*, t.expires_at - t.renewed_at AS life, coalesce(
            t.expires_at > now() AND t.expires_at - now() < least(
                greatest((t.expires_at - t.renewed_at) * 0.1, interval '5 minutes'), (t.expires_at - t.renewed_at) / 2
            ), false) AS soon
        FROM app.session t
    ) c JOIN app.account a ON a.name = c.account
    WHERE (greatest(c.verified_at, c.kept_at) < now() - make_interval(secs => greatest(a.keep_alive_s, %s))
           AND a.keep_alive_s IS NOT NULL
        OR c.soon AND (c.kept_at IS NULL OR c.kept_at < now() - greatest(
            interval '30 seconds', least(interval '5 minutes', c.life / 4))))
      AND NOT EXISTS (SELECT 1 FROM app.site_pause p WHERE p.account = a.name AND p.until > now())
      AND NOT EXISTS (SELECT 1 FROM app.run r WHERE r.account = a.name AND r.finished_at IS NULL)
      AND NOT EXISTS (
        SELECT 1 FROM (SELECT status FROM app.run r WHERE r.account = a.name AND r.kind = 'sign_in'
                       ORDER BY created_at DESC LIMIT 1) l WHERE l.status = 'bad_credentials')
) d
WHERE d.account = s.account
  AND (s.kept_at IS NULL OR s.kept_at < now() - make_interval(secs => %s))
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

        Never one of an account whose site asked for a pause, that a run works on or waits for, or whose password was
        refused.
        """
        rows = await self._database.all(_DUE, _LEAST_S, _LEAST_S)
        return [Due(row["account"], row["soon"]) for row in rows]

    async def may_sign_in(self, account: str) -> bool:
        """Whether the worker may queue a sign-in by itself: none is open, and the last one was not just now."""
        row = await self._database.one(
            "SELECT EXISTS (SELECT 1 FROM app.run WHERE account = %s AND kind = 'sign_in'"
            " AND (finished_at IS NULL OR created_at > now() - make_interval(secs => %s))) AS recent",
            account,
            _BETWEEN_SIGN_INS_S,
        )
        return row is not None and not row["recent"]
