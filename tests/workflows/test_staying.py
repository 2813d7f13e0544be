"""Sessions that are about to end are obtained anew, unasked, through every second factor that needs no person."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from playground.journeys import journey_of
from playground.world import DEMO_MAIL, DEMO_TOTP
from seezar.accounts import SessionInfo
from tests.world import World, make_world

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

LINK = journey_of("link")
LIFE_S = 280.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: str) -> AsyncIterator[World]:
    async with make_world(postgres, accounts=(DEMO_MAIL, DEMO_TOTP, LINK)) as made:
        made.state.knobs.session_lifetime = made.state.knobs.remembered_lifetime = LIFE_S
        made.state.knobs.cookie_lifetime = LIFE_S
        yield made


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 90) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(seconds):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.1)


async def info_of(world: World, account: str) -> SessionInfo:
    info = await world.application.sessions.info(account)
    assert info is not None
    return info


async def state_of(world: World, account: str) -> str:
    """As the worker wrote it down last, which is soon after what changed it."""
    return (await world.application.states.all(account))[0].state


async def an_hour_ago(world: World, account: str) -> None:
    """The session was obtained an hour ago, and has the little left that it has."""
    database = world.application.database
    await database.run(
        "UPDATE app.run SET created_at = created_at - interval '1 hour', finished_at = finished_at - interval '1 hour'"
        " WHERE account = %s",
        account,
    )
    await database.run("UPDATE app.session SET renewed_at = renewed_at - interval '1 hour' WHERE account = %s", account)
    await database.run(
        "UPDATE app.account SET keep_alive_s = 86400, created_at = created_at - interval '2 hours' WHERE name = %s",
        account,
    )


@pytest.mark.parametrize("account", [DEMO_MAIL.name, LINK.name, DEMO_TOTP.name])
async def test_before_the_end(world: World, account: str) -> None:
    result = await world.sign_in(account)
    assert result["status"] == "signed_in", result
    first = await info_of(world, account)
    assert first.expires_at is not None, "the site's cookie says when it ends"
    await an_hour_ago(world, account)

    async def renewed_and_told() -> bool:
        same = (await info_of(world, account)).id == first.id
        return not same and await state_of(world, account) == "signed_in"

    await until(renewed_and_told)
    renewed = await info_of(world, account)
    assert renewed.expires_at is not None
    assert first.expires_at is not None
    assert renewed.obtained_at < first.expires_at, "there was a time without a session"
    assert renewed.expires_at > datetime.now(UTC)
    # One visit that did not help, then one sign-in.
    kinds = [run.kind for run in await world.application.runs.list() if run.account == account]
    assert kinds == ["sign_in", "check_session", "sign_in"]
    path = [entry.state for entry in reversed(await world.application.states.history(account))]
    assert path[path.index("signing_in") :][-2:] == ["signing_in", "signed_in"]
    assert await world.application.notices.list() == [], "nobody was needed"


async def test_after_a_failure_it_is_not_tried_at_once(world: World) -> None:
    """The site's mail is lost: the session stays as it is, and the code is not asked for again and again."""
    account = DEMO_MAIL.name
    app, database = world.application, world.application.database
    await world.sign_in(account, fresh=True)
    first = await info_of(world, account)
    passwords = world.state.counters("mail").password_submissions
    world.state.knobs.mail_lost = True
    await an_hour_ago(world, account)

    async def failed() -> bool:
        run = next(run for run in await app.runs.list() if run.account == account and run.kind == "sign_in")
        # Its mail has had its time.
        await database.run(
            "UPDATE app.attempt SET started_at = now() - interval '1 hour' WHERE run_id = %s AND submitted", run.id
        )
        return run.status == "no_code"

    try:
        await until(failed)
    finally:
        world.state.knobs.mail_lost = False
    submitted = world.state.counters("mail").password_submissions
    assert submitted > passwords
    await visited(world, account)
    await visited(world, account)
    assert world.state.counters("mail").password_submissions == submitted, "it was tried again at once"
    assert (await info_of(world, account)).id == first.id

    async def told() -> bool:
        return await state_of(world, account) == "expiring"

    await until(told)

    # A quarter of an hour later.
    await database.run(
        "UPDATE app.run SET created_at = created_at - interval '16 minutes',"
        " finished_at = finished_at - interval '16 minutes' WHERE account = %s",
        account,
    )
    await visited(world, account)

    async def renewed() -> bool:
        return (await info_of(world, account)).id != first.id

    await until(renewed)


async def visited(world: World, account: str) -> None:
    """Wait for the next visit within the window."""
    known = {run.id for run in await world.application.runs.list(limit=500)}
    await world.application.database.run(
        "UPDATE app.session SET kept_at = now() - interval '31 minutes' WHERE account = %s", account
    )

    async def done() -> bool:
        runs = await world.application.runs.list(limit=500)
        return any(r.kind == "check_session" and r.finished and r.id not in known for r in runs)

    await until(done)
