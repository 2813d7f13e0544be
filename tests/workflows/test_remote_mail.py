"""Sign-ins whose code comes to a mailbox at a provider elsewhere; here, maildirs in a folder."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from seezar.mail.provider import Address
from tests.mail.folder_provider import deliver, write_table
from tests.workflows.test_crash import wait_for_checkpoint
from tests.workflows.test_sign_in import wait_for_event
from tests.world import World, make_world
from workflows.ground import ensure_running

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

ACCOUNT = "remote-mail"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: str) -> AsyncIterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        # The worker, which runs in its home, must find the provider's module.
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        async with make_world(postgres, max_attempts=2) as made:
            yield made


@pytest.fixture
def folder(world: World) -> Path:
    """The folder of the provider `folder`, whose entry is in the home's table."""
    folder = world.settings.home / "provider"
    write_table(world.settings.mail_config_path, folder)
    for trouble in ("unavailable", "refusing", "failed"):
        (folder / trouble).unlink(missing_ok=True)
    return folder


@pytest_asyncio.fixture(loop_scope="module")
async def box(world: World, folder: Path) -> AsyncIterator[Address]:
    """The mailbox of the account; the mails of the site go nowhere by themselves."""
    mail = world.application.mail
    box = await mail.create("box", provider="folder", idempotency_key="box")
    if all(account.name != ACCOUNT for account in await world.application.accounts.list()):
        await world.add_like("demo-mail", ACCOUNT, mailbox=box.address)
    world.mailer.hold = True
    yield box
    world.mailer.hold = False
    world.mailer.held.clear()


async def carry(world: World, folder: Path, box: Address) -> None:
    """Put the next mail that the site sends into the maildir."""
    async with asyncio.timeout(60):
        while not world.mailer.held:  # noqa: ASYNC110 - the mailer announces nothing
            await asyncio.sleep(0.02)
    deliver(folder, box.address, world.mailer.held.pop(0).as_bytes())


async def test_the_code_is_fetched_while_the_run_waits(world: World, folder: Path, box: Address) -> None:
    # Another code lies there already; it must not be taken for the answer.
    old = b"From: a@site.test\r\nSubject: Your sign-in code\r\n\r\nYour verification code is 111111.\r\n"
    deliver(folder, box.address, old)
    run_id = await world.client.sign_in(ACCOUNT, fresh=True)
    await wait_for_checkpoint(world, run_id)
    await carry(world, folder, box)
    result = await world.client.result(run_id, timeout=60)
    assert (result["status"], result["attempts"]) == ("signed_in", 1)
    # Nobody waits any more, so nobody asks the provider any more.
    waiting = folder / "waiting"
    async with asyncio.timeout(30):
        while waiting.exists():
            waiting.unlink()
            await asyncio.sleep(0.5)


async def test_fetching_goes_on_after_a_crash(world: World, folder: Path, box: Address) -> None:
    run_id = await world.client.sign_in(ACCOUNT, fresh=True)
    await wait_for_checkpoint(world, run_id)
    world.kill_worker()
    await carry(world, folder, box)
    await asyncio.to_thread(ensure_running, world.settings)
    result = await world.client.result(run_id, timeout=90)
    assert (result["status"], result["attempts"]) == ("signed_in", 1)


async def test_no_password_is_sent_while_the_provider_is_away(world: World, folder: Path, box: Address) -> None:
    submitted = world.state.counters("mail").password_submissions
    for trouble, status in (("unavailable", "mail_provider_unavailable"), ("refusing", "mail_provider_refused")):
        (folder / trouble).touch()
        result = await world.sign_in(ACCOUNT, fresh=True)
        assert (result["status"], result["attempts"]) == (status, 0)
        assert "The password was not submitted" in str(result["reason"])
        (folder / trouble).unlink()
    assert world.state.counters("mail").password_submissions == submitted


async def test_a_short_absence_of_the_provider_is_waited_for(world: World, folder: Path, box: Address) -> None:
    (folder / "unavailable").touch()
    run_id = await world.client.sign_in(ACCOUNT, fresh=True)
    async with asyncio.timeout(30):
        while not (folder / "failed").exists():  # noqa: ASYNC110 - the provider announces nothing
            await asyncio.sleep(0.02)
    (folder / "unavailable").unlink()
    await carry(world, folder, box)
    result = await world.client.result(run_id, timeout=60)
    assert (result["status"], result["attempts"]) == ("signed_in", 1)


async def test_a_refusal_while_waiting_is_told_in_the_timeline(world: World, folder: Path, box: Address) -> None:
    run_id = await world.client.sign_in(ACCOUNT, fresh=True)
    await wait_for_checkpoint(world, run_id)
    (folder / "refusing").touch()
    await wait_for_event(world, run_id, "mail")
    told = [event.message for event in await world.application.runs.events(run_id) if event.step == "mail"]
    assert told == ["The mail provider folder refused the key."]
    (folder / "refusing").unlink()
    await carry(world, folder, box)
    result = await world.client.result(run_id, timeout=60)
    assert (result["status"], result["attempts"]) == ("signed_in", 1)
