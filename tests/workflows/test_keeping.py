"""What holds across runs: pauses that a site asked for, sessions that are kept alive, signing out at the site."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from seezar.accounts import Run
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]


async def new_run(world: World, account: str, kind: str, *, known: set[str]) -> Run:
    """The next run of this kind that somebody starts for the account, once it has ended."""
    async with asyncio.timeout(60):
        while True:
            for run in await world.application.runs.list():
                if run.account == account and run.kind == kind and run.finished and run.id not in known:
                    return run
            await asyncio.sleep(0.1)


async def run_ids(world: World) -> set[str]:
    return {run.id for run in await world.application.runs.list(limit=1000)}


async def test_a_rate_limit_holds_for_later_sign_ins(world: World) -> None:
    name = await world.add_like("demo-password", "paused")
    counters = world.state.counters("plain")
    # The site counts wrong passwords of the user, and lets none pass.
    await world.sign_in(await world.add_like("demo-password", "mistyped", password="wrong"))
    world.state.knobs.max_failures = 0
    try:
        first = await world.sign_in(name)
    finally:
        world.state.knobs.max_failures = 5
    assert first["status"] == "rate_limited"
    pages, passwords = counters.login_pages, counters.password_submissions

    for fresh in (False, True):
        again = await world.sign_in(name, fresh=fresh)
        assert (again["status"], again["attempts"]) == ("rate_limited", 0)
        assert "left alone until" in str(again["reason"])
    world.kill_worker()
    assert (await world.sign_in(name))["status"] == "rate_limited"
    assert (counters.login_pages, counters.password_submissions) == (pages, passwords), "the site was touched"
    pause = await world.application.pauses.current(name)
    assert pause is not None
    # The playground says a minute.
    assert timedelta(seconds=20) < pause.until - datetime.now(UTC) <= timedelta(seconds=60)

    await world.application.database.run("UPDATE app.site_pause SET until = now() - interval '1 second'")
    assert (await world.sign_in(name))["status"] == "signed_in"
    assert await world.application.database.all("SELECT account FROM app.site_pause") == []


async def test_a_locked_account_is_left_alone(world: World) -> None:
    name = await world.add_like("demo-password", "locks", password="not-the-right-one")
    world.state.knobs.lock_after = 1
    try:
        assert (await world.sign_in(name))["status"] == "locked"
    finally:
        world.state.knobs.lock_after = None
        world.state.locked.clear()
    before = world.state.counters("plain").password_submissions
    assert (await world.sign_in(name, fresh=True))["status"] == "locked"
    assert world.state.counters("plain").password_submissions == before


async def an_hour_later(world: World, account: str) -> None:
    """What was done with the account, its making included, was an hour ago."""
    database = world.application.database
    await database.run("UPDATE app.run SET created_at = created_at - interval '1 hour' WHERE account = %s", account)
    await database.run("UPDATE app.account SET created_at = created_at - interval '1 hour' WHERE name = %s", account)


async def test_a_session_is_kept_alive_by_visits(world: World) -> None:
    name = await world.add_like("demo-totp", "kept", keep_alive_s=600)
    await world.sign_in(name)
    known = await run_ids(world)
    pages = world.state.counters("totp").dashboards
    forms = world.state.counters("totp").password_submissions
    await world.application.database.run(
        "UPDATE app.session SET verified_at = now() - interval '1 hour' WHERE account = %s", name
    )
    run = await new_run(world, name, "check_session", known=known)
    assert run.status == "signed_in"
    assert world.state.counters("totp").dashboards > pages
    assert world.state.counters("totp").password_submissions == forms
    info = await world.application.sessions.info(name)
    assert info is not None
    assert datetime.now(UTC) - info.verified_at < timedelta(minutes=1)
    # The visit counts as use, whoever claimed it before: it is not due again.
    await world.application.database.run("UPDATE app.session SET kept_at = NULL WHERE account = %s", name)
    assert name not in [due.account for due in await world.application.keeping.claim()]


async def test_a_session_that_visits_do_not_keep_is_obtained_anew(world: World) -> None:
    name = await world.add_like("demo-password", "renewed", keep_alive_s=86_400)
    first = await world.sign_in(name)
    info = await world.application.sessions.info(name)
    assert info is not None
    assert info.expires_at is not None, "the site's cookie says when it ends"
    lifetime = world.state.knobs.remembered_lifetime
    assert abs((info.expires_at - datetime.now(UTC)).total_seconds() - lifetime) < 120

    known = await run_ids(world)
    database = world.application.database
    await an_hour_later(world, name)
    await database.run(
        "UPDATE app.session SET renewed_at = now() - interval '900 days', expires_at = now() + interval '1 minute'"
        " WHERE account = %s",
        name,
    )
    check = await new_run(world, name, "check_session", known=known)
    assert check.status == "signed_in"
    # What is stored says more than the minute that the test wrote down, so the visit seems to have helped.
    again = await world.application.sessions.info(name)
    assert again is not None
    assert again.id == first["session_id"]

    known = await run_ids(world)
    # Now the end is what the cookie says, and no visit of this site moves it.
    days = int(lifetime // 86_400) - 1
    await database.run(
        "UPDATE app.session SET kept_at = NULL, renewed_at = expires_at - make_interval(days => 1000),"
        " verified_at = now() - make_interval(days => %s) WHERE account = %s",
        days,
        name,
    )
    run = await new_run(world, name, "sign_in", known=known)
    assert run.status == "signed_in"
    renewed = await world.application.sessions.info(name)
    assert renewed is not None
    assert renewed.id != first["session_id"]


async def test_a_session_that_the_site_ended_is_obtained_anew(world: World) -> None:
    name = await world.add_like("demo-totp", "lost", keep_alive_s=600)
    first = await world.sign_in(name)
    known = await run_ids(world)
    await an_hour_later(world, name)
    world.state.sessions.drop_all("totp")
    await world.application.database.run(
        "UPDATE app.session SET verified_at = now() - interval '1 hour' WHERE account = %s", name
    )
    assert (await new_run(world, name, "check_session", known=known)).status == "not_signed_in"
    run = await new_run(world, name, "sign_in", known=known)
    assert run.status == "signed_in"
    info = await world.application.sessions.info(name)
    assert info is not None
    assert info.id != first["session_id"]


async def test_signing_out_ends_the_session_at_the_site(world: World) -> None:
    name = await world.add_like("demo-password", "leaves")
    await world.sign_in(name)
    counters = world.state.counters("plain")
    before, sessions = counters.sign_outs, world.state.sessions.signed_in("plain")
    result = await world.client.result(await world.client.sign_out(name), timeout=90)
    assert result["status"] == "signed_out"
    assert "The site has ended the session." in result["reason"]
    assert (counters.sign_outs, world.state.sessions.signed_in("plain")) == (before + 1, sessions - 1)
    assert await world.application.sessions.info(name) is None


async def test_forgetting_here_alone(world: World) -> None:
    name = await world.add_like("demo-password", "stays-there")
    await world.sign_in(name)
    counters = world.state.counters("plain")
    before = counters.sign_outs
    result = await world.client.result(await world.client.sign_out(name, local=True), timeout=90)
    assert "not told" in result["reason"]
    assert counters.sign_outs == before
    assert await world.application.sessions.info(name) is None


async def test_a_site_that_cannot_be_told_is_forgotten_all_the_same(world: World) -> None:
    name = await world.add_like("demo-password", "unreachable")
    await world.sign_in(name)
    await world.application.database.run(
        "WITH s AS (INSERT INTO app.site (start_url, verify_url, origins) VALUES ('http://127.0.0.1:9/',"
        " 'http://127.0.0.1:9/', ARRAY['http://127.0.0.1:9']) RETURNING id)"
        " UPDATE app.account SET site_id = s.id FROM s WHERE name = %s",
        name,
    )
    result = await world.client.result(await world.client.sign_out(name), timeout=90)
    assert result["status"] == "signed_out"
    assert "cannot be reached" in result["reason"]
    assert "until it expires" in result["reason"]
    assert await world.application.sessions.info(name) is None
