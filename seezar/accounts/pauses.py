"""Sites that are left alone for a while, because they asked for it or have locked the account."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from seezar.database import Database, server_now

# How long when the site does not say: rate limits of logins are counted in minutes, lock-outs in quarters of an hour
# (OWASP Authentication Cheat Sheet, account lockout).
_RATE_LIMIT_S = 60.0
_LOCK_S = 900.0
_LONGEST_GROWN_S = 3600.0
# A site that says "in ten years" means something else.
_LONGEST_S = 86_400.0
# A pause so long ago says nothing about the next one.
_FORGOTTEN_S = 86_400.0
PAUSING = ("rate_limited", "locked")


@dataclass(frozen=True)
class Pause:
    """The site of `account` is not asked to sign in before `until`; `status` is why (`rate_limited` or `locked`)."""

    account: str
    status: str
    until: datetime
    reason: str

    @property
    def sentence(self) -> str:
        """What is told to whoever asks for a sign-in meanwhile."""
        until = self.until.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        return f"{self.reason} The site is left alone until {until} UTC; nothing was sent to it now."


class Pauses:
    """The pauses in `app.site_pause`: one an account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(
        self, account: str, status: str, *, reason: str, retry_after_s: float | None, now: datetime | None = None
    ) -> Pause:
        """Leave the site alone from now on.

        Args:
            status: `rate_limited` or `locked`.
            retry_after_s: what the site said, seconds; at most a day is believed. None: 60 s for a rate limit, twice as
                long with every further one up to an hour; 15 min for a lock-out.
        """
        async with self._database.connection() as connection:
            now = now or await server_now(connection)
            cursor = await connection.execute(
                "SELECT until, times FROM app.site_pause WHERE account = %s FOR UPDATE", (account,)
            )
            before = await cursor.fetchone()
            recent = before is not None and before["until"] > now - timedelta(seconds=_FORGOTTEN_S)
            times = before["times"] + 1 if before is not None and recent else 1
            until = now + timedelta(seconds=_length(status, retry_after_s, times))
            await connection.execute(
                "INSERT INTO app.site_pause (account, status, until, reason, times) VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT (account) DO UPDATE SET status = excluded.status, until = excluded.until,"
                " reason = excluded.reason, times = excluded.times",
                (account, status, until, reason, times),
            )
        return Pause(account, status, until, reason)

    async def current(self, account: str) -> Pause | None:
        """The pause that is on, or None."""
        row = await self._database.one(
            "SELECT account, status, until, reason FROM app.site_pause WHERE account = %s AND until > now()", account
        )
        return Pause(**row) if row else None

    async def clear(self, account: str) -> None:
        """The account has signed in: whatever was is over."""
        await self._database.run("DELETE FROM app.site_pause WHERE account = %s", account)


def _length(status: str, retry_after_s: float | None, times: int) -> float:
    if retry_after_s is not None:
        return min(max(retry_after_s, 1.0), _LONGEST_S)
    if status == "locked":
        return _LOCK_S
    return min(_RATE_LIMIT_S * 2.0 ** min(times - 1, 10), _LONGEST_GROWN_S)
