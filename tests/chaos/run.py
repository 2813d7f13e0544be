"""The long kill matrix: every case of it, and then random kills: `python -m tests.chaos.run`, or `make chaos`.

It prints a table in the end, and ends with 1 when a figure that must be zero is not.
"""

import argparse
import asyncio
import json
import os
import platform
import random
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from seezar.database.embedded import EmbeddedServer
from seezar.database.urls import with_database
from tests.chaos import disturbances
from tests.chaos.cases import SHORT, Case, points_of, run_case
from tests.chaos.checks import ZEROS, Found, aftermath, rows, summary
from tests.chaos.storm import Storm
from tests.chaos.world import SHAPES, WRONG, ChaosWorld, chaos_world
from tests.relay import Relay

# A world grows old as a browser does; so many kills each get a new one, and its left-overs are looked for.
_KILLS_A_WORLD = 100
_SITES = (*SHAPES, WRONG)


class Report:
    """What was found so far; tells it as it goes."""

    def __init__(self) -> None:
        self.found: list[Found] = []
        self.faults: list[str] = []
        self.kills = 0
        self.cases = 0
        self.cases_done = 0
        self._began = time.monotonic()

    def add(self, found: Found) -> None:
        """A run that was judged."""
        self.found.append(found)
        for fault in found.faults:
            self.say(f"FAULT {found.case}: {fault} ({found.run_id})")

    def left_over(self, faults: Sequence[str], where: str) -> None:
        """What was left when nothing was under way."""
        self.faults.extend(f"{where}: {fault}" for fault in faults)
        for fault in faults:
            self.say(f"FAULT {where}: {fault}")

    def say(self, text: str) -> None:
        """Progress."""
        sys.stderr.write(f"{time.monotonic() - self._began:7.0f} s  {text}\n")
        sys.stderr.flush()


async def every_case(postgres: str, report: Report, *, seed: int, end: float | None) -> None:
    """Kill at each point that a run of each site passes, without and with the browser; and the cases by name."""
    async with chaos_world(postgres, each=90) as chaos:
        cases: list[Case] = []
        usual: dict[str, float] = {}
        for site in _SITES:
            await points_of(chaos, site)
            points, usual[site] = await points_of(chaos, site)
            cases += [Case(site, (point,), family=bool(number % 2)) for number, point in enumerate(points)]
        cases += [case for case in SHORT if case not in cases]
        # Who has no time for all has some of each kind.
        random.Random(seed).shuffle(cases)
        report.cases = len(cases) + len(disturbances.LONG) + len(disturbances.POSTMASTER) + len(disturbances.AWAY)
        for number, case in enumerate(cases, 1):
            if end is not None and time.monotonic() > end:
                report.say(f"no time for cases {number} to {len(cases)}")
                break
            await chaos.crew.keep(2, ready=1)
            found = await run_case(chaos, case, usual_s=usual[case.site])
            report.kills += found.kills
            report.cases_done += 1
            report.add(found)
            report.say(f"case {number} of {len(cases)}: {case}: {found.status}, {found.seconds:.1f} s")
            if number % 10 == 0 or number == len(cases):
                report.left_over(await aftermath(chaos), f"after case {number}")
        for name, disturbance in disturbances.LONG.items():
            await chaos.crew.keep(2, ready=2)
            await _disturb(chaos, name, disturbance, report)
    async with chaos_world(None, each=len(disturbances.POSTMASTER), workers=1) as chaos:
        for name, disturbance in disturbances.POSTMASTER.items():
            await _disturb(chaos, f"PostgreSQL at {name}", disturbance, report)
    with Relay(postgres) as relay:
        async with chaos_world(relay.url, each=len(disturbances.AWAY), workers=2) as chaos:
            for seconds, step in disturbances.AWAY:
                away = disturbances.database_away(relay, seconds, step)
                await _disturb(chaos, f"PostgreSQL away for {seconds:.0f} s at {step}", away, report)


async def _disturb(chaos: ChaosWorld, name: str, disturbance: disturbances.Disturbance, report: Report) -> None:
    found = await disturbance(chaos)
    report.kills += found.kills
    report.cases_done += 1
    report.add(found)
    report.left_over(await aftermath(chaos), name)
    report.say(f"{name}: {found.status}, {found.seconds:.1f} s")


async def random_kills(postgres: str, report: Report, *, kills: int, seed: int, end: float | None) -> None:
    """So many kills at random instants, of one or two workers with several sign-ins at once."""
    chance = random.Random(seed)
    while kills > 0 and (end is None or time.monotonic() < end):
        part = min(kills, _KILLS_A_WORLD)
        async with chaos_world(postgres, each=6, browsers=2) as chaos:
            storm = Storm(chaos, chance, report.add, report.say)
            done = await storm.blow(part, until=end)
            report.left_over(await aftermath(chaos), "after random kills")
        kills -= done
        report.kills += done
        report.say(f"{done} random kills, {kills} to go")


@asynccontextmanager
async def _postgres() -> AsyncIterator[str]:
    home = Path(tempfile.mkdtemp(prefix="seezar-pg-"))
    server = EmbeddedServer(home)
    try:
        yield with_database(await asyncio.to_thread(server.start), "postgres")
    finally:
        await asyncio.to_thread(server.stop)


async def _main(options: argparse.Namespace, report: Report) -> None:
    end = None if options.seconds is None else time.monotonic() + options.seconds
    async with _postgres() as postgres:
        if options.cases:
            await every_case(postgres, report, seed=options.seed, end=end)
        if options.kills:
            await random_kills(postgres, report, kills=options.kills, seed=options.seed, end=end)


def _table(figures: dict[str, Any]) -> str:
    width = max(len(name) for name in figures)
    return "\n".join(f"{name:<{width}}  {'-' if value is None else value}" for name, value in figures.items())


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.run", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, metavar="N", help="random kills; 0 for none [1000]")
    parser.add_argument("--seed", type=int, default=None, metavar="N", help="of the random kills; printed")
    parser.add_argument("--seconds", type=float, default=None, metavar="S", help="begin nothing new after so long")
    parser.add_argument("--no-cases", dest="cases", action="store_false", help="random kills only")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="all figures, and every run")
    options = parser.parse_args(arguments)
    options.seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    sys.stderr.write(f"seed {options.seed}\n")
    began, load, report = time.monotonic(), os.getloadavg(), Report()
    # Also in the background of a shell, which has its children ignore Ctrl-C. What was found until then is told.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        asyncio.run(_main(options, report))
    except KeyboardInterrupt:
        report.say("cut off")
    figures = {"cases": f"{report.cases_done} of {report.cases}"}
    figures |= summary(report.found, report.faults, kills=report.kills)
    figures |= {
        "seed": options.seed,
        "minutes": round((time.monotonic() - began) / 60, 1),
        "processors": os.cpu_count(),
        "load before": round(load[0], 1),
    }
    sys.stdout.write(_table(figures) + "\n")
    if options.json is not None:
        told = {
            "machine": platform.platform(),
            "figures": figures,
            "left over": report.faults,
            "runs": rows(report.found),
        }
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(told, indent=1))
    return 1 if any(figures[name] for name in ZEROS) else 0


if __name__ == "__main__":
    raise SystemExit(main())
