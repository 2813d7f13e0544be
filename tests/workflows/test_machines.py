"""Two machines with one PostgreSQL, as two homes that reach it by ways of their own: one of them is cut off."""

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest
import pytest_asyncio

from seezar.database.urls import database_of, with_database
from seezar.settings import Settings
from seezar.vault.keys import key_file
from tests.relay import Relay
from tests.workflows.test_crash import wait_for_checkpoint
from tests.workflows.test_workers import until
from tests.world import World, free_port, make_world, stop_workers
from workflows.ground import worker_command, worker_environment
from workflows.registry import WorkerNote, live_workers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser, pytest.mark.timeout(300)]


@dataclass
class Machines:
    """The world is the machine that stays; `far` is the home of the other, whose way to the database is `way`."""

    world: World
    far: Settings
    way: Relay
    process: subprocess.Popen[bytes]

    def worker(self, settings: Settings) -> WorkerNote:
        (note,) = live_workers(settings)
        return note


@pytest_asyncio.fixture(loop_scope="module")
async def machines(postgres: str) -> AsyncIterator[Machines]:
    home = Path(tempfile.mkdtemp(prefix="seezar-far-"))
    with Relay(postgres) as way:
        async with make_world(postgres, mail_timeout=600, sign_in_timeout=600) as world:
            far = world.settings.model_copy(
                update={
                    "home": home,
                    "smtp_port": free_port(),
                    "database_url": with_database(way.url, database_of(world.url)),
                }
            )
            shutil.copy(key_file(world.settings), key_file(far))
            # The one that works on the run, and listens for mail.
            stop_workers(world.settings)
            process = start(far)
            try:
                await until(lambda: any(note.smtp_port for note in live_workers(far)))
                world.mailer.port = far.smtp_port
                yield Machines(world, far, way, process)
            finally:
                stop_workers(far)
                process.wait(30)
    shutil.rmtree(home, ignore_errors=True)


def start(settings: Settings) -> subprocess.Popen[bytes]:
    """A worker of a home."""
    return subprocess.Popen(worker_command(settings), cwd=settings.home, env=worker_environment(settings))


async def test_a_machine_that_is_cut_off(machines: Machines) -> None:
    world, far = machines.world, machines.far
    world.mailer.hold = True
    run_id = await world.client.sign_in("demo-mail", fresh=True)
    await wait_for_checkpoint(world, run_id)
    other = start(world.settings)
    await until(lambda: bool(live_workers(world.settings)))
    died, lives = (f"worker-{machines.worker(settings).slot}" for settings in (far, world.settings))
    browsers = psutil.Process(machines.process.pid).children(recursive=True)

    machines.way.cut()
    # Nobody tells the server so where a machine is switched off; here it notices at once.
    await until(lambda: bool(machines.worker(world.settings).smtp_port))
    world.mailer.port = world.settings.smtp_port
    await world.mailer.release()
    result = await world.client.result(run_id, timeout=120)

    assert result["status"] == "signed_in"
    events = await world.application.runs.events(run_id)
    (adopted,) = [event for event in events if event.step == "adopted"]
    assert adopted.message == f"{died} died here; {lives} took the run up"
    assert world.state.counters("mail").password_submissions == 1

    machines.way.mend()
    # It finds its runs gone, starts anew, and works on: the same process, another browser.
    await until(lambda: not any(browser.is_running() for browser in browsers))
    await until(lambda: bool(ready(world.url) == 2))
    assert machines.process.poll() is None
    assert (await world.sign_in("demo-totp", fresh=True))["status"] == "signed_in"
    other.terminate()
    assert await asyncio.to_thread(other.wait, 60) == 0


def ready(url: str) -> int:
    """How many workers have a slot."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM app.worker").fetchone()
    assert row is not None
    return row[0]
