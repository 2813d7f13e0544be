"""Several real worker processes on one database: one dies, is cut off, or told to stop, in the middle of a sign-in."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest
import pytest_asyncio
from dbos import EnqueueOptions

from seezar.errors import InvalidInput
from tests.workflows.test_crash import wait_for_checkpoint
from tests.world import World, make_world
from workflows import engine
from workflows.adoption import Stranded, stranded
from workflows.engine import dbos_url
from workflows.ground import worker_environment, worker_ready
from workflows.names import APPLICATION_VERSION, LOCK_READY, LOCK_SLOT, QUEUE_SIGN_IN
from workflows.registry import WorkerNote, live_workers

pytestmark = pytest.mark.asyncio(loop_scope="module")

_LONG_S = 120


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: str) -> AsyncIterator[World]:
    # Two deaths are forgiven: the third parks the run. The site is not asked for another mail while a worker starts.
    async with make_world(postgres, max_adoptions=2, mail_timeout=600, sign_in_timeout=600) as made:
        await asyncio.to_thread(stop_all, made)
        yield made


class Workers:
    """Workers of a world that are started by hand."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.processes: list[subprocess.Popen[bytes]] = []

    async def start(self, *options: str) -> WorkerNote:
        """A worker that takes runs."""
        process = self._spawn(options)
        async with asyncio.timeout(_LONG_S):
            while True:
                for note in live_workers(self._world.settings):
                    if note.pid == process.pid and ready(self._world, note.slot):
                        return note
                assert process.poll() is None, self._world.log()
                await asyncio.sleep(0.05)

    def _spawn(self, options: Sequence[str]) -> subprocess.Popen[bytes]:
        settings = self._world.settings
        with (settings.log_dir / "worker.log").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "workflows.worker", *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=settings.home,
                env=worker_environment(settings),
            )
        self.processes.append(process)
        return process

    async def exit_code(self, note: WorkerNote) -> int:
        """How a worker ended."""
        process = next(process for process in self.processes if process.pid == note.pid)
        return await asyncio.to_thread(process.wait, _LONG_S)

    async def with_run(self, run_id: str) -> WorkerNote:
        """The worker that works on a run."""
        name = (await self._world.application.runs.get(run_id)).worker
        return next(note for note in live_workers(self._world.settings) if engine.executor_id(note.slot) == name)


@pytest.fixture
def workers(world: World) -> Iterator[Workers]:
    (world.settings.log_dir).mkdir(parents=True, exist_ok=True)
    made = Workers(world)
    yield made
    world.mailer.hold = False
    stop_all(world)
    for process in made.processes:
        process.wait(30)
    # A test that failed leaves nothing for the next one to attach to.
    with psycopg.connect(world.url) as connection:
        connection.execute("UPDATE app.run SET status = 'cancelled', finished_at = now() WHERE finished_at IS NULL")


def stop_all(world: World) -> None:
    """End all workers of the world at once, and their browsers."""
    for note in live_workers(world.settings):
        kill(note)


def kill(note: WorkerNote) -> None:
    """SIGKILL a worker and what it started, as a crash of its machine would."""
    process = psutil.Process(note.pid)
    family = [process, *process.children(recursive=True)]
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(family, timeout=10)


def ready(world: World, slot: int) -> bool:
    """Whether the worker of a slot takes runs."""
    with psycopg.connect(world.url) as connection:
        return bool(
            connection.execute(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s AND granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                (LOCK_READY, slot),
            ).fetchone()
        )


