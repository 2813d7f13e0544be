"""The HTTP API under load: readers of live events and steady reads, against a bare FastAPI route with one query.

Both servers are processes of their own over the same PostgreSQL, and get the same rate of requests in windows that take
turns. A request is due at its time whether or not the one before it was answered: a server that falls behind shows it.
`reads_p95`: the 95th percentile of a window of ours, with all readers of events connected, divided by the bare route's.
"""

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.plain_client import PlainClient
from benchmarks.report import Ratio, Report, parser
from seezar.access import Scope
from seezar.accounts import NewAccount
from seezar.application import Application
from seezar.settings import Settings
from service.serving import bound
from service.stopping import stop_database, stop_workers
from workflows.ground import ensure_running

_ACCOUNTS = 20
_EVENTS_PER_S = 2.0
_START_S = 120.0


@dataclass
class _Load:
    """What came of the requests of one server.

    Attributes:
        seconds: how long each took from when it was due.
        errors: status or type of what went wrong.
    """

    seconds: list[float] = field(default_factory=list[float])
    errors: list[str] = field(default_factory=list[str])

    @property
    def p95(self) -> float:
        """The 95th percentile, seconds."""
        return statistics.quantiles(self.seconds, n=20)[-1]


@dataclass
class _Readers:
    """The readers of events: how many events each has had, and which were cut off."""

    wanted: int
    events: list[int] = field(default_factory=list[int])
    cut: int = 0
    connected: int = 0
    all_connected: asyncio.Event = field(default_factory=asyncio.Event)


async def main() -> None:
    """Run the benchmark; see `--help`."""
    options = parser(__doc__ or "")
    options.add_argument("--readers", type=int, default=500, help="readers of live events")
    options.add_argument("--rate", type=int, default=200, help="requests a second")
    options.add_argument("--seconds", type=int, default=60, help="of load on ours, in windows of ten")
    arguments = options.parse_args()
    report = Report("api")
    with tempfile.TemporaryDirectory(prefix="seezar-bench-") as home:
        settings = Settings(home=Path(home), smtp_port=0, _env_file=None)  # pyright: ignore[reportCallIssue]
        url = await asyncio.to_thread(ensure_running, settings)
        try:
            await _measure(report, settings, url, arguments.readers, arguments.rate, arguments.seconds)
        finally:
            for stop in (stop_workers, stop_database):
                await asyncio.to_thread(lambda stop=stop: list(stop(settings)))
    report.write(arguments.json)


async def _measure(report: Report, settings: Settings, url: str, readers: int, rate: int, seconds: int) -> None:
    async with (
        await Application.open(settings, url, application_name="seezar-client-bench", max_connections=2) as stores,
        _served(settings, url) as (ours, theirs),
    ):
        run_id = await _filled(stores)
        token = (await stores.access.tokens.issue_here("bench")).access_token
        paths = ["/v1/accounts", f"/v1/runs/{run_id}", "/v1/runs?limit=20", "/v1/sessions", "/v1/accounts/bench-0"]
        with contextlib.closing(PlainClient(ours, token)) as client, contextlib.closing(PlainClient(theirs)) as bare:
            for path in paths:
                if (status := await client.get(path)) != 200:
                    raise RuntimeError(f"{path} is answered {status}")
            await _windows(report, stores, client, bare, paths, run_id, readers, rate, seconds)


