"""seezar's sign-in, with workflow and encrypted storage, against a hand-written Playwright script for the same site.

Both browsers are running and warm; both sides get a new context for each sign-in, and both work on the same site in
turn. The script is `benchmarks/script.py`. `cold`: the site is not known; `recipe`: it was signed in to before;
`reuse`: a stored session is used again, against restoring a saved `storage_state` and visiting the page.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from benchmarks import script
from benchmarks.memory import proportional
from benchmarks.report import Ratio, Report, parser
from benchmarks.world import BenchmarkWorld, make_world
from playground.journeys import JOURNEYS
from playground.server import PlaygroundServer
from playground.world import DemoAccount
from seezar.browser.executable import find_chromium
from seezar.browser.pool import ARGUMENTS
from seezar.signin.detector import OPEN_SHADOW_ROOTS, detect, preload

_TOGETHER = (1, 2, 4)
_ROUNDS = 3
_LOOKS = 5
_WAITING_S = 12.0
# What either side does once it has ended (closing a context, making the next page ready) is not the other's to bear.
_CLEAN_UP_S = 0.7


async def main() -> None:
    """Run the benchmark; see `--help`."""
    options = parser(__doc__ or "")
    options.add_argument("--pairs", type=int, default=15, help="pairs of sign-ins for each ratio")
    arguments = options.parse_args()
    report = Report("sign_in")
    async with make_world(crowd=max(_TOGETHER)) as world, async_playwright() as playwright:
        executable = find_chromium(world.settings, bundled=Path(playwright.chromium.executable_path))
        browser = await playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        with tempfile.TemporaryDirectory() as folder:
            bench = _Bench(world, browser, Path(folder))
            await bench.warm_up()
            await bench.ratio(report, "cold", arguments.pairs, ours=bench.cold, theirs=bench.script)
            await bench.ratio(report, "recipe", arguments.pairs, ours=bench.known, theirs=bench.script)
            await bench.ratio(report, "reuse", arguments.pairs, ours=bench.reuse, theirs=bench.restore)
            await bench.throughput(report)
            await bench.memory(report)
        await detector_times(report, browser)
        await browser.close()
    report.write(arguments.json)


class _Bench:
    """The sides of the comparison, over one world."""

    def __init__(self, world: BenchmarkWorld, browser: Browser, folder: Path) -> None:
        self._world = world
        self._browser = browser
        self._folder = folder
        self._base = world.playground.base_url

    async def warm_up(self) -> None:
        """One sign-in of everybody on both sides: browsers started, caches filled."""
        for account in self._world.crowd:
            await self.known(account)
            await self.script(account)

    async def cold(self) -> None:
        """Sign in to a site that is not known."""
        await self._world.client.application.recipes.forget([self._base])
        await self.known()

    async def known(self, account: DemoAccount | None = None) -> None:
        """Sign in from scratch to a site that was signed in to before."""
        await self._seezar(account or self._world.crowd[0], fresh=True)

    async def reuse(self) -> None:
        """Ask for a sign-in while the stored session still works."""
        await self._seezar(self._world.crowd[0], fresh=False)

    async def script(self, account: DemoAccount | None = None) -> None:
        """The hand-written script."""
        who = account or self._world.crowd[0]
        await script.sign_in(self._browser, who, self._base, self._world.client.application.mail, self._saved(who))

    async def restore(self) -> None:
        """The hand-written script's saved state, used again."""
        who = self._world.crowd[0]
        await script.restore(self._browser, who, self._base, self._saved(who))

    async def ratio(
        self,
        report: Report,
        name: str,
        pairs: int,
        *,
        ours: Callable[[], Awaitable[None]],
        theirs: Callable[[], Awaitable[None]],
    ) -> None:
        """Take both in turn, and put the ratio and the medians (seconds) into the report."""
        times: tuple[list[float], list[float]] = ([], [])
        for pair in range(pairs):
            sides = [(ours, times[0]), (theirs, times[1])]
            # Who comes first alternates.
            for side, taken in sides if pair % 2 == 0 else reversed(sides):
                taken.append(await _timed(side))
                await asyncio.sleep(_CLEAN_UP_S)
        report.ratios[name] = Ratio.of(*times)
        report.figures[f"{name}_seezar_s"] = round(statistics.median(times[0]), 3)
        report.figures[f"{name}_script_s"] = round(statistics.median(times[1]), 3)

    async def throughput(self, report: Report) -> None:
        """Sign-ins per second with 1, 2 and 4 asked for at the same time, on both sides."""
        for together in _TOGETHER:
            crowd = self._world.crowd[:together]
            for name, side in (("seezar", self.known), ("script", self.script)):
                taken = [await _timed(lambda: asyncio.gather(*map(side, crowd))) for _ in range(_ROUNDS)]  # noqa: B023
                report.figures[f"{name}_per_s_at_{together}"] = round(together / statistics.median(taken), 2)

    async def memory(self, report: Report) -> None:
        """What one more live session (an open page that waits for its code) costs the worker, in MiB."""
        knobs, app = self._world.playground.state.knobs, self._world.client.application
        before = proportional(self._world.worker())
        knobs.mail_delay = _WAITING_S
        runs = [await self._world.client.sign_in(account.name, fresh=True) for account in self._world.crowd]
        waiting = "SELECT count(*) AS n FROM app.attempt WHERE run_id = ANY(%s) AND checkpoint IS NOT NULL"
        while (row := await app.database.one(waiting, runs)) is None or row["n"] < len(runs):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        held = proportional(self._world.worker()) - before
        knobs.mail_delay = 0.0
        for run in runs:
            assert (await self._world.client.result(run, timeout=60))["status"] == "signed_in"
        report.figures["live_session_mib"] = round(held / len(runs) / 2**20, 1)
        report.figures["worker_with_browser_mib"] = round(before / 2**20, 1)

    async def _seezar(self, account: DemoAccount, *, fresh: bool) -> None:
        client = self._world.client
        result = await client.result(await client.sign_in(account.name, fresh=fresh), timeout=60)
        assert result["status"] == "signed_in", result
        assert result["model_calls"] == 0, result

    def _saved(self, account: DemoAccount) -> Path:
        return self._folder / f"{account.name}.json"


async def detector_times(report: Report, browser: Browser) -> None:
    """Milliseconds of one `detect` on the start pages of the playground's journeys, once they have loaded."""
    preload()
    times: list[float] = []
    context = await browser.new_context()
    await context.add_init_script(OPEN_SHADOW_ROOTS)
    page = await context.new_page()
    async with PlaygroundServer(accounts=JOURNEYS) as server:
        for account in JOURNEYS:
            if account.shape in _ENDLESS:
                continue
            await page.goto(account.url(server.base_url), wait_until="load")
            await detect(page)
            for _ in range(_LOOKS):
                times.append(1000 * await _timed(lambda: detect(page)))
        await context.close()
    times.sort()
    report.figures["detector_pages"] = len(times) // _LOOKS
    report.figures["detector_ms_p50"] = round(statistics.median(times), 1)
    report.figures["detector_ms_p95"] = round(times[int(0.95 * (len(times) - 1))], 1)


# Pages that never finish loading.
_ENDLESS = frozenset({"circle", "endless"})


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


if __name__ == "__main__":
    asyncio.run(main())
