"""Queues with a real worker: who is first or refused, what is repeated, tried again, hangs, or lost its account."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from seezar.accounts import NewAccount, Run
from seezar.errors import AccountUnknown, IdempotencyConflict, InvalidInput, QueueFull
from tests.signin.driving import HOME, LOGIN, PASSWORD, USER, right
from tests.site import Request, Response, Site, redirect, serve
from tests.workflows.test_person import workflow_status
from tests.workflows.test_sign_in import wait_for_event
from tests.world import World, make_world
from workflows import deadlines, ground
from workflows.client import Client
from workflows.queueing import Queueing

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

MOST = 8
GRACE_S = 3.0
# The ordinary worker, but for how long it leaves a run alone that does not end at its deadline.
WORKER = f"""
import workflows.deadlines
workflows.deadlines.GRACE_S = {GRACE_S}
from workflows import worker
raise SystemExit(worker.main())
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: str) -> AsyncIterator[World]:
    """One browser, so that the second run has to wait."""
    with pytest.MonkeyPatch.context() as patch:
        command = ground.worker_command
        patch.setattr(ground, "worker_command", lambda s: [sys.executable, "-c", WORKER, *command(s)[3:]])
        async with make_world(postgres, browsers=1, max_queued=MOST, page_timeout=200.0) as made:
            yield made


@dataclass
class Gate:
    """A site whose page behind the login, or whose first page, is answered when it may be."""

    site: Site | None = None
    home: asyncio.Event = field(default_factory=asyncio.Event)
    first: asyncio.Event = field(default_factory=asyncio.Event)
    broken: bool = False
    passwords: int = 0

    async def on_first(self, _: Request) -> Response | str:
        await self.first.wait()
        return Response(status=503) if self.broken else LOGIN

    def on_login(self, request: Request) -> Response:
        self.passwords += 1
        return redirect("/home", cookie="sid=1; Path=/; HttpOnly") if right(request) else redirect("/")

    async def on_home(self, request: Request) -> Response | str:
        await self.home.wait()
        return HOME if request.cookies.get("sid") else redirect("/")

    def open(self) -> None:
        self.home.set()
        self.first.set()


@asynccontextmanager
async def gated(world: World, *names: str) -> AsyncIterator[Gate]:
    """The site, open, with these accounts."""
    gate = Gate()
    gate.open()
    async with serve({"/": gate.on_first, "/login": gate.on_login, "/home": gate.on_home}) as site:
        gate.site = site
        for name in names:
            await add(world, gate, name)
        try:
            yield gate
        finally:
            gate.open()


async def add(world: World, gate: Gate, name: str) -> None:
    assert gate.site is not None
    url = gate.site.url
    await world.application.accounts.add(
        NewAccount(name=name, url=f"{url}/", verify_url=f"{url}/home", username=USER, password=PASSWORD)
    )


@asynccontextmanager
async def busy(world: World, gate: Gate, name: str) -> AsyncIterator[str]:
    """The worker's only browser is at work for a run of the account `name`, which ends behind the block."""
    assert (await world.sign_in(name))["status"] == "signed_in"
    gate.home.clear()
    run_id = await world.client.open_page(name)
    await wait_for_event(world, run_id, "open")
    yield run_id
    gate.open()
    assert (await world.client.result(run_id, timeout=90))["status"] == "opened"


async def ended(world: World, run_ids: Sequence[str]) -> list[Run]:
    """The runs once they have ended, in the order in which they were taken."""
    runs = [await world.application.runs.wait(run_id, timeout=120) for run_id in run_ids]
    assert all(run.finished for run in runs)
    return sorted(runs, key=lambda run: run.started_at or run.created_at)


def queueing(world: World) -> Queueing:
    return world.client._queueing


async def test_the_order_in_which_runs_are_taken_and_where_each_one_stands(world: World) -> None:
    client = world.client
    async with gated(world, "holder", "much", "little", "kept") as gate:
        async with busy(world, gate, "holder"):
            by_itself = await queueing(world).start("open_page", "kept", None, scheduled=True)
            much = [await client.open_page("much") for _ in range(5)]
            little = await client.open_page("little")
            where = {run.id: run.position for run in await world.application.runs.list(limit=7)}
            assert where == {
                much[0]: 1, little: 2, much[1]: 3, much[2]: 4, much[3]: 5, much[4]: 6, by_itself: 7,
            }  # fmt: skip
            assert {run.status for run in await world.application.runs.list(limit=7)} == {"queued"}

            await client.open_page("little", "/one-more")
            with pytest.raises(QueueFull, match="8 runs are queued"):
                await client.open_page("little")
            with pytest.raises(QueueFull):
                await client.sign_in("little")
            # Nobody would ask again for what the worker does by itself.
            await queueing(world).start("open_page", "kept", None, scheduled=True)
        runs = await ended(world, [by_itself, *much, little])
    assert [run.id for run in runs] == [much[0], little, *much[1:], by_itself]
    assert {run.position for run in runs} == {None}


