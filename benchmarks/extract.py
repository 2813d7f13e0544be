"""seezar's extraction, durable and with evidence, against a hand-written Playwright script that reads the same pages.

Both read every customer's table on the playground's analytics site, signed in before. The script is what one would
write: one tab, `goto`, the cells by locators, rows into a CSV file; it keeps no picture and survives no crash. Then an
extraction whose worker is killed again and again, and what is right of what was read; how well the customers that need
attention are found over many days; how long a report takes.
"""

import asyncio
import csv
import random
import statistics
import tempfile
import time
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from playwright.async_api import Browser, BrowserContext, async_playwright

from benchmarks.report import Ratio, Report, parser
from benchmarks.world import BenchmarkWorld, make_world
from playground.customers import TROUBLES, customers, days
from playground.extractions import EVENTS, WINDOWS
from playground.series import NOISES, planted
from playground.world import DEMO_METRICS
from seezar.analytics.anomalies import anomalies
from seezar.analytics.attention import Observation, alerts, series_of
from seezar.browser.executable import find_chromium
from seezar.browser.pool import ARGUMENTS
from seezar.extraction.definitions import definition_of
from seezar.reporting.requests import request_of
from workflows.registry import live_workers

_NAME = DEMO_METRICS.name
_SERIES = 1_000
_DAYS = 60
_REPORTS = 10
_PATIENCE_S = 600.0


async def main() -> None:
    """Run the benchmark; see `--help`."""
    options = parser(__doc__ or "")
    options.add_argument("--pairs", type=int, default=7, help="pairs of readings")
    options.add_argument("--kills", type=int, default=20, help="workers killed in the middle of extractions")
    arguments = options.parse_args()
    report = Report("extract")
    async with make_world(accounts=[DEMO_METRICS]) as world, async_playwright() as playwright:
        executable = find_chromium(world.settings, bundled=Path(playwright.chromium.executable_path))
        browser = await playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        for definition in (WINDOWS, EVENTS):
            await world.client.application.extractions.save(definition_of(definition))
        await world.client.result(await world.client.sign_in(_NAME), timeout=_PATIENCE_S)
        await _pages_a_minute(report, world, browser, arguments.pairs)
        await browser.close()
        await _kills(report, world, arguments.kills)
        await _reports(report, world)
    _attention(report)
    _anomalies(report)
    report.write(arguments.json)


async def _pages_a_minute(report: Report, world: BenchmarkWorld, browser: Browser, pairs: int) -> None:
    context = await _signed_in(world, browser)
    ours: list[float] = []
    theirs: list[float] = []
    pages = 0
    for number in range(pairs + 1):
        began = time.perf_counter()
        result = await _extracted(world, "windows")
        took = time.perf_counter() - began
        pages = result["pages"]
        began = time.perf_counter()
        read = await _by_hand(world, context)
        by_hand = time.perf_counter() - began
        assert (result["status"], read) == ("extracted", pages), (result, read)
        # The first pair fills caches.
        if number:
            ours.append(took)
            theirs.append(by_hand)
    report.ratios["time"] = Ratio.of(ours, theirs)
    speed = {"ours": pages * 60 / statistics.median(ours), "script": pages * 60 / statistics.median(theirs)}
    report.figures["pages_per_minute"] = {name: round(value) for name, value in speed.items()}
    report.figures["pages_per_minute_ratio"] = round(speed["ours"] / speed["script"], 2)
    await context.close()


async def _signed_in(world: BenchmarkWorld, browser: Browser) -> BrowserContext:
    """A context of the script, which is spared the sign-in."""
    sessions = world.playground.state.sessions
    session = sessions.sign_in(sessions.create("metrics"), DEMO_METRICS.username, lifetime=86_400.0, remembered=False)
    context = await browser.new_context()
    url = f"{world.playground.base_url}/metrics"
    await context.add_cookies([{"name": "metrics_session", "value": session.id, "url": url}])
    return context


async def _by_hand(world: BenchmarkWorld, context: BrowserContext) -> int:
    """The script; returns how many pages it has read."""
    page = await context.new_page()
    address = f"{world.playground.base_url}/metrics/customers"
    links: list[str] = []
    pages = 0
    while address:
        await page.goto(address)
        pages += 1
        for link in await page.locator("#customers tbody a").all():
            links.append(str(await link.evaluate("link => link.href")))
        following = page.locator("a[rel=next]")
        address = str(await following.evaluate("link => link.href")) if await following.count() else ""
    with tempfile.TemporaryFile("w+", newline="") as file:
        writer = csv.writer(file)
        for link in links:
            await page.goto(link)
            pages += 1
            name = await page.locator("h1").inner_text()
            for row in await page.locator("#events tbody tr").all():
                event, seven, thirty = await row.locator("th, td").all_inner_texts()
                writer.writerow([name, event, int(seven.replace(",", "")), int(thirty.replace(",", ""))])
    await page.close()
    return pages


