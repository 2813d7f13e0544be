"""kill -9 of the worker in the middle of a sign-in: the same run ends signed in, stored once."""

import asyncio

import psutil
import pytest

from tests.workflows.test_sign_in import wait_for_event
from tests.world import World
from workflows import engine
from workflows.ground import ensure_running

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_killed_while_the_code_is_awaited(world: World) -> None:
    world.mailer.hold = True
    run_id = await world.client.sign_in("demo-mail", fresh=True)
    await wait_for_checkpoint(world, run_id)
    old = world.kill_worker()

    await asyncio.to_thread(ensure_running, world.settings)
    assert world.worker().pid != old.pid
    await world.mailer.release()
    result = await world.client.result(run_id, timeout=90)

    assert (result["status"], result["run_id"], result["attempts"]) == ("signed_in", run_id, 1)
    assert world.state.counters("mail").password_submissions == 1, "the password was sent again"
    assert world.state.counters("mail").codes_sent == 1, "a second code was asked for"
    sessions = await world.application.database.all("SELECT account FROM app.session WHERE account = 'demo-mail'")
    assert len(sessions) == 1
    steps = [event.step for event in await world.application.runs.events(run_id)]
    assert "resume" in steps, "the page was not rebuilt from its checkpoint"


async def test_killed_while_the_mail_is_under_way_to_nobody(world: World) -> None:
    """The site's mail bounces while there is no SMTP: the run ends without a code, tells so, and loses nothing."""
    world.mailer.hold = True
    run_id = await world.client.sign_in("demo-mail", fresh=True)
    await wait_for_checkpoint(world, run_id)
    world.mailer.held.clear()
    await world.application.database.run(
        "UPDATE app.attempt SET started_at = now() - interval '1 hour' WHERE run_id = %s", run_id
    )
    result = await world.client.result(run_id, timeout=60)
    world.mailer.hold = False
    assert result["status"] == "no_code"
    assert (await world.application.accounts.get("demo-mail")).password_ref is not None


async def test_browser_killed_while_the_code_is_awaited(world: World) -> None:
    world.mailer.hold = True
    before = world.state.counters("mail").password_submissions
    run_id = await world.client.sign_in("demo-mail", fresh=True)
    await wait_for_checkpoint(world, run_id)
    process = world.worker().process()
    assert process is not None
    browsers = [child for child in process.children(recursive=True) if "chrom" in child.name()]
    assert browsers
    for browser in browsers:
        browser.kill()
    psutil.wait_procs(browsers, timeout=10)
    await world.mailer.release()
    result = await world.client.result(run_id, timeout=90)
    assert (result["status"], result["attempts"]) == ("signed_in", 1)
    assert world.state.counters("mail").password_submissions == before + 1, "the password was sent again"


async def test_workflow_that_ended_without_a_result_is_closed(world: World) -> None:
    world.mailer.hold = True
    run_id = await world.client.sign_in("demo-mail", fresh=True)
    await wait_for_checkpoint(world, run_id)
    await world.application.database.run(
        "UPDATE app.run SET created_at = now() - interval '1 hour' WHERE id = %s", run_id
    )
    await asyncio.to_thread(cancel_behind_our_back, world.url, run_id)
    result = await world.client.result(run_id, timeout=60)
    world.mailer.hold = False
    assert result["status"] == "cancelled"


def cancel_behind_our_back(url: str, run_id: str) -> None:
    """Cancel a workflow as DBOS' own command line would: our tables are not told."""
    client = engine.client(url)
    client.cancel_workflow(run_id)
    client.destroy()


@pytest.mark.parametrize("step", ["open", "password", "verify"])
async def test_killed_at_a_step(world: World, step: str) -> None:
    run_id = await world.client.sign_in("demo-password", fresh=True)
    await wait_for_event(world, run_id, step)
    world.kill_worker()
    # Nobody restarts it on purpose: whoever waits for the run notices and does.
    result = await world.client.result(run_id, timeout=120)
    assert result["status"] == "signed_in"
    rows = await world.application.database.all("SELECT id FROM app.session WHERE account = 'demo-password'")
    assert len(rows) == 1


async def wait_for_checkpoint(world: World, run_id: str) -> None:
    """Wait until the password step has been recorded and the mail is awaited."""
    async with asyncio.timeout(60):
        while True:
            row = await world.application.database.one(
                "SELECT 1 FROM app.attempt WHERE run_id = %s AND checkpoint IS NOT NULL", run_id
            )
            if row is not None:
                return
            await asyncio.sleep(0.05)
