"""What else goes wrong around a sign-in: its browser, the database, the mail, the site, the clock."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import psutil

from playground.world import DemoAccount
from seezar.database.embedded import EmbeddedServer
from tests.chaos.checks import Found, examine, outcome, seen
from tests.chaos.world import ChaosWorld, killed_at
from tests.relay import Relay
from tests.world import free_port

type Disturbance = Callable[[ChaosWorld], Awaitable[Found]]


class Run:
    """A sign-in that something happens to.

    Args:
        case: its name.
        site: where a newcomer signs in.
        expected: how it must end.

    Attributes:
        kills: when something was killed, epoch seconds.
        plans: kills that workers do themselves, which must have been done by the end.
    """

    def __init__(self, chaos: ChaosWorld, case: str, site: str, *, expected: str = "signed_in") -> None:
        self._chaos = chaos
        self._case, self._expected = case, expected
        self.account: DemoAccount = chaos.newcomer(site)
        self.kills: list[float] = []
        self.plans: list[Path] = []
        self._missed = False
        self.id = ""
        self._began = 0.0

    async def begin(self) -> None:
        """Ask for it."""
        self._began = time.time()
        self.id = await self._chaos.world.client.sign_in(self.account.name, fresh=True)

    def reached(self, step: str) -> bool:
        """Whether its timeline has this step."""
        query = "SELECT 1 FROM app.run_event WHERE run_id = %s AND step = %s"
        return bool(self._chaos.witness(query, self.id, step))

    async def until(self, step: str) -> None:
        """Wait for this step."""
        assert await seen(lambda: self.reached(step), timeout=120), f"the run did not come to {step}"

    async def waits(self) -> None:
        """Wait until its page is stored and the mail is awaited."""
        query = "SELECT 1 FROM app.attempt WHERE run_id = %s AND checkpoint IS NOT NULL"
        assert await seen(lambda: bool(self._chaos.witness(query, self.id)), timeout=120)

    def hit(self, what: int = 1) -> None:
        """So many things were killed, or cut, just now: one kill as far as the run is concerned. With none of them, the
        case shows nothing.
        """
        self.kills.append(time.time())
        self._missed = self._missed or not what

    async def end(self) -> Found:
        """Wait for its end, and judge it."""
        result = await outcome(self._chaos, self.id)
        for plan in self.plans:
            at = killed_at(plan)
            if at is not None:
                self.kills.append(at)
            self._missed = self._missed or at is None
        found = await examine(
            self._chaos,
            self.account,
            self.id,
            result,
            case=self._case,
            began=self._began,
            kills=self.kills,
            expected=self._expected,
        )
        if self._missed:
            found.faults.append("nothing was there to be killed")
        return found


async def browser_killed(chaos: ChaosWorld) -> Found:
    """SIGKILL of every Chromium between the password and what comes after it."""
    run = Run(chaos, "Chromium killed after the password", "totp")
    await run.begin()
    await run.until("password")
    browsers = [process for note in chaos.crew.notes() for process in chaos.crew.browsers(note)]
    run.hit(len(browsers))
    for process in browsers:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return await run.end()


async def listener_killed(chaos: ChaosWorld) -> Found:
    """SIGKILL of the worker that takes the mail, while a mail is awaited; the other one takes it from then on."""
    run = Run(chaos, "mail listener killed while the mail is awaited", "mail")
    chaos.mailer.hold.set()
    try:
        await run.begin()
        await run.waits()
        listeners = [note for note in chaos.crew.notes() if note.smtp_port]
        run.hit(len(listeners))
        for note in listeners:
            chaos.crew.kill(note, family=True)
    finally:
        chaos.mailer.hold.clear()
    return await run.end()


async def listening_cut(chaos: ChaosWorld) -> Found:
    """The connections on which mail is announced break."""
    run = Run(chaos, "connection of the mail listener broken", "mail")
    chaos.mailer.hold.set()
    try:
        await run.begin()
        await run.waits()
        cut = chaos.witness(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'seezar-listen' AND datname = current_database()"
        )
        run.hit(len(cut))
    finally:
        chaos.mailer.hold.clear()
    return await run.end()


async def smtp_down(chaos: ChaosWorld) -> Found:
    """Nobody takes the site's mail, and the site says so; the next sign-in works."""
    run = Run(chaos, "SMTP down", "mail", expected="site_error")
    port, chaos.mailer.port, chaos.mailer.direct = chaos.mailer.port, free_port(), True
    try:
        await run.begin()
        found = await run.end()
    finally:
        chaos.mailer.port, chaos.mailer.direct = port, False
    return await _again(chaos, run.account, found)


async def site_down(chaos: ChaosWorld) -> Found:
    """Nobody answers at the site's address; the next sign-in works."""
    run = Run(chaos, "site down", "plain", expected="site_error")
    playground = chaos.world.playground
    playground._asked_port = playground.port
    await playground.__aexit__(None, None, None)
    try:
        await run.begin()
        found = await run.end()
    finally:
        await playground.__aenter__()
    return await _again(chaos, run.account, found)


