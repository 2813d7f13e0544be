"""The sign-in through worker, browser, SMTP and site: what it does, what it must not do, and what bad input gets."""

import asyncio
import json
import time

import pytest

from playground.demo.leaks import search
from playground.world import DEMO_ACCOUNTS, DEMO_MAIL, DEMO_PASSWORD, DemoAccount
from seezar.accounts.totp import next_code
from seezar.errors import AccountUnknown
from seezar.mail.extraction import extract
from tests.world import World
from workflows.engine import dbos_url

pytestmark = pytest.mark.asyncio(loop_scope="module")

RESULT_KEYS = {
    "status",
    "account",
    "run_id",
    "attempts",
    "model_calls",
    "duration_s",
    "second_factor",
    "reason",
    "session_id",
}


@pytest.mark.parametrize("account", DEMO_ACCOUNTS, ids=lambda account: account.name)
async def test_signs_in_then_reuses_the_session(world: World, account) -> None:
    first = await world.sign_in(account.name)
    assert set(first) == RESULT_KEYS
    assert (first["status"], first["model_calls"], first["attempts"]) == ("signed_in", 0, 1)
    assert first["second_factor"] == account.second_factor
    counters = world.state.counters(account.shape)
    assert (counters.password_submissions, counters.sign_ins) == (1, 1)
    forms_before = counters.login_pages

    second = await world.sign_in(account.name)
    assert (second["status"], second["attempts"]) == ("signed_in", 0)
    assert second["session_id"] == first["session_id"]
    assert (counters.login_pages, counters.password_submissions) == (forms_before, 1), "a form was touched"


async def test_a_session_that_the_site_ended_is_replaced(world: World) -> None:
    before = await world.sign_in("demo-password")
    world.state.sessions.drop_all("plain")
    after = await world.sign_in("demo-password")
    assert (after["status"], after["attempts"]) == ("signed_in", 1)
    assert after["session_id"] != before["session_id"]


async def test_a_silent_site_does_not_cost_the_session(world: World) -> None:
    before = await world.sign_in("demo-password")
    await world.application.database.run(
        "UPDATE app.site SET verify_url = 'http://127.0.0.1:9/', origins = origins || ARRAY['http://127.0.0.1:9']"
        " WHERE id = (SELECT site_id FROM app.account WHERE name = 'demo-password')"
    )
    silent = await world.sign_in("demo-password")
    assert (silent["status"], silent["attempts"]) == ("site_error", 0)
    info = await world.application.sessions.info("demo-password")
    assert info is not None
    assert info.id == before["session_id"]
    account = DEMO_PASSWORD
    await world.application.database.run(
        "UPDATE app.site SET verify_url = %s WHERE id = (SELECT site_id FROM app.account WHERE name = 'demo-password')",
        account.verify_url(world.playground.base_url),
    )


async def test_two_callers_share_one_run(world: World) -> None:
    world.mailer.hold = True
    before = world.state.counters("mail").password_submissions
    first = await world.client.sign_in("demo-mail", fresh=True)
    second = await world.client.sign_in("demo-mail", fresh=True)
    assert first == second
    await wait_for_event(world, first, "password")
    await world.mailer.release()
    result = await world.client.result(first, timeout=60)
    assert result["status"] == "signed_in"
    assert world.state.counters("mail").password_submissions == before + 1


async def test_a_mail_from_before_the_attempt_is_not_used(world: World) -> None:
    # The code of an earlier sign-in still lies in the mailbox; only the mail that the new submission caused counts.
    await world.sign_in("demo-mail", fresh=True)
    refused = world.state.counters("mail").code_submissions - world.state.counters("mail").codes_accepted
    result = await world.sign_in("demo-mail", fresh=True)
    assert result["status"] == "signed_in"
    counters = world.state.counters("mail")
    assert counters.code_submissions - counters.codes_accepted == refused


async def test_a_duplicated_mail_does_no_harm(world: World) -> None:
    world.state.knobs.mail_twice = True
    try:
        result = await world.sign_in("demo-mail", fresh=True)
    finally:
        world.state.knobs.mail_twice = False
    assert (result["status"], result["attempts"]) == ("signed_in", 1)


async def test_wrong_password_is_tried_once(world: World) -> None:
    name = await world.add_like("demo-password", "wrong-password", password="not-the-password")
    before = world.state.counters("plain").password_submissions
    result = await world.sign_in(name)
    assert (result["status"], result["attempts"], result["session_id"]) == ("bad_credentials", 1, None)
    assert world.state.counters("plain").password_submissions == before + 1
    assert await world.application.sessions.info(name) is None


