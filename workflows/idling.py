"""When a worker that was started by a command may stop."""

import time

from seezar.database import Database

_BUSY = (
    "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'seezar-client%%')"
    # Who waits for a person is no work: it is taken up by whichever worker there is when the answer comes.
    # Nor is a look at a session, which is what the worker does by itself; who asked for one is connected.
    " OR EXISTS (SELECT 1 FROM app.run WHERE finished_at IS NULL AND question IS NULL"
    " AND kind <> 'check_session') AS busy"
)


class Idling:
    """How long nobody has used the workers.

    Args:
        after: seconds without client and work after which a worker stops; 0 = never.
    """

    def __init__(self, database: Database, *, after: float) -> None:
        self._database = database
        self._after = after
        self.busy_at = time.monotonic()

    async def for_long(self) -> bool:
        """Whether it is time to stop; call it at every beat.

        Raises:
            DatabaseUnavailable: it does not answer.
        """
        if not self._after:
            return False
        row = await self._database.one(_BUSY)
        if row is None or row["busy"]:
            self.busy_at = time.monotonic()
        return time.monotonic() - self.busy_at >= self._after
