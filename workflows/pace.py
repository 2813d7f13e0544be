"""How often the queues are looked at: often while somebody is about to ask for work, seldom otherwise.

DBOS finds queued workflows by polling alone. Half of its interval is added to every request on average, and each look
costs an idle worker a few queries.
"""

from dbos import DBOS

from seezar.application import Application
from workflows.names import QUEUES

# A tenth of a second kept an idle worker at several per cent of a core; a twentieth is not noticed by a person.
IDLE_S = 0.25
BUSY_S = 0.05

# Somebody asked a short while ago, or has just connected, which is what is done before one asks.
_BUSY = """
SELECT EXISTS (SELECT 1 FROM app.run WHERE created_at > now() - interval '30 seconds')
    OR EXISTS (SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'seezar-client%%'
               AND backend_start > now() - interval '30 seconds') AS busy
"""


class Pace:
    """Sets the polling interval of the queues; several workers come to the same result."""

    def __init__(self) -> None:
        self._interval = IDLE_S

    async def keep(self, application: Application) -> None:
        """Call it at every beat.

        Raises:
            DatabaseUnavailable: it does not answer.
        """
        row = await application.database.one(_BUSY)
        wanted = BUSY_S if row is not None and row["busy"] else IDLE_S
        if wanted == self._interval:
            return
        for name in QUEUES:
            queue = await DBOS.retrieve_queue_async(name)
            if queue is not None:
                await queue.set_polling_interval_sec_async(wanted)
        self._interval = wanted