async def test_unknown_account(world: World) -> None:
    with pytest.raises(AccountUnknown, match="demo-mail"):
        await world.client.sign_in("nobody")


async def test_site_that_nobody_serves(world: World) -> None:
    name = await world.add_like(
        "demo-password", "gone", url="http://127.0.0.1:9/login", verify_url="http://127.0.0.1:9/"
    )
    result = await world.sign_in(name)
    assert result["status"] == "site_error"
    assert "cannot be reached" in str(result["reason"])


async def test_form_of_another_origin_is_not_filled(world: World) -> None:
    # The same server under another name: the account is registered for 127.0.0.1 only after a redirect away from it.
    base = world.playground.base_url.replace("127.0.0.1", "localhost")
    name = await world.add_like(
        "demo-password", "elsewhere", url=f"{base}/plain/login", verify_url=f"{base}/plain/dashboard"
    )
    account = await world.application.accounts.get(name)
    assert account.origins == (base,)
    await world.application.database.run(
        "UPDATE app.site SET origins = %s WHERE start_url = %s", ["http://127.0.0.1:1"], account.start_url
    )
    before = world.state.counters("plain").password_submissions
    result = await world.sign_in(name)
    assert result["status"] == "needs_person"
    assert "not registered" in str(result["reason"])
    assert world.state.counters("plain").password_submissions == before


async def test_rate_limit_is_told_apart(world: World) -> None:
    name = await world.add_like("demo-password", "limited", password="wrong")
    world.state.knobs.max_failures = 0
    try:
        result = await world.sign_in(name)
    finally:
        world.state.knobs.max_failures = 5
    assert (result["status"], result["attempts"]) == ("rate_limited", 1)


async def test_rows_hold_no_secret(world: World) -> None:
    for account in DEMO_ACCOUNTS:
        await world.sign_in(account.name)
    secrets = [secret for account in DEMO_ACCOUNTS for secret in account.secrets]
    urls = [world.url, dbos_url(world.url)]
    assert "app.account" in (await asyncio.to_thread(search, urls, [], [DEMO_MAIL.name])).found, "the search is blind"
    searched = await asyncio.to_thread(search, urls, [world.settings.home], secrets)
    assert searched.found == ()


@pytest.mark.parametrize("account", DEMO_ACCOUNTS, ids=lambda account: account.name)
async def test_events_say_what_was_decided_on_and_hold_no_value(world: World, account: DemoAccount) -> None:
    began = time.time()
    run_id = str((await world.sign_in(account.name, fresh=True))["run_id"])
    events = await world.application.runs.events(run_id)
    told = json.dumps([[event.step, event.message, event.detail] for event in events])
    codes = await codes_since(world, account, began)
    assert bool(codes) == (account.second_factor != "none")
    for value in (*account.secrets, *codes):
        assert value not in told, "a value came into the timeline"

    details = {event.step: event.detail for event in events}
    assert details["password"]["kind"] == "login"
    assert details["password"]["evidence"]
    pages = [event.detail["page"] for event in events if "page" in event.detail]
    assert f"{world.playground.base_url}/{account.shape}/login" in pages
    assert not any(mark in page for page in pages for mark in "?#")
    # The proof: it is what ended the run.
    assert "page: signed_in" in details["store"]["evidence"]
    assert details["done"]["evidence"] == details["store"]["evidence"]


async def codes_since(world: World, account: DemoAccount, began: float) -> list[str]:
    """The one-time codes that the account may have been given since `began` (epoch seconds)."""
    if account.totp_secret is not None:
        moments = range(int(began), int(time.time()) + 31, 5)
        return sorted({next_code(account.totp_secret, now=moment).code for moment in moments})
    if account.mailbox is None:
        return []
    mail = world.application.mail
    refs, _ = await mail.list_since(await mail.address(account.mailbox))
    found = [extract(await mail.source(ref)).code for ref in refs if ref.received_at.timestamp() >= began]
    return [code for code in found if code is not None]


async def wait_for_event(world: World, run_id: str, step: str) -> None:
    """Wait until the timeline of a run has reached `step`."""
    async for event in world.application.runs.follow(run_id, timeout=60):
        if event.step == step:
            return
    raise AssertionError(f"the run ended without {step}")