async def _windows(
    report: Report,
    stores: Application,
    client: PlainClient,
    bare: PlainClient,
    paths: Sequence[str],
    run_id: str,
    readers: int,
    rate: int,
    seconds: int,
) -> None:
    following = _Readers(readers)
    tasks = [asyncio.create_task(_read(client, run_id, following)) for _ in range(readers)]
    await following.all_connected.wait()
    told = asyncio.create_task(_tell(stores, run_id))
    ours: list[_Load] = []
    theirs: list[_Load] = []
    for _ in range(max(1, seconds // 10)):
        ours.append(await _window(client, paths, rate))
        theirs.append(await _window(bare, [f"/runs/{run_id}"], rate))
    told.cancel()
    count = await told
    # What was told last is on its way.
    await asyncio.sleep(2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    report.ratios["reads_p95"] = Ratio.of([load.p95 for load in ours], [load.p95 for load in theirs])
    report.figures["requests"] = sum(len(load.seconds) for load in ours)
    report.figures["errors"] = sorted({error for load in ours for error in load.errors})
    report.figures["reads_p95_ms"] = round(statistics.median(load.p95 for load in ours) * 1000, 1)
    report.figures["bare_p95_ms"] = round(statistics.median(load.p95 for load in theirs) * 1000, 1)
    report.figures["readers"] = readers
    report.figures["readers_cut_off"] = following.cut
    report.figures["events_told"] = count
    report.figures["readers_that_missed_one"] = sum(1 for had in following.events if had < count)


async def _window(client: PlainClient, paths: Sequence[str], rate: int) -> _Load:
    """Ten seconds of requests at `rate` a second."""
    load = _Load()
    began = time.monotonic()
    requests: list[asyncio.Task[None]] = []
    for number in range(rate * 10):
        due = began + number / rate
        if (wait := due - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        requests.append(asyncio.create_task(_request(client, paths[number % len(paths)], due, load)))
    await asyncio.gather(*requests)
    return load


async def _request(client: PlainClient, path: str, due: float, load: _Load) -> None:
    try:
        status = await client.get(path)
    except (OSError, asyncio.IncompleteReadError, ValueError) as error:
        load.errors.append(type(error).__name__)
        return
    load.seconds.append(time.monotonic() - due)
    if status != 200:
        load.errors.append(str(status))


async def _read(client: PlainClient, run_id: str, readers: _Readers) -> None:
    """Follow a run until cancelled."""
    number = len(readers.events)
    readers.events.append(0)
    stream, sink = await client.asked(f"/v1/runs/{run_id}/events", "accept: text/event-stream")
    try:
        if (await stream.readline()).startswith(b"HTTP/1.1 200 "):
            readers.connected += 1
            if readers.connected == readers.wanted:
                readers.all_connected.set()
            while line := await stream.readline():
                readers.events[number] += line.startswith(b"id: ")
    except ConnectionError:
        pass
    finally:
        sink.close()
    readers.cut += 1
    # Whoever waits for all of them need not wait for ever.
    readers.all_connected.set()


async def _tell(stores: Application, run_id: str) -> int:
    """Tell events of the run until cancelled; returns how many."""
    count = 0
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            await stores.runs.event(run_id, "step", f"Event {count + 1}")
            count += 1
            await asyncio.sleep(1 / _EVENTS_PER_S)
    return count


async def _filled(stores: Application) -> str:
    """Accounts, a client, and a run that nobody works on and that does not end."""
    await stores.access.clients.add("bench", [Scope.ACCOUNTS_READ, Scope.RUNS_READ, Scope.SESSION_READ])
    for number in range(_ACCOUNTS):
        await stores.accounts.add(NewAccount(f"bench-{number}", "https://bench.example/", "me", password="secret-4711"))
    run_id = "bench-run"
    await stores.database.run(
        "INSERT INTO app.run (id, workflow_id, kind, account, status, question, asked_at)"
        " VALUES (%s, %s, 'sign_in', 'bench-0', 'needs_person', 'code', now())",
        run_id,
        run_id,
    )
    return run_id


@asynccontextmanager
async def _served(settings: Settings, url: str) -> AsyncGenerator[tuple[str, str]]:
    """Our API and the bare one, as processes; their base URLs."""
    with bound(0, what="ours", variable="-") as one, bound(0, what="theirs", variable="-") as other:
        ports = [listener.getsockname()[1] for listener in (one, other)]
    variables = {
        **os.environ,
        "SEEZAR_HOME": str(settings.home),
        "SEEZAR_SMTP_PORT": "0",
        "SEEZAR_ALLOW_MODEL_REQUESTS": "false",
    }
    commands = (
        [sys.executable, "-m", "service.cli", "api", "--port", str(ports[0])],
        [sys.executable, "-m", "benchmarks.bare_api", url, str(ports[1])],
    )
    processes = [
        await asyncio.create_subprocess_exec(
            *command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for command in commands
    ]
    roots = [f"http://127.0.0.1:{port}" for port in ports]
    try:
        for root, path in zip(roots, ("/health", "/runs/none"), strict=True):
            await _answering(f"{root}{path}")
        yield roots[0], roots[1]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            await asyncio.wait_for(process.wait(), 30)


async def _answering(url: str) -> None:
    deadline = time.monotonic() + _START_S
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get(url)).status_code == 200:
                    return
            await asyncio.sleep(0.2)
    raise TimeoutError(f"{url} does not answer")


if __name__ == "__main__":
    asyncio.run(main())