async def test_callers_with_one_key_share_one_run(world: World) -> None:
    async with gated(world, "keyed") as gate, await Client.connect(world.settings) as other:
        clients = (world.client, other)
        async with busy(world, gate, "keyed"):
            runs = await asyncio.gather(*(c.open_page("keyed", "/home", key="visit-1") for c in clients * 2))
            assert len(set(runs)) == 1
            with pytest.raises(IdempotencyConflict, match="visit-1"):
                await other.open_page("keyed", "/elsewhere", key="visit-1")
            with pytest.raises(IdempotencyConflict):
                await other.sign_in("keyed", key="visit-1")
            assert await other.open_page("keyed", "/home", key="visit-2") != runs[0]
        await ended(world, runs)
        assert await world.client.open_page("keyed", "/home", key="visit-1") == runs[0]


async def test_a_sign_in_is_found_by_its_key_after_it_has_ended_and_in_another_process(world: World) -> None:
    async with gated(world, "asked-twice") as gate, await Client.connect(world.settings) as other:
        gate.first.clear()
        first, second = await asyncio.gather(
            world.client.sign_in("asked-twice", key="one"), other.sign_in("asked-twice", key="one")
        )
        # A third caller attaches with a key of its own.
        third = await other.sign_in("asked-twice", key="two")
        assert first == second == third
        gate.open()
        assert (await world.client.result(first, timeout=90))["status"] == "signed_in"
        assert gate.passwords == 1
        assert await other.sign_in("asked-twice", key="two") == first
        assert await other.sign_in("asked-twice") != first
        with pytest.raises(IdempotencyConflict):
            await other.sign_in("asked-twice", key="one", fresh=True)
        assert await in_another_process(world, "asked-twice", "one") == first


async def in_another_process(world: World, account: str, key: str) -> str:
    """The id of the run that a process of its own gets for a sign-in with this key."""
    code = (
        "import asyncio, sys\nfrom workflows.client import Client\n"
        "async def main():\n    async with await Client.connect() as client:\n"
        "        print(await client.sign_in(sys.argv[1], key=sys.argv[2]))\nasyncio.run(main())"
    )
    environment = {"SEEZAR_HOME": str(world.settings.home), "SEEZAR_DATABASE_URL": world.url}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, account, key, stdout=asyncio.subprocess.PIPE, env=environment
    )
    out, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0
    return out.decode().strip()


async def test_a_run_whose_caller_died_before_it_was_queued_is_queued(world: World) -> None:
    async with gated(world, "orphan"):
        await world.application.runs.create(
            "sign-in-orphan-1", kind="sign_in", account="orphan", arguments=[{"fresh": False, "timeout": None}]
        )
        await world.application.database.run(
            "UPDATE app.run SET created_at = now() - interval '1 hour' WHERE id = 'sign-in-orphan-1'"
        )
        result = await world.client.result("sign-in-orphan-1", timeout=90)
        assert result["status"] == "signed_in"


async def test_a_run_that_failed_is_tried_again_as_a_new_one(world: World) -> None:
    client, runs = world.client, world.application.runs
    async with gated(world, "again") as gate:
        gate.broken = True
        failed = await client.sign_in("again")
        assert (await client.result(failed, timeout=90))["status"] == "site_error"
        gate.broken = False
        with pytest.raises(InvalidInput, match="open_and_submit, begin"):
            await client.retry(failed, "answer_mail")
        # Somebody else's sign-in of the account is attached to, and tries nothing again.
        gate.first.clear()
        theirs = await client.sign_in("again")
        assert (await client.retry(failed)).id == theirs
        gate.broken = True
        gate.open()
        await client.result(theirs, timeout=90)
        gate.broken = False
        told = [*await runs.events(theirs), *await runs.events(failed)]
        assert [event for event in told if event.step == "retry" and event.detail] == []

        retried = await client.retry(failed, key="again")
        assert (await client.retry(failed, key="again")).id == retried.id
        assert retried.id != failed
        assert (await client.result(retried.id, timeout=90))["status"] == "signed_in"
        assert (await runs.get(failed)).status == "site_error"
        links = [
            [event.detail for event in await runs.events(run_id) if event.step == "retry"]
            for run_id in (failed, retried.id)
        ]
        assert links == [[{"retried_as": retried.id}], [{"retries": failed}]]
        with pytest.raises(InvalidInput, match="has done what was asked for"):
            await client.retry(retried.id)

        lost = await client.open_page("again", "/nowhere")
        assert (await client.result(lost, timeout=90))["status"] == "site_error"
        again = await client.retry(lost)
        assert (await client.result(again.id, timeout=90))["status"] == "site_error"
        assert await runs.arguments(again.id) == ["/nowhere"]
        with pytest.raises(InvalidInput, match="open_page can be tried again from: visit"):
            await client.retry(lost, "begin")
        await world.application.accounts.remove("again")
        with pytest.raises(AccountUnknown):
            await client.retry(lost)