async def site_down_while_waiting(chaos: ChaosWorld) -> Found:
    """The site restarts while its mail is awaited, and the worker dies; the page is rebuilt when it is back."""
    run = Run(chaos, "site restarted and worker killed while the mail is awaited", "mail")
    playground = chaos.world.playground
    playground._asked_port = playground.port
    chaos.mailer.hold.set()
    try:
        await run.begin()
        await run.waits()
        await playground.__aexit__(None, None, None)
        try:
            run.hit()
            for note in chaos.crew.notes()[:1]:
                chaos.crew.kill(note, family=True)
            await chaos.crew.keep(2, ready=1)
        finally:
            await playground.__aenter__()
    finally:
        chaos.mailer.hold.clear()
    return await run.end()


async def site_slow(chaos: ChaosWorld) -> Found:
    """Every page takes two seconds, and the worker dies while one is awaited."""
    run = Run(chaos, "slow site, worker killed after the password", "mail")
    run.plans.append(chaos.arm(run.account.name, "event password", "after", family=True))
    chaos.world.state.knobs.page_delay = 2.0
    try:
        await run.begin()
        return await run.end()
    finally:
        chaos.world.state.knobs.page_delay = 0.0


def clock_jump(seconds: float, *, kill: bool = False) -> Disturbance:
    """The workers' clock jumps by so much while a mail is awaited; they die as well, if wanted."""

    async def jump(chaos: ChaosWorld) -> Found:
        run = Run(
            chaos, f"clock {seconds:+.0f} s while the mail is awaited{' and worker killed' if kill else ''}", "mail"
        )
        chaos.mailer.hold.set()
        try:
            await run.begin()
            await run.waits()
            chaos.skew(seconds)
            if kill:
                run.hit()
                for note in chaos.crew.notes():
                    chaos.crew.kill(note, family=True)
                await chaos.crew.keep(2, ready=1)
        finally:
            chaos.mailer.hold.clear()
        try:
            return await run.end()
        finally:
            chaos.skew(0.0)

    return jump


def clock_wrong(seconds: float, site: str) -> Disturbance:
    """The workers' clock is wrong by so much all the time."""

    async def wrong(chaos: ChaosWorld) -> Found:
        run = Run(chaos, f"clock {seconds:+.0f} s wrong on {site}", site)
        chaos.skew(seconds)
        try:
            await run.begin()
            return await run.end()
        finally:
            chaos.skew(0.0)

    return wrong


def postmaster_killed(step: str) -> Disturbance:
    """SIGKILL of PostgreSQL's postmaster at this step (`the mail`: while it is awaited); for the embedded server."""

    async def killed(chaos: ChaosWorld) -> Found:
        run = Run(chaos, f"PostgreSQL killed at {step}", "mail")
        if step == "the mail":
            chaos.mailer.hold.set()
        try:
            await run.begin()
            await (run.waits() if step == "the mail" else run.until(step))
            pid = EmbeddedServer(chaos.world.settings.home).pid()
            assert pid is not None
            run.hit()
            os.kill(pid, signal.SIGKILL)
        finally:
            chaos.mailer.hold.clear()
        return await run.end()

    return killed


def database_away(relay: Relay, seconds: float, step: str) -> Disturbance:
    """PostgreSQL on another machine cannot be reached for so long, from this step on."""

    async def away(chaos: ChaosWorld) -> Found:
        run = Run(chaos, f"PostgreSQL away for {seconds:.0f} s at {step}", "mail")
        await run.begin()
        await run.until(step)
        # It counts as a kill: the browser life that could not write down what it did is done again.
        run.hit()
        relay.cut()
        try:
            await asyncio.sleep(seconds)
        finally:
            relay.mend()
        return await run.end()

    return away


async def _again(chaos: ChaosWorld, account: DemoAccount, found: Found) -> Found:
    run_id = await chaos.world.client.sign_in(account.name, fresh=True)
    result = await outcome(chaos, run_id)
    if result["status"] != "signed_in":
        found.faults.append(f"the sign-in after it ended as {result['status']}: {result['reason']}")
    return found


SHORT: dict[str, Disturbance] = {
    "Chromium": browser_killed,
    "mail listener": listener_killed,
    "SMTP": smtp_down,
    "site": site_down,
    "clock ahead": clock_jump(45.0),
}
LONG: dict[str, Disturbance] = {
    **SHORT,
    "mail connection": listening_cut,
    "site restarts": site_down_while_waiting,
    "site slow": site_slow,
    "clock back": clock_jump(-3600.0),
    "clock ahead and kill": clock_jump(45.0, kill=True),
    "clock back and kill": clock_jump(-3600.0, kill=True),
    "clock an hour ahead, mail": clock_wrong(3600.0, "mail"),
    "clock an hour ahead, link": clock_wrong(3600.0, "link"),
    "clock an hour ahead, TOTP": clock_wrong(3600.0, "totp"),
}
# Longer than the pool waits for a connection, and than any retry of a step; and where that hurts most.
AWAY: tuple[tuple[float, str], ...] = ((12.0, "password"), (60.0, "open"), (60.0, "password"), (60.0, "verify"))
POSTMASTER: dict[str, Disturbance] = {
    step: postmaster_killed(step) for step in ("the mail", "open", "password", "verify", "store")
}