async def waiting(world: World) -> str:
    """A sign-in whose password was submitted, and whose mail is held back; returns the run id."""
    world.mailer.hold = True
    run_id = await world.client.sign_in("demo-mail", fresh=True)
    await wait_for_checkpoint(world, run_id)
    return run_id


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until `condition` is true."""
    async with asyncio.timeout(_LONG_S):
        while True:
            found = condition()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.05)


async def told(world: World, run_id: str, step: str, times: int = 1) -> None:
    """Wait until the timeline of a run has had a step so many times."""

    async def so() -> bool:
        return [event.step for event in await world.application.runs.events(run_id)].count(step) >= times

    await until(so)


async def until_log(world: World, text: str) -> None:
    """Wait until a worker has logged something."""
    await until(lambda: text in world.log())


async def test_run_of_a_killed_worker_is_adopted_and_ends(world: World, workers: Workers) -> None:
    await workers.start()
    await workers.start()
    before = world.state.counters("mail").password_submissions
    run_id = await waiting(world)
    died = await workers.with_run(run_id)
    kill(died)
    await told(world, run_id, "adopted")
    await world.mailer.release()
    result = await world.client.result(run_id, timeout=_LONG_S)

    run = await world.application.runs.get(run_id)
    assert (result["status"], result["attempts"], run.adoptions) == ("signed_in", 1, 1)
    assert world.state.counters("mail").password_submissions == before + 1, "the password was sent again"
    events = await world.application.runs.events(run_id)
    (place,) = [index for index, event in enumerate(events) if event.step == "adopted"]
    adopted, other = events[place], engine.executor_id(1 - died.slot)
    assert adopted.message == f"{engine.executor_id(died.slot)} died here; {other} took the run up"
    assert (adopted.worker, adopted.attempt, adopted.detail["adoptions"]) == (other, 1, 1)
    assert {event.worker for event in events[1:place]} == {engine.executor_id(died.slot)}
    assert {event.worker for event in events[place:]} == {other} == {run.worker}
    assert [event.step for event in events].count("store") == 1


async def test_what_the_browser_of_a_killed_worker_left_is_removed(world: World, workers: Workers) -> None:
    note = await workers.start()
    folders: list[Path] = []

    def browsing() -> bool:
        for child in psutil.Process(note.pid).children(recursive=True):
            with suppress(psutil.Error):
                if "chrom" in child.name():
                    folders.append(Path(child.environ()["TMPDIR"]))
        return bool(folders)

    await until(browsing)
    folder = folders[0]
    # Once it is dead, any worker of this machine may remove it.
    assert any("profile" in left.name for left in folder.iterdir())
    assert folder.stat().st_mode & 0o077 == 0
    kill(note)
    other = await workers.start()
    assert not folder.exists()
    os.kill(other.pid, signal.SIGTERM)
    assert await workers.exit_code(other) == 0, world.log()


async def test_run_that_takes_its_workers_down_is_parked(world: World, workers: Workers) -> None:
    await workers.start()
    run_id = await waiting(world)
    submitted = world.state.counters("mail").password_submissions
    for times in (1, 2):
        kill(live_workers(world.settings)[0])
        # It takes the slot of the dead one, which is no less an adoption.
        await workers.start()
        await told(world, run_id, "adopted", times)
        await at_work(world, run_id)
    kill(live_workers(world.settings)[0])
    await workers.start()
    result = await world.client.result(run_id, timeout=_LONG_S)

    assert result["status"] == "parked"
    assert "died 3 times" in str(result["reason"])
    assert f"seezar runs resume {run_id}" in str(result["reason"])
    assert world.state.counters("mail").password_submissions == submitted, "something was sent by the parked run"
    assert await dbos_status(world, run_id) == "CANCELLED"

    await world.client.resume(run_id)
    await world.mailer.release()
    result = await world.client.result(run_id, timeout=_LONG_S)
    assert (result["status"], (await world.application.runs.get(run_id)).adoptions) == ("signed_in", 0)


async def at_work(world: World, run_id: str) -> None:
    """Wait until a worker has taken the workflow of a run out of its queue."""

    async def so() -> bool:
        return await dbos_status(world, run_id) == "PENDING"

    await until(so)


async def dbos_status(world: World, run_id: str) -> str:
    async with await psycopg.AsyncConnection.connect(dbos_url(world.url)) as connection:
        cursor = await connection.execute("SELECT status FROM dbos.workflow_status WHERE workflow_uuid = %s", (run_id,))
        row = await cursor.fetchone()
        assert row is not None
        return row[0]


async def test_worker_that_lost_only_the_connection_of_its_slot_goes_on(world: World, workers: Workers) -> None:
    # Alone: whether another one is quicker is a matter of time.
    note = await workers.start()
    run_id = await waiting(world)
    await world.application.database.run(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        LOCK_SLOT,
        note.slot,
    )
    await until_log(world, f"worker-{note.slot} holds its slot again")
    await world.mailer.release()
    result = await world.client.result(run_id, timeout=_LONG_S)
    run = await world.application.runs.get(run_id)
    assert (result["status"], run.adoptions, run.worker) == ("signed_in", 0, engine.executor_id(note.slot))
    assert ready(world, note.slot)


async def test_worker_whose_slot_was_taken_meanwhile_starts_anew(world: World, workers: Workers) -> None:
    """It was out of reach for long enough that others had to take it for dead: it does nothing more for its runs."""
    note = await workers.start()
    before = world.state.counters("mail").password_submissions
    run_id = await waiting(world)
    browser = {child.pid for child in psutil.Process(note.pid).children(recursive=True)}
    assert browser
    async with await psycopg.AsyncConnection.connect(world.url, autocommit=True) as thief:
        # Whoever waits for the lock has it before the one that must connect first.
        async with await psycopg.AsyncConnection.connect(world.url, autocommit=True) as other:
            taking = asyncio.create_task(thief.execute("SELECT pg_advisory_lock(%s, %s)", (LOCK_SLOT, note.slot)))
            await other.execute("DELETE FROM app.worker WHERE slot = %s", (note.slot,))
            async with asyncio.timeout(_LONG_S):
                while not taking.done():
                    await other.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s"
                        " AND objid = %s AND granted AND pid <> %s"
                        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                        (LOCK_SLOT, note.slot, thief.info.backend_pid),
                    )
                    await asyncio.sleep(0.02)
        await until_log(world, f"worker-{note.slot} was taken for dead")
        await until(lambda: any(one.pid == note.pid and one.slot != note.slot for one in live_workers(world.settings)))
    await told(world, run_id, "adopted")
    await world.mailer.release()
    result = await world.client.result(run_id, timeout=_LONG_S)
    assert (result["status"], result["attempts"]) == ("signed_in", 1)
    assert world.state.counters("mail").password_submissions == before + 1
    assert [one.slot for one in live_workers(world.settings)] != [note.slot]
    alive = {child.pid for child in psutil.Process(note.pid).children(recursive=True)}
    assert not alive & browser, "its old browser still runs"
    assert not any(child.status() == psutil.STATUS_ZOMBIE for child in psutil.Process(note.pid).children())


async def test_worker_told_to_stop_lets_a_sign_in_end(world: World, workers: Workers) -> None:
    note = await workers.start()
    run_id = await waiting(world)
    os.kill(note.pid, signal.SIGTERM)
    await until_log(world, "runs are at work; they have")
    await world.mailer.release()
    assert await workers.exit_code(note) == 0, world.log()[-6000:]
    run = await world.application.runs.get(run_id)
    assert (run.status, run.worker, run.adoptions) == ("signed_in", engine.executor_id(note.slot), 0)


async def test_worker_told_to_stop_hands_over_what_does_not_end(world: World, workers: Workers) -> None:
    await workers.start()
    await workers.start()
    before = world.state.counters("mail").password_submissions
    run_id = await waiting(world)
    note = await workers.with_run(run_id)
    os.kill(note.pid, signal.SIGTERM)
    assert await workers.exit_code(note) == 0, world.log()[-6000:]
    await told(world, run_id, "handed_over")
    await world.mailer.release()
    result = await world.client.result(run_id, timeout=_LONG_S)
    run = await world.application.runs.get(run_id)
    assert (result["status"], result["attempts"], run.adoptions) == ("signed_in", 1, 0)
    assert world.state.counters("mail").password_submissions == before + 1, "the password was sent again"
    assert run.worker == engine.executor_id(1 - note.slot)
    assert "adopted" not in [event.step for event in await world.application.runs.events(run_id)]


async def test_worker_serves_only_its_queues(world: World, workers: Workers) -> None:
    pages = await workers.start("--queues", "browser", "--browsers", "1")
    row = await world.application.database.one("SELECT queues, browsers FROM app.worker WHERE slot = %s", pages.slot)
    assert row == {"queues": ["browser"], "browsers": 1}
    assert not worker_ready(world.url), "nobody signs in"
    forms = await workers.start("--queues", "sign_in")
    assert worker_ready(world.url)

    run_id = await world.client.sign_in("demo-password", fresh=True)
    assert (await world.client.result(run_id, timeout=_LONG_S))["status"] == "signed_in"
    visit = await world.client.check_session("demo-password")
    assert (await world.client.result(visit, timeout=_LONG_S))["status"] == "signed_in"
    runs = world.application.runs
    assert (await runs.get(run_id)).worker == engine.executor_id(forms.slot)
    assert (await runs.get(visit)).worker == engine.executor_id(pages.slot)
    assert len(live_workers(world.settings)) == 2, "another worker was started"


async def test_queue_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    from workflows.worker import main

    with pytest.raises(SystemExit):
        main(["--queues", "sign_in,letters"])
    assert "there is no queue letters" in capsys.readouterr().err


async def test_run_of_a_version_that_no_worker_has(world: World, workers: Workers) -> None:
    await workers.start()
    runs, run_id = world.application.runs, "sign-in-demo-password-0000feed"
    options: dict[str, object] = {"fresh": True, "timeout": None}
    await runs.create(run_id, kind="sign_in", account="demo-password", arguments=[options])
    await asyncio.to_thread(enqueue_old, world.url, run_id, options)

    (found,) = await asyncio.to_thread(stranded, world.url)
    assert found == Stranded(
        run_id,
        run_id,
        "0.9",
        f"It was queued for version 0.9, which no worker has; those that run have {APPLICATION_VERSION}.",
        f"Take it up under the present version: seezar runs resume {run_id}. What it stored is kept.",
    )
    assert (await runs.get(run_id)).status == "queued"
    await world.client.resume(run_id)
    assert (await world.client.result(run_id, timeout=_LONG_S))["status"] == "signed_in"
    assert await asyncio.to_thread(stranded, world.url) == []
    with pytest.raises(InvalidInput, match="has ended"):
        await world.client.resume(run_id)


def enqueue_old(url: str, run_id: str, options: dict[str, object]) -> None:
    """Queue a workflow as another version of seezar would."""
    client = engine.client(url)
    how: EnqueueOptions = {
        "workflow_name": "sign_in",
        "queue_name": QUEUE_SIGN_IN,
        "workflow_id": run_id,
        "app_version": "0.9",
    }
    client.enqueue(how, "demo-password", options)
    client.destroy()


async def test_runs_of_the_dead_wait_for_the_next_worker(world: World, workers: Workers) -> None:
    """Nobody is alive: the one that comes takes the same slot, and counts."""
    await workers.start()
    run_id = await waiting(world)
    kill(live_workers(world.settings)[0])
    await workers.start()
    await told(world, run_id, "adopted")
    await world.mailer.release()
    assert (await world.client.result(run_id, timeout=_LONG_S))["status"] == "signed_in"
    assert (await world.application.runs.get(run_id)).adoptions == 1
    events = await world.application.runs.events(run_id)
    assert "worker-0 died here; started anew, it took the run up" in [event.message for event in events]
