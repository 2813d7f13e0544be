"""Which sessions are due to be looked after, and how often at most."""

from dataclasses import dataclass

from seezar.database import Database

# Whatever interval was asked for, a site is not asked more often.
_LEAST_S = 30.0
# By itself the worker signs an account in no more often than this.
_BETWEEN_SIGN_INS_S = 900.0

# A session is renewed within the last tenth of its life, or the last five minutes, or half of a life that is shorter:
# the window, in which it is visited three times at most.
_DUE = """
UPDATE app.session s SET kept_at = now() FROM (
    SELECT c.account, c.soon FROM (
        SELECT w.*, coalesce(w.expires_at > now() AND w.expires_at - now() < w.span, false) AS soon FROM (
            SELECT t.*, least(greatest((t.expires_at - t.renewed_at) * 0.1, interval '5 minutes'),
                              (t.expires_at - t.renewed_at) / 2) AS span
            FROM app.session t
        ) w
    ) c JOIN app.account a ON a.name = c.account
    WHERE (greatest(c.verified_at, c.kept_at) < now() - make_interval(secs => greatest(a.keep_alive_s, %s))
           AND a.keep_alive_s IS NOT NULL
        OR c.soon AND (c.kept_at IS NULL OR c.kept_at < now() - greatest(interval '30 seconds', c.span / 3)))
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

# Where the worker may sign in by itself: somebody asked for the session to be kept, the last sign-in succeeded without
# a person (terms, once accepted, are not asked for again) and was not just now, nobody has signed out since, and nobody
# else is at work. So one that fails is the last, until a person or a caller has signed in again.
_MAY_SIGN_IN = """
SELECT a.name, EXISTS (SELECT 1 FROM app.session s WHERE s.account = a.name) AS stored
FROM app.account a CROSS JOIN LATERAL (
    SELECT r.status, r.created_at FROM app.run r WHERE r.account = a.name AND r.kind = 'sign_in'
    ORDER BY r.created_at DESC LIMIT 1
) l
WHERE a.keep_alive_s IS NOT NULL AND l.status = 'signed_in' AND l.created_at < now() - make_interval(secs => %s)
  AND NOT EXISTS (SELECT 1 FROM app.run r WHERE r.account = a.name AND r.finished_at IS NULL AND r.id <> %s)
  AND NOT EXISTS (SELECT 1 FROM app.site_pause p WHERE p.account = a.name AND p.until > now())
  AND NOT EXISTS (
    SELECT 1 FROM app.run o WHERE o.account = a.name AND o.kind = 'sign_out' AND o.status = 'signed_out'
    AND o.created_at > l.created_at)
  AND NOT EXISTS (
    SELECT 1 FROM app.answer w WHERE w.question <> 'terms' AND w.run_id = (
        SELECT r.id FROM app.run r WHERE r.account = a.name AND r.kind = 'sign_in' AND r.attempts > 0
        ORDER BY r.created_at DESC LIMIT 1))
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

    async def lost(self) -> list[str]:
        """The accounts whose session is to be kept and is gone, and that the worker may sign in by itself."""
        rows = await self._database.all(_MAY_SIGN_IN, _BETWEEN_SIGN_INS_S, "")
        return [row["name"] for row in rows if not row["stored"]]

    async def may_sign_in(self, account: str, *, asking: str = "") -> bool:
        """Whether the worker may sign the account in by itself.

        Args:
            asking: the run that asks; it does not count as somebody else's.
        """
        rows = await self._database.all(_MAY_SIGN_IN, _BETWEEN_SIGN_INS_S, asking)
        return any(row["name"] == account for row in rows)
