"""The database for the ledger of a process that has no `Application` of its own, such as a server of ADK."""

import asyncio

from seezar.database import Database
from seezar.database.embedded import EmbeddedServer
from seezar.errors import DatabaseUnavailable
from seezar.settings import Settings

# It does not count as a client: models are asked on behalf of one that does.
_NAME = "seezar-models"


class LedgerDatabase:
    """Opens the database when it is first needed, once for each event loop. Starts no server.

    Args:
        settings: name the server, or the home of the embedded one.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opened: dict[int, tuple[asyncio.AbstractEventLoop, Database]] = {}

    async def __call__(self) -> Database:
        """The database.

        Raises:
            DatabaseUnavailable: it does not run or answer.
        """
        loop = asyncio.get_running_loop()
        known = self._opened.get(id(loop))
        # A number is given again once its loop is gone.
        if known is not None and known[0] is loop:
            return known[1]
        settings = self._settings
        url = settings.database_url or await asyncio.to_thread(EmbeddedServer(settings.home).url)
        if url is None:
            raise DatabaseUnavailable("The embedded database does not run.", next_step="seezar db start starts it.")
        database = await Database.open(url, application_name=_NAME, max_size=1, timeout=2.0)
        self._opened[id(loop)] = (loop, database)
        return database
