"""kill -9 of the worker in the middle of a sign-in: the same run ends signed in, stored once."""

import asyncio
from typing import LiteralString

import psutil
import psycopg
import pytest

from playground.world import DEMO_PASSWORD
from tests.workflows.test_sign_in import wait_for_event
from tests.world import World
from workflows import engine
from workflows.engine import dbos_url
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
    steps = [event.step for event in await world.application.runs.events(run_id)]
    assert steps.count("store") == 1
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
    before = world.state.counters("plain").password_submissions
    run_id = await world.client.sign_in("demo-password", fresh=True)
    await wait_for_event(world, run_id, step)
    world.kill_worker()
    # Nobody restarts it on purpose: whoever waits for the run notices and does.
    result = await world.client.result(run_id, timeout=120)
    assert result["status"] == "signed_in"
    steps = [event.step for event in await world.application.runs.events(run_id)]
    assert steps.count("store") == 1
    submitted = world.state.counters("plain").password_submissions - before
    assert submitted == 1 or (submitted == 2 and step != "open")


@pytest.mark.parametrize(
    ("password", "status"),
    [(DEMO_PASSWORD.password, "signed_in"), ("no", "bad_credentials")],
    ids=["signed_in", "bad_credentials"],
)
async def test_killed_between_our_tables_and_the_record_of_the_step(world: World, password: str, status: str) -> None:
    """What the site has answered is known: neither a good nor a wrong password is sent a second time."""
    name = await world.add_like("demo-password", f"torn-{status.replace('_', '-')}", password=password)
    before = world.state.counters("plain").password_submissions
    run_id = await world.client.sign_in(name, fresh=True)
    await wait_for_event(world, run_id, "open")
    async with await psycopg.AsyncConnection.connect(dbos_url(world.url)) as connection:
        # DBOS cannot record the step, which is otherwise at its end.
        await connection.execute("LOCK TABLE dbos.operation_outputs IN SHARE MODE")
        await wait_for_row(world, "SELECT 1 FROM app.attempt WHERE run_id = %s AND outcome IS NOT NULL", run_id)
        assert not (await world.application.runs.get(run_id)).finished
        world.kill_worker()
        # Its server process must not go on with what it waited for.
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    result = await world.client.result(run_id, timeout=120)
    assert (result["status"], result["attempts"]) == (status, 1)
    assert world.state.counters("plain").password_submissions == before + 1, "the password was sent again"


async def test_a_workflow_whose_run_stayed_open_is_closed(world: World) -> None:
    """Its rows say that it has succeeded, ours that it goes on: for ever, if nobody looked."""
    run_id = str((await world.sign_in("demo-password"))["run_id"])
    async with asyncio.timeout(60), await psycopg.AsyncConnection.connect(dbos_url(world.url)) as connection:
        while True:
            # Our table tells the result before DBOS has recorded the end.
            aged = await connection.execute(
                "UPDATE dbos.workflow_status SET updated_at = updated_at - 60000"
                " WHERE workflow_uuid = %s AND status = 'SUCCESS'",
                (run_id,),
            )
            if aged.rowcount:
                break
            await asyncio.sleep(0.02)
    await world.application.database.run(
        "UPDATE app.run SET finished_at = NULL, result = NULL, created_at = now() - interval '1 hour' WHERE id = %s",
        run_id,
    )
    result = await world.client.result(run_id, timeout=30)
    assert (result["status"], result["run_id"]) == ("error", run_id)


async def wait_for_checkpoint(world: World, run_id: str) -> None:
    """Wait until the password step has been recorded and the mail is awaited."""
    await wait_for_row(world, "SELECT 1 FROM app.attempt WHERE run_id = %s AND checkpoint IS NOT NULL", run_id)
    recorded = (
        "SELECT 1 FROM dbos.operation_outputs WHERE workflow_uuid = %s AND function_name LIKE '%%open_and_submit'"
    )
    async with asyncio.timeout(60), await psycopg.AsyncConnection.connect(dbos_url(world.url)) as connection:
        while True:
            if await (await connection.execute(recorded, (run_id,))).fetchone() is not None:
                return
            await asyncio.sleep(0.02)


async def wait_for_row(world: World, query: LiteralString, run_id: str) -> None:
    """Wait until `query` of the run has a row."""
    async with asyncio.timeout(60):
        while True:
            if await world.application.database.one(query, run_id) is not None:
                return
            await asyncio.sleep(0.02)