async def _extracted(world: BenchmarkWorld, name: str) -> dict[str, Any]:
    return await world.client.result(await world.client.extract(name, _NAME), timeout=_PATIENCE_S)


async def _kills(report: Report, world: BenchmarkWorld, kills: int) -> None:
    """Kill the worker at random moments of extractions, and compare what they have read with the truth."""
    dice = random.Random(8)
    killed = runs = wrong = 0
    while killed < kills:
        run_id = await world.client.extract("windows", _NAME)
        waiting = asyncio.create_task(world.client.result(run_id, timeout=_PATIENCE_S))
        killed_at = -1
        while killed < kills and not waiting.done():
            done = (await world.client.application.checkpoints.progress(run_id)).done
            if done > killed_at and live_workers(world.settings):
                await asyncio.wait([waiting], timeout=dice.uniform(0, 0.5))
                if waiting.done():
                    break
                killed_at = (await world.client.application.checkpoints.progress(run_id)).done
                _kill(world)
                killed += 1
            await asyncio.wait([waiting], timeout=0.05)
        result = await waiting
        assert result["status"] == "extracted", result
        wrong += await _wrong(world, run_id)
        runs += 1
    report.figures["kills"] = {"workers_killed": killed, "extractions": runs, "rows_wrong_missing_or_doubled": wrong}


def _kill(world: BenchmarkWorld) -> None:
    process = world.worker()
    family = [process, *process.children(recursive=True)]
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(family, timeout=10)


async def _wrong(world: BenchmarkWorld, run_id: str) -> int:
    """How many rows of a run are wrong, missing or doubled."""
    today = datetime.fromtimestamp(world.playground.state.clock.now(), UTC).date()
    truth = {
        (each.name, event, each.total(7, event), each.total(30, event))
        for each in customers(today)
        for event in each.counts
    }
    seen: list[tuple[Any, ...]] = []
    async with world.client.application.history.rows(definition_of(WINDOWS), run=run_id) as reader:
        async for portion in reader.portions():
            seen += [(row["_item"], row["event"], row["last_7_days"], row["last_30_days"]) for row in portion]
    return len(truth.symmetric_difference(seen)) + len(seen) - len(set(seen))


async def _reports(report: Report, world: BenchmarkWorld) -> None:
    """How long a report takes from the request until it is kept, of rows that are there."""
    await _extracted(world, "events")
    took: dict[str, float] = {}
    for kind, item in (("attention", ""), ("top", "Northwind"), ("trend", "Northwind"), ("compare", "Northwind")):
        times: list[float] = []
        for _ in range(_REPORTS):
            began = time.perf_counter()
            request = request_of({"kind": kind, "extraction": "events", "item": item})
            result = await world.client.result(await world.client.report(request), timeout=_PATIENCE_S)
            times.append(time.perf_counter() - began)
            assert result["status"] == "reported", result
        took[kind] = round(statistics.median(times), 2)
    report.figures["report_s"] = took


def _attention(report: Report) -> None:
    """The customers that are told to need attention, on many days, against those whose numbers misbehave on purpose."""
    right = false = missed = 0
    for number in range(_DAYS):
        today = date(2026, 1, 10) + timedelta(days=6 * number)
        seen = [
            Observation(each.name, event, day, float(count))
            for each in customers(today)
            for event, counts in each.counts.items()
            for day, count in zip(days(today), counts, strict=True)
        ]
        told = {alert.item for alert in alerts(series_of(seen))}
        right += len(told & set(TROUBLES))
        false += len(told - set(TROUBLES))
        missed += len(set(TROUBLES) - told)
    report.figures["attention"] = _judged(right, false, missed) | {"days": _DAYS}


def _anomalies(report: Report) -> None:
    """Single days out of line, planted into series of different noise."""
    right = false = missed = 0
    for seed in range(_SERIES):
        series = planted(seed)
        told = {each.day for each in anomalies(series.days, series.values)}
        right += len(told & series.out_of_line)
        false += len(told - series.out_of_line)
        missed += len(series.out_of_line - told)
    report.figures["anomalies"] = _judged(right, false, missed) | {"series": _SERIES, "noises": len(NOISES)}


def _judged(right: int, false: int, missed: int) -> dict[str, float]:
    return {"precision": round(right / (right + false), 3), "recall": round(right / (right + missed), 3)}


if __name__ == "__main__":
    asyncio.run(main())
