"""What durability costs, what more workers bring, and how long a killed worker is missed.

`engine`: a sign-in with mailed code through queue, workflow and worker, against the same driver and stores called as
plain functions in one process (`benchmarks/plain.py`). `rows_10000`: a sign-in that uses its stored session after
10,000 finished runs lie in the tables, against before. Figures: sign-ins a minute with 1, 2 and 4 workers beside the
hand-written script that takes them one after the other; steps a second of bare DBOS with empty steps; the time from
asking to the start of an idle worker; and from `kill -9` of a worker to the adoption of its run by another.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import psutil
import psycopg
from playwright.async_api import Browser, async_playwright
from psycopg import sql

from benchmarks import script
from benchmarks.plain import PlainSignIn
from benchmarks.report import Ratio, Report, parser
from benchmarks.world import BenchmarkWorld, make_world
from seezar.browser.executable import find_chromium
from seezar.browser.pool import ARGUMENTS, BrowserPool
from seezar.database.urls import with_database
from seezar.settings import Settings
from workflows.engine import dbos_url
from workflows.ground import worker_command, worker_environment
from workflows.registry import live_workers

_CROWD = 8
_WORKERS = (1, 2, 4)
_REST_S = 0.7
_ROWS = 10_000
_EVENTS = 8
_START_S = 90.0


async def main() -> None:
    """Run the benchmark; see `--help`."""
    options = parser(__doc__ or "")
    options.add_argument("--pairs", type=int, default=15, help="pairs of sign-ins for the ratio `engine`")
    options.add_argument("--looks", type=int, default=30, help="short runs for the start and the growth")
    options.add_argument("--kills", type=int, default=10, help="workers killed")
    arguments = options.parse_args()
    report = Report("durability")
    async with make_world(crowd=_CROWD) as world, async_playwright() as playwright:
        executable = find_chromium(world.settings, bundled=Path(playwright.chromium.executable_path))
        browser = await playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        with tempfile.TemporaryDirectory() as folder:
            bench = _Bench(world, browser, Path(folder))
            await bench.engine(report, arguments.pairs)
            await bench.bare_dbos(report)
            await bench.starts(report, arguments.looks)
            await bench.workers(report)
            await bench.kills(report, arguments.kills)
            await bench.growth(report, arguments.looks)
        await browser.close()
    report.write(arguments.json)


class _Bench:
    """The measurements, over one world."""

    def __init__(self, world: BenchmarkWorld, browser: Browser, folder: Path) -> None:
        self._world = world
        self._app = world.client.application
        self._browser = browser
        self._folder = folder

    async def engine(self, report: Report, pairs: int) -> None:
        """The ratio `engine`, and the medians of both sides."""
        pool = BrowserPool(self._world.settings)
        plain = PlainSignIn(self._app, pool)
        name = self._world.crowd[0].name
        times: tuple[list[float], list[float]] = ([], [])
        try:
            await self._sign_in(name)
            await plain(name)
            for pair in range(pairs):
                sides = [(lambda: self._sign_in(name), times[0]), (lambda: plain(name), times[1])]
                for side, taken in sides if pair % 2 == 0 else reversed(sides):
                    taken.append(await _timed(side))
                    await asyncio.sleep(_REST_S)
        finally:
            await pool.close()
        report.ratios["engine"] = Ratio.of(*times)
        report.figures["durable_s"] = round(statistics.median(times[0]), 3)
        report.figures["plain_s"] = round(statistics.median(times[1]), 3)

    async def bare_dbos(self, report: Report) -> None:
        """Steps a second and milliseconds a step of DBOS with nothing in its steps."""
        url = with_database(self._app.database.url, "bare_dbos")
        command = [sys.executable, "-m", "benchmarks.bare_dbos", url]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
        for name, value in json.loads(done.stdout.splitlines()[-1]).items():
            report.figures[f"bare_dbos_{name}"] = value

    async def starts(self, report: Report, looks: int) -> None:
        """Milliseconds from asking to the start, by the database's clock, with nothing else to do."""
        name = self._world.crowd[0].name
        waits: list[float] = []
        for _ in range(looks):
            await asyncio.sleep(_REST_S)
            run_id = await self._sign_in(name, fresh=False)
            row = await self._app.database.one(
                "SELECT extract(epoch FROM started_at - created_at) AS s FROM app.run WHERE id = %s", run_id
            )
            assert row is not None
            waits.append(1000 * float(row["s"]))
        _spread(report, "queue_to_start_ms", waits)

    async def workers(self, report: Report) -> None:
        """Sign-ins a minute with more and more workers, and of the script alone."""
        crowd = [account.name for account in self._world.crowd]
        for many in _WORKERS:
            await self._have(many)
            await asyncio.gather(*map(self._sign_in, crowd))
            taken = [await _timed(lambda: asyncio.gather(*map(self._sign_in, crowd))) for _ in range(2)]
            report.figures[f"sign_ins_per_min_{many}"] = round(60 * len(crowd) / statistics.median(taken), 1)
        began = time.perf_counter()
        for account in self._world.crowd:
            await script.sign_in(
                self._browser,
                account,
                self._world.playground.base_url,
                self._app.mail,
                self._folder / f"{account.name}.json",
            )
        report.figures["script_sign_ins_per_min"] = round(60 * len(crowd) / (time.perf_counter() - began), 1)

    async def kills(self, report: Report, kills: int) -> None:
        """Seconds from `kill -9` of the worker of a run to its adoption, and what a kill adds to the sign-in."""
        await self._have(2)
        name = self._world.crowd[0].name
        undisturbed = [await _timed(lambda: self._sign_in(name)) for _ in range(5)]
        adopted: list[float] = []
        added: list[float] = []
        for _ in range(kills):
            began = time.perf_counter()
            run_id = await self._world.client.sign_in(name, fresh=True)
            killed = await self._kill_the_worker_of(run_id)
            await self._done(run_id)
            added.append(time.perf_counter() - began - statistics.median(undisturbed))
            row = await self._app.database.one(
                "SELECT extract(epoch FROM min(at)) AS at FROM app.run_event WHERE run_id = %s AND step = 'adopted'",
                run_id,
            )
            assert row is not None
            if row["at"] is not None:
                adopted.append(float(row["at"]) - killed)
            await self._have(2)
        _spread(report, "adoption_s", adopted)
        _spread(report, "recovery_adds_s", added)
        report.figures["kills"] = kills
        report.figures["adopted"] = len(adopted)

    async def growth(self, report: Report, looks: int) -> None:
        """The ratio `rows_10000`."""
        await self._have(1)
        name = self._world.crowd[0].name
        await self._sign_in(name, fresh=False)
        before = [await self._rested(name) for _ in range(looks)]
        await asyncio.to_thread(_fill, self._app.database.url, name)
        after = [await self._rested(name) for _ in range(looks)]
        report.ratios["rows_10000"] = Ratio.of(after, before)

    async def _rested(self, name: str) -> float:
        await asyncio.sleep(_REST_S / 2)
        return await _timed(lambda: self._sign_in(name, fresh=False))

    async def _sign_in(self, name: str, *, fresh: bool = True) -> str:
        run_id = await self._world.client.sign_in(name, fresh=fresh)
        await self._done(run_id)
        return run_id

    async def _done(self, run_id: str) -> None:
        result = await self._world.client.result(run_id, timeout=120)
        if result["status"] != "signed_in":
            raise RuntimeError(f"{run_id} ended as {result['status']}: {result['reason']}")

    async def _have(self, wanted: int) -> None:
        """Have so many workers that take runs."""
        settings = self._world.settings
        until = time.monotonic() + _START_S
        starting = 0
        while (live := live_workers(settings)) and len(live) > wanted:
            process = live[-1].process()
            if process is not None:
                process.terminate()
                await asyncio.to_thread(process.wait, 60)
        while len(live_workers(settings)) < wanted:
            if starting < wanted - len(live):
                _start_worker(settings)
                starting += 1
            if time.monotonic() > until:
                raise RuntimeError(f"{wanted} workers were not ready within {_START_S:.0f} s")
            await asyncio.sleep(0.05)

    async def _kill_the_worker_of(self, run_id: str) -> float:
        """Kill it with its browser once the password is about to be typed; returns when (epoch seconds)."""
        query = (
            "SELECT r.worker FROM app.run r JOIN app.run_event e ON e.run_id = r.id WHERE r.id = %s"
            " AND e.step = 'open' AND r.worker IS NOT NULL"
        )
        while (row := await self._app.database.one(query, run_id)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        slot = int(str(row["worker"]).rpartition("-")[2])
        process = next(note.process() for note in live_workers(self._world.settings) if note.slot == slot)
        assert process is not None
        family = [process, *process.children(recursive=True)]
        for member in family:
            try:
                member.kill()
            except psutil.NoSuchProcess:
                continue
        killed = time.time()
        await asyncio.to_thread(psutil.wait_procs, family, 10)
        return killed


def _start_worker(settings: Settings) -> None:
    subprocess.Popen(
        worker_command(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd=settings.home,
        env=worker_environment(settings),
    )


def _fill(url: str, account: str) -> None:
    """Ten thousand finished runs with their timelines, and the workflows and steps that DBOS keeps of them."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO app.run (id, workflow_id, kind, account, status, finished_at, created_at)"
            " SELECT 'old-' || n, 'old-' || n, 'open_page', %s, 'opened', now() - interval '2 days',"
            " now() - interval '2 days' FROM generate_series(1, %s) n",
            (account, _ROWS),
        )
        connection.execute(
            "INSERT INTO app.run_event (run_id, step, message) SELECT 'old-' || n, 'done', 'It was done.'"
            " FROM generate_series(1, %s) n, generate_series(1, %s)",
            (_ROWS, _EVENTS),
        )
    with psycopg.connect(dbos_url(url), autocommit=True) as connection:
        columns = connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'dbos'"
            " AND table_name = 'workflow_status' AND is_generated = 'NEVER'"
            " AND NOT column_name IN ('workflow_uuid', 'deduplication_id')"
        ).fetchall()
        listed = sql.SQL(", ").join(sql.Identifier(row[0]) for row in columns)
        connection.execute(
            sql.SQL(
                "INSERT INTO dbos.workflow_status (workflow_uuid, {0}) SELECT 'old-' || n, {0} FROM"
                " (SELECT * FROM dbos.workflow_status WHERE status = 'SUCCESS' LIMIT 1) w, generate_series(1, {1}) n"
            ).format(listed, sql.Literal(_ROWS))
        )


async def _timed(side: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await side()
    return time.perf_counter() - began


def _spread(report: Report, name: str, values: Sequence[float]) -> None:
    ordered = sorted(values)
    if ordered:
        report.figures[f"{name}_p50"] = round(statistics.median(ordered), 2)
        report.figures[f"{name}_p95"] = round(ordered[round(0.95 * (len(ordered) - 1))], 2)
        report.figures[f"{name}_max"] = round(ordered[-1], 2)


if __name__ == "__main__":
    asyncio.run(main())
