"""What a run may not do: outlive its deadline, go on once it was ended, or keep others from their turn."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from seezar.accounts import NewAccount
from seezar.accounts.attempts import Attempt
from seezar.signin.outcome import LifeStatus
from tests.signin.driving import HOME, LOGIN, PASSWORD, USER
from tests.site import Request, Response, redirect, serve
from tests.workflows.test_crash import wait_for_checkpoint, wait_for_row
from tests.workflows.test_person import workflow_status
from tests.workflows.test_sign_in import RESULT_KEYS, wait_for_event
from tests.world import World
from workflows.sign_in import Life, page_refuses

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]


@pytest.mark.parametrize(
    ("status", "lives", "refuses"),
    [
        # The worker died, then the browser: nothing that the site did.
        ("browser_lost", [(True, None), (True, "browser_lost")], False),
        ("page_lost", [(True, None), (True, "page_lost")], False),
        ("page_lost", [(True, "browser_lost"), (True, "page_lost")], False),
        ("page_lost", [(False, "page_lost"), (True, "page_lost")], False),
        ("page_lost", [(True, "page_lost"), (True, "page_lost")], True),
    ],
)
async def test_a_page_that_goes_away_twice_gets_no_third_password(
    status: LifeStatus, lives: list[tuple[bool, str | None]], refuses: bool
) -> None:
    attempts = [
        Attempt(number, submitted, None, False, outcome, datetime.now(UTC))
        for number, (submitted, outcome) in enumerate(lives, start=1)
    ]
    assert page_refuses(Life(status=status, reason="", attempt=len(lives)), attempts) is refuses


class Gate:
    """A site whose first page is answered when `opened` is set."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.passwords = 0

    async def first(self, _: Request) -> str:
        await self.opened.wait()
        return LOGIN

    def login(self, _: Request) -> Response:
        self.passwords += 1
        return redirect("/home", cookie="sid=1; Path=/; HttpOnly")

    def home(self, request: Request) -> Response | str:
        return HOME if request.cookies.get("sid") else redirect("/")


@asynccontextmanager
async def gate_site(world: World, name: str) -> AsyncIterator[Gate]:
    """The site, with the account `name` on it."""
    gate = Gate()
    async with serve({"/": gate.first, "/login": gate.login, "/home": gate.home}) as site:
        await world.application.accounts.add(
            NewAccount(name=name, url=f"{site.url}/", verify_url=f"{site.url}/home", username=USER, password=PASSWORD)
        )
        try:
            yield gate
        finally:
            gate.opened.set()


async def test_a_slow_site_does_not_outlast_the_deadline(world: World) -> None:
    async with gate_site(world, "slow-site") as gate:
        began = time.monotonic()
        run_id = await world.client.sign_in("slow-site", timeout=5)
        result = await world.client.result(run_id, timeout=60)
        took = time.monotonic() - began
        assert result["status"] == "unknown"
        assert "deadline" in result["reason"]
        assert "No password had been submitted" in result["reason"]
        assert set(result) == RESULT_KEYS
        assert 4.0 < took < 10.0
        assert gate.passwords == 0


async def test_a_run_that_was_cancelled_submits_nothing_any_more(world: World) -> None:
    async with gate_site(world, "cancelled") as gate:
        run_id = await world.client.sign_in("cancelled")
        await wait_for_event(world, run_id, "open")
        assert (await world.client.cancel(run_id)).status == "cancelled"
        gate.opened.set()
        await wait_for_row(world, "SELECT 1 FROM app.attempt WHERE run_id = %s AND outcome IS NOT NULL", run_id)
        assert gate.passwords == 0
        assert await world.application.sessions.info("cancelled") is None

        assert (await world.client.resume(run_id)).status == "running"
        result = await world.client.result(run_id, timeout=90)
        assert (result["status"], result["attempts"]) == ("signed_in", 2)
        assert gate.passwords == 1


async def test_a_run_that_was_closed_is_not_executed(world: World) -> None:
    name = await world.add_like("demo-password", "closed")
    await world.sign_in("demo-password")
    pages = world.state.counters("plain").login_pages
    queueing = world.client._queueing
    for run_id, closed in (("sign-in-closed-1", True), ("sign-in-closed-2", False)):
        if closed:
            await world.application.runs.create(run_id, kind="sign_in", account=name)
            await world.application.runs.finish(run_id, "cancelled", reason="", result={"status": "cancelled"})
        # Without a row: its client took it back, believing that it was never queued.
        await queueing._put("sign_in", "sign_in", run_id, 10, None, name, {"fresh": True})
        async with asyncio.timeout(60):
            while True:
                if await asyncio.to_thread(workflow_status, world.url, run_id) == "SUCCESS":
                    break
                await asyncio.sleep(0.1)
        assert await world.application.attempts.all(run_id) == []
    assert world.state.counters("plain").login_pages == pages
    assert await world.application.sessions.info(name) is None


async def test_who_waits_for_a_mail_keeps_nobody_from_signing_in(world: World) -> None:
    world.mailer.hold = True
    try:
        waiting = [
            await world.client.sign_in(await world.add_like("demo-mail", f"waits-{number}"), fresh=True)
            for number in range(world.settings.browsers)
        ]
        for run_id in waiting:
            await wait_for_checkpoint(world, run_id)
        run_id = await world.client.sign_in("demo-password", fresh=True)
        # Well before the others would give up.
        result = await world.client.result(run_id, timeout=30)
        assert result["status"] == "signed_in"
        assert not any([(await world.application.runs.get(run_id)).finished for run_id in waiting])
        for run_id in waiting:
            await world.client.cancel(run_id)
    finally:
        world.mailer.hold = False
        world.mailer.held.clear()
