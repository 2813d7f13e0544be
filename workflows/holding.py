"""Holding the slot: noticing that its connection is gone, taking it again, and looking for runs of the dead."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn

import psycopg
from sqlalchemy.exc import DBAPIError

from seezar.errors import DatabaseUnavailable
from seezar.settings import Settings
from workflows.adoption import Adopter
from workflows.ground import prepare_database
from workflows.serializer import unforeseen
from workflows.slots import SlotHolder, SlotLost

log = logging.getLogger("seezar.worker")

# A quarter of the time after which others adopt the runs of a slot that is free.
_LOOK_S = 0.4
# Every so many looks, runs of the dead are looked for as well.
_ADOPT_EVERY = 2


class Holding:
    """Holds for one worker, beside whatever else it does.

    Args:
        lost: called when the slot belongs to somebody else; does not return.
        held_again: called when the slot was taken again after the database was away.
    """

    def __init__(
        self,
        settings: Settings,
        slots: SlotHolder,
        adopter: Adopter,
        *,
        lost: Callable[[], NoReturn],
        held_again: Callable[[], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._slots = slots
        self._adopter = adopter
        self._lost = lost
        self._held_again = held_again
        self._troubled = False
        # A worker that is told to stop adopts nothing any more, and still holds its slot.
        self.adopts = True

    async def run(self) -> None:
        """Hold the slot until cancelled."""
        look = 0
        while True:
            await asyncio.sleep(_LOOK_S)
            look += 1
            try:
                if not await self._slots.alive():
                    await self._take_again()
                if self.adopts and look % _ADOPT_EVERY == 0:
                    await self._adopter.look()
            except (DatabaseUnavailable, psycopg.OperationalError, DBAPIError) as error:
                # Its own text may quote a statement.
                self._trouble(f"the database does not answer ({type(error).__name__})")
            except Exception as error:  # noqa: BLE001 - a row that nobody foresaw must not end one worker after another
                self._trouble(unforeseen(error))
            else:
                self._troubled = False

    def _trouble(self, what: str) -> None:
        # Told once, not at every look.
        if not self._troubled:
            log.warning("the slot is looked after again later: %s", what)
        self._troubled = True

    async def _take_again(self) -> None:
        log.warning("worker-%d lost the connection of its slot", self._slots.slot)
        try:
            await self._slots.take_again()
        except SlotLost:
            self._lost()
        except DatabaseUnavailable:
            # One that died is started again by whoever notices first; one that was told to stop had its workers
            # stopped before.
            if self._settings.database_url is None:
                await asyncio.to_thread(prepare_database, self._settings)
            raise
        self._adopter.forget()
        await self._held_again()
        log.info("worker-%d holds its slot again", self._slots.slot)
