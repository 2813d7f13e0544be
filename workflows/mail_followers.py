"""Mail of the providers elsewhere, fetched by the worker for as long as a run waits for it."""

import asyncio
import logging

from seezar.application import Application
from seezar.errors import SeezarError
from seezar.mail.errors import MailboxUnknown
from seezar.mail.provider import Address
from seezar.mail.table import LOCAL

log = logging.getLogger("seezar.worker")

# Runs that wait, or are about to, with their remote mailboxes: the attempt is open, and its mail counts from a cursor.
_WAITING = (
    "SELECT DISTINCT b.address, r.id AS run_id FROM app.run r JOIN app.account a ON a.name = r.account"
    " JOIN app.mailbox b ON b.address = a.mailbox AND b.provider <> %s AND b.provider_id IS NOT NULL"
    " JOIN app.attempt t ON t.run_id = r.id AND t.outcome IS NULL AND t.mail_since IS NOT NULL"
    " WHERE r.finished_at IS NULL AND r.question IS NULL"
)


class MailFollowers:
    """One task for each remote mailbox that a run waits on. What they fetch wakes runs like any other mail."""

    def __init__(self, application: Application) -> None:
        self._app = application
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self, address: str) -> None:
        """Fetch what arrives for a mailbox from now on; nothing to do for our own, or where it is done already.

        Raises:
            MailboxUnknown: it was deleted.
        """
        if self._runs(address):
            return
        mailbox = await self._app.mail.address(address)
        if mailbox.provider != LOCAL and not self._runs(address):
            self._tasks[address] = asyncio.create_task(self._follow(mailbox), name=f"mail-follower {address}")

    async def keep(self) -> None:
        """Fetch for whoever waits, and for nobody else. Takes up what a worker that is gone fetched for."""
        wanted = {row["address"] for row in await self._app.database.all(_WAITING, LOCAL)}
        for address in self._tasks.keys() - wanted:
            self._tasks.pop(address).cancel()
        for address in wanted:
            try:
                await self.begin(address)
            except MailboxUnknown:
                # Deleted this moment; whoever waits for it runs into its deadline.
                continue

    async def close(self) -> None:
        """Stop fetching."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _runs(self, address: str) -> bool:
        task = self._tasks.get(address)
        return task is not None and not task.done()

    async def _follow(self, mailbox: Address) -> None:
        said: str | None = None

        async def told(error: SeezarError | None) -> None:
            nonlocal said
            what = None if error is None or error.retryable else error.what
            if what is not None and what != said:
                await self._tell(mailbox.address, what)
            said = what

        try:
            await self._app.mail.follow(mailbox, told)
        except SeezarError as error:
            # The mailbox was deleted, or a timeline could not be written: the next beat begins anew where it must.
            log.warning("following mail at %s ended: %s", mailbox.provider, error.status)

    async def _tell(self, address: str, what: str) -> None:
        for row in await self._app.database.all(f"{_WAITING} AND b.address = %s", LOCAL, address):
            await self._app.runs.event(row["run_id"], "mail", what)