async def test_a_run_whose_account_is_removed_ends_and_says_so(world: World) -> None:
    client, app = world.client, world.application
    async with gated(world, "stays", "leaves", "comes-back") as gate:
        async with busy(world, gate, "stays"):
            queued = await client.open_page("leaves")
            await app.accounts.remove("leaves")
        assert (await client.result(queued, timeout=90))["status"] == "unknown_account"

        gate.first.clear()
        running = await client.sign_in("comes-back", fresh=True)
        await wait_for_event(world, running, "open")
        passwords = gate.passwords
        await app.accounts.remove("comes-back")
        # Another account of the name is not signed in by a run that was not asked for it.
        await add(world, gate, "comes-back")
        gate.open()
        result = await client.result(running, timeout=90)
        assert result["status"] == "unknown_account"
        assert "removed" in result["reason"]
        assert gate.passwords == passwords
        assert await app.sessions.info("comes-back") is None
        assert (await world.sign_in("comes-back"))["status"] == "signed_in"


async def test_a_run_that_is_resumed_after_its_deadline_has_its_time_again(world: World) -> None:
    async with gated(world, "resumed") as gate:
        gate.first.clear()
        run_id = await world.client.sign_in("resumed", timeout=8)
        await wait_for_event(world, run_id, "open")
        await world.client.cancel(run_id)
        gate.open()
        ended = await world.application.runs.get(run_id)
        assert ended.deadline is not None
        await world.application.database.run("SELECT pg_sleep_until(%s)", ended.deadline)
        await world.client.resume(run_id)
        resumed = await world.application.runs.get(run_id)
        assert resumed.deadline is not None
        assert resumed.deadline > ended.deadline
        assert (await world.client.result(run_id, timeout=90))["status"] == "signed_in"


@pytest.mark.parametrize("queued", ["never", "too late"])
async def test_a_run_that_was_cancelled_before_its_workflow_came_to_it_can_be_resumed(
    world: World, queued: str
) -> None:
    name = f"early-{queued[0]}"
    run_id = f"sign-in-{name}-1"
    async with gated(world, name):
        await world.application.runs.create(
            run_id, kind="sign_in", account=name, arguments=[{"fresh": False, "timeout": None}]
        )
        assert (await world.client.cancel(run_id)).status == "cancelled"
        if queued == "too late":
            await queueing(world).go_on(await world.application.runs.get(run_id))
            async with asyncio.timeout(60):
                while await asyncio.to_thread(workflow_status, world.url, run_id) != "SUCCESS":  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        await world.client.resume(run_id)
        assert (await world.client.result(run_id, timeout=90))["status"] == "signed_in"


async def test_a_run_that_is_resumed_while_its_browser_is_still_at_work_submits_once(world: World) -> None:
    async with gated(world, "twice") as gate:
        gate.first.clear()
        run_id = await world.client.sign_in("twice")
        await wait_for_event(world, run_id, "open")
        await world.client.cancel(run_id)
        await world.client.resume(run_id)
        run = await world.application.runs.get(run_id)
        assert not run.finished
        gate.open()
        assert (await world.client.result(run_id, timeout=90))["status"] == "signed_in"
        assert gate.passwords == 1


async def wait_until_cancelled(world: World, run_id: str) -> None:
    async with asyncio.timeout(60):
        while True:
            if await asyncio.to_thread(workflow_status, world.url, run_id) == "CANCELLED":
                return
            await asyncio.sleep(0.1)


async def test_a_run_that_hangs_is_ended(world: World) -> None:
    app = world.application
    async with gated(world, "hangs") as gate:
        assert (await world.sign_in("hangs"))["status"] == "signed_in"
        gate.home.clear()
        run_id = await world.client.open_page("hangs")
        await wait_for_event(world, run_id, "open")
        run = await app.runs.get(run_id)
        assert run.deadline is not None
        await app.database.run("UPDATE app.run SET deadline = now() - interval '1 hour' WHERE id = %s", run_id)
        await app.database.run("UPDATE app.run_event SET at = at - interval '1 hour' WHERE run_id = %s", run_id)
        run = await app.runs.wait(run_id, timeout=90)
        assert run.status == "unknown"
        assert f"{GRACE_S:.0f} s after its deadline" in run.reason
        gate.open()
        await wait_until_cancelled(world, run_id)
        assert (await app.runs.get(run_id)).status == "unknown"


async def test_elsewhere_a_run_has_a_minute_to_end_by_itself() -> None:
    assert deadlines.GRACE_S == 60
