"""What the tables say of an account, as far as it decides how the account is doing and what the worker may do."""

from dataclasses import dataclass
from datetime import datetime

from seezar.database import Connection

# A sign-in that failed counts against the password where it was submitted, and only what came after the last success
# counts. What was done for an account of the same name that was removed says nothing about this one.
_FACTS = """
SELECT a.name AS account, a.keep_alive_s IS NOT NULL AS kept, s.account IS NOT NULL AS stored,
       s.expires_at, d.check_at, d.expiring_from, d.renew_at,
       s.kept_at IS NOT NULL AND s.kept_at >= d.expiring_from AS visited,
       o.id AS open_run, o.question, o.reason AS open_reason,
       l.id AS last_run, l.status AS last_status, l.created_at AS last_at, l.finished_at AS last_ended_at,
       (SELECT max(p.until) FROM app.site_pause p WHERE p.account = a.name) AS paused_until,
       EXISTS (SELECT 1 FROM app.run r WHERE r.account = a.name AND r.kind = 'sign_out' AND r.status = 'signed_out'
               AND r.created_at > l.created_at) AS signed_out,
       EXISTS (SELECT 1 FROM (
                   SELECT r.status FROM app.run r WHERE r.account = a.name AND r.kind IN ('sign_in', 'check_session')
                   AND r.created_at >= a.created_at ORDER BY r.created_at DESC LIMIT 1) n
               WHERE n.status = 'parked') AS parked,
       EXISTS (SELECT 1 FROM app.answer w WHERE w.question <> 'terms' AND w.run_id = (
               SELECT r.id FROM app.run r WHERE r.account = a.name AND r.kind = 'sign_in' AND r.attempts > 0
               AND r.created_at >= a.created_at ORDER BY r.created_at DESC LIMIT 1)) AS asked,
       ARRAY(SELECT r.id FROM app.run r WHERE r.account = a.name AND r.finished_at IS NULL) AS open_runs,
       EXISTS (SELECT 1 FROM app.account_state h WHERE h.account = a.name AND h.state = 'broken') AS broken,
       f.strikes, f.unanswered, f.refused, f.last_strike_at, f.faults, f.last_fault_at
FROM app.account a
LEFT JOIN app.session s ON s.account = a.name
LEFT JOIN app.session_round d ON d.account = a.name
LEFT JOIN app.run o ON o.account = a.name AND o.kind = 'sign_in' AND o.finished_at IS NULL
LEFT JOIN LATERAL (
    SELECT r.* FROM app.run r WHERE r.account = a.name AND r.kind = 'sign_in' AND r.finished_at IS NOT NULL
    AND r.created_at >= a.created_at ORDER BY r.created_at DESC LIMIT 1
) l ON true
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE c.strike) AS strikes, max(c.finished_at) FILTER (WHERE c.strike) AS last_strike_at,
           count(*) FILTER (WHERE c.strike AND c.status = 'site_error') AS unanswered,
           count(*) FILTER (WHERE c.status = 'bad_credentials') > 0 AS refused,
           count(*) FILTER (WHERE NOT c.strike) AS faults,
           max(c.finished_at) FILTER (WHERE NOT c.strike) AS last_fault_at
    FROM (
        SELECT r.finished_at, r.status, EXISTS (
                   SELECT 1 FROM app.attempt t WHERE t.run_id = r.id AND t.submitted) AS strike
        FROM app.run r
        WHERE r.account = a.name AND r.kind = 'sign_in' AND r.finished_at IS NOT NULL AND r.status <> 'signed_in'
          AND r.created_at >= a.created_at
          AND r.created_at > coalesce((
              SELECT g.created_at FROM app.run g WHERE g.account = a.name AND g.kind = 'sign_in'
              AND g.status = 'signed_in' ORDER BY g.created_at DESC LIMIT 1), '-infinity')
        ORDER BY r.created_at DESC LIMIT 50
    ) c
) f
WHERE (%(account)s::text IS NULL OR a.name = %(account)s)
  AND (NOT %(lost)s OR a.keep_alive_s IS NOT NULL AND s.account IS NULL)
ORDER BY a.name
"""


@dataclass(frozen=True)
class Facts:
    """What counts of one account.

    Attributes:
        kept: its session is to be kept alive, by sign-ins too.
        stored: a session of it is stored; `expires_at` is when its cookies end it, where they say so.
        check_at: when it is looked at by the interval; None without one.
        expiring_from: from when on its end counts as near; `renew_at` is the next visit in there.
        visited: the worker has visited it since then, and the end is still near.
        open_run: the sign-in that is under way; `question` is what it asks a person, if it waits for one.
        last_run: the last sign-in that has ended, and how.
        paused_until: until when the site is left alone; may be over.
        signed_out: somebody has signed out since.
        asked: a person was needed for the last sign-in that touched the site.
        open_runs: ids of everything that is at work on the account, or waits.
        broken: it was found to be, and nobody has tried since; the runs that told so may have been cleaned away.
        parked: its last sign-in or look at its session took one worker after another down.
        strikes: sign-ins since the last success that submitted something and failed; `unanswered` of them as the site
            did not answer, or failed by itself.
        refused: one of those since the last success was refused its password.
        faults: sign-ins since then that failed before anything was submitted.
    """

    account: str
    kept: bool = False
    stored: bool = False
    expires_at: datetime | None = None
    check_at: datetime | None = None
    expiring_from: datetime | None = None
    renew_at: datetime | None = None
    visited: bool = False
    open_run: str | None = None
    question: str | None = None
    open_reason: str | None = None
    last_run: str | None = None
    last_status: str | None = None
    last_at: datetime | None = None
    last_ended_at: datetime | None = None
    paused_until: datetime | None = None
    signed_out: bool = False
    asked: bool = False
    open_runs: tuple[str, ...] = ()
    broken: bool = False
    parked: bool = False
    strikes: int = 0
    unanswered: int = 0
    refused: bool = False
    last_strike_at: datetime | None = None
    faults: int = 0
    last_fault_at: datetime | None = None


async def read_facts(connection: Connection, *, account: str | None = None, lost: bool = False) -> list[Facts]:
    """The facts of every account, by name.

    Args:
        account: of this one only.
        lost: only of those that are to be kept and have no session.
    """
    rows = await (await connection.execute(_FACTS, {"account": account, "lost": lost})).fetchall()
    for row in rows:
        row["open_runs"] = tuple(row["open_runs"])
    return [Facts(**row) for row in rows]
