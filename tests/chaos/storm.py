"""Random kills: several people sign in all the time, and every few seconds something is killed."""

import asyncio
import random
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from playground.world import DemoAccount
from tests.chaos.checks import Found, examine, outcome
from tests.chaos.world import SHAPES, WRONG, ChaosWorld

# A kill comes while a worker is ready, within so many times of what an undisturbed sign-in takes.
_LONGEST_PAUSE = 1.0
# A run that is killed faster than it can get anywhere proves nothing: it is then let come to its end.
_MOST_KILLS_A_RUN = 4
_SITES = (*SHAPES, WRONG)
_UNDISTURBED = 1


@dataclass
class Lane:
    """One who signs in again and again, on one site after the other, each with an account of their own."""

    accounts: dict[str, DemoAccount]
    began: dict[str, float] = field(default_factory=dict[str, float])


class Storm:
    """Kills in one world.

    Args:
        chance: where the random numbers come from.
        add: is given each run that was judged.
        say: is given the progress.
    """

    def __init__(
        self, chaos: ChaosWorld, chance: random.Random, add: Callable[[Found], None], say: Callable[[str], None]
    ) -> None:
        self._chaos = chaos
        self._chance = chance
        self._add = add
        self._say = say
        self._kills: list[float] = []
        self._under_way: list[float] = []
        self._over = False
        self._usual: dict[str, float] = {}

    async def blow(self, kills: int, *, until: float | None = None, lanes: int = 3) -> int:
        """Kill so often while so many sign in; returns how often it was done.

        Args:
            until: when to stop (monotonic seconds).
        """
        people = [Lane({site: self._chaos.newcomer(site) for site in _SITES}) for _ in range(lanes)]
        for site in _SITES:
            took = [(await self._one(people[0].accounts[site], site)).seconds for _ in range(_UNDISTURBED)]
            self._usual[site] = statistics.median(took)
        walking = [asyncio.create_task(self._walk(lane)) for lane in people]
        try:
            while len(self._kills) < kills and (until is None or time.monotonic() < until):
                before = len(self._kills)
                await self._strike()
                for task in walking:
                    if task.done():
                        task.result()
                if len(self._kills) > before and len(self._kills) % 10 == 0:
                    self._say(f"{len(self._kills)} kills in this world")
        finally:
            self._over = True
        await self._chaos.crew.keep(1)
        await asyncio.gather(*walking)
        return len(self._kills)

    async def _walk(self, lane: Lane) -> None:
        while not self._over:
            site = self._chance.choice(_SITES)
            self._add(await self._one(lane.accounts[site], site))

    async def _one(self, account: DemoAccount, site: str) -> Found:
        client, began = self._chaos.world.client, time.time()
        self._under_way.append(began)
        try:
            run_id = await client.sign_in(account.name, fresh=True)
            result = await outcome(self._chaos, run_id)
        finally:
            self._under_way.remove(began)
        return await examine(
            self._chaos,
            account,
            run_id,
            result,
            case=f"random: {site}",
            began=began,
            kills=[at for at in self._kills if at >= began],
            expected="bad_credentials" if site == WRONG else "signed_in",
            usual_s=self._usual.get(site),
        )

    def _most_kills(self) -> int:
        return max(sum(at >= began for at in self._kills) for began in self._under_way)

    async def _strike(self) -> None:
        crew, chance = self._chaos.crew, self._chance
        await crew.keep(chance.choice((1, 2, 2)), ready=1)
        await asyncio.sleep(chance.uniform(0.0, _LONGEST_PAUSE * statistics.mean(self._usual.values())))
        notes = crew.notes()
        if not notes or not self._under_way or self._most_kills() >= _MOST_KILLS_A_RUN:
            return
        note, how = chance.choice(notes), chance.random()
        self._kills.append(time.time())
        if how < 0.15:
            for process in crew.browsers(note):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        else:
            crew.kill(note, family=how < 0.6)
