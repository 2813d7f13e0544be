"""What the worker does at its beat so that accounts stay signed in, and so that people know how they are doing."""

import time

from seezar.application import Application
from workflows.names import CHECK_SESSION
from workflows.notices import NoticeSender
from workflows.queueing import Queueing

# Between two looks.
_EVERY_S = 5.0


class Keeper:
    """Visits, sign-ins that nobody asked for, states and notices. All of it is read from the tables at every look."""

    def __init__(self, application: Application, queueing: Queueing) -> None:
        self._app = application
        self._queueing = queueing
        self._notices = NoticeSender(application)
        self._looked_at = 0.0

    async def keep(self) -> None:
        """Call it at every beat.

        Raises:
            DatabaseUnavailable: it does not answer.
        """
        if time.monotonic() - self._looked_at < _EVERY_S:
            return
        self._looked_at = time.monotonic()
        for due in await self._app.keeping.claim():
            await self._queueing.start(CHECK_SESSION, due.account, {"expiring": due.expiring}, scheduled=True)
        for account in await self._app.keeping.lost():
            await self._queueing.sign_in(account, scheduled=True)
        await self._app.states.refresh()
        self._notices.begin()

    async def close(self) -> None:
        """Stop delivering."""
        await self._notices.close()
