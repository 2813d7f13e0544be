"""The mail does not come: the site is asked for it once more, by its own control."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.world import World, make_world

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: str) -> AsyncIterator[World]:
    async with make_world(postgres, mail_timeout=45.0) as made:
        yield made


async def held(world: World, count: int) -> None:
    """Wait until the site has sent so many mails."""
    async with asyncio.timeout(60):
        while len(world.mailer.held) < count:  # noqa: ASYNC110 - the mailer announces nothing
            await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_a_mail_that_does_not_come_is_asked_for_once_more(world: World) -> None:
    world.mailer.hold = True
    run_id = await world.client.sign_in("demo-mail", fresh=True)
    await held(world, 1)
    world.mailer.held.clear()
    await held(world, 1)
    await world.mailer.release()
    result = await world.client.result(run_id, timeout=60)
    assert (result["status"], result["attempts"]) == ("signed_in", 1)
    counters = world.state.counters("mail")
    assert (counters.password_submissions, counters.codes_sent) == (1, 2)
    told = [event.message for event in await world.application.runs.events(run_id)]
    assert told.count("Asking the site to send the mail again") == 1


@pytest.mark.slow
async def test_the_site_is_asked_once_more_only(world: World) -> None:
    before = world.state.counters("mail").codes_sent
    world.mailer.hold = True
    run_id = await world.client.sign_in("demo-mail", fresh=True)
    await held(world, 2)
    # Both mails were lost.
    world.mailer.held.clear()
    result = await world.client.result(run_id, timeout=90)
    world.mailer.hold = False
    assert result["status"] == "no_code"
    assert world.state.counters("mail").codes_sent == before + 2
