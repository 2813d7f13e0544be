"""How many sign-ins a minute a site is given, over all accounts, runs and workers."""

from seezar.database import Database

# GCRA (generic cell rate algorithm): each sign-in moves the mark on by one interval; who would move it further ahead of
# now than a whole burst lasts waits for the difference. The clock is the database's, so that workers agree.
_BOOK = """
INSERT INTO app.site_turn AS t (site, booked_until) VALUES (%(site)s, clock_timestamp() + %(each)s * interval '1 s')
ON CONFLICT (site) DO UPDATE
    SET booked_until = greatest(t.booked_until, clock_timestamp()) + %(each)s * interval '1 s'
RETURNING extract(epoch FROM t.booked_until - clock_timestamp())::float8 - %(burst)s AS wait
"""


class SiteTurns:
    """The turns in `app.site_turn`, one row a site.

    Args:
        per_minute: how many sign-ins a minute, and how many at once after a while without any; 0 = as many as come.
    """

    def __init__(self, database: Database, *, per_minute: int) -> None:
        self._database = database
        self.per_minute = per_minute

    async def book(self, site: str) -> float:
        """Book the next turn; returns the seconds until it comes, 0.0 for at once. It cannot be given back.

        Args:
            site: the host.
        """
        if not self.per_minute:
            return 0.0
        async with self._database.connection() as connection:
            cursor = await connection.execute(_BOOK, {"site": site, "each": 60.0 / self.per_minute, "burst": 60.0})
            row = await cursor.fetchone()
        assert row is not None
        return max(0.0, row["wait"])
