"""Attempts count across crashes, checkpoints are encrypted, and a TOTP step only moves forward."""

import pytest

from seezar.accounts import Accounts, NewAccount, Runs
from seezar.accounts.attempts import Attempts
from seezar.database import Database
from seezar.errors import KeyUnusable, RunEnded


@pytest.fixture(autouse=True)
async def _runs(runs: Runs) -> None:
    for run_id in ("r1", "r2"):
        await runs.create(run_id, kind="sign_in", account=None)


async def test_numbered_within_the_run(attempts: Attempts, runs: Runs) -> None:
    assert [await attempts.begin("r1", mail_since=since) for since in (None, "7")] == [1, 2]
    assert await attempts.begin("r2", mail_since=None) == 1
    assert [(a.number, a.mail_since, a.submitted, a.outcome) for a in await attempts.all("r1")] == [
        (1, None, False, None),
        (2, "7", False, None),
    ]
    assert ((await runs.get("r1")).attempts, (await runs.get("r2")).attempts) == (2, 1)


async def test_what_was_done_is_noted_on_its_attempt(attempts: Attempts) -> None:
    for _ in range(2):
        await attempts.begin("r1", mail_since=None)
    await attempts.submitted("r1", 2)
    await attempts.ended("r1", 1, "challenge_lost")
    first, second = await attempts.all("r1")
    assert (first.submitted, first.outcome) == (False, "challenge_lost")
    assert (second.submitted, second.outcome) == (True, None)


async def test_nothing_is_submitted_for_a_run_that_has_ended(attempts: Attempts, runs: Runs) -> None:
    number = await attempts.begin("r1", mail_since=None)
    await runs.finish("r1", "cancelled", reason="", result={})
    with pytest.raises(RunEnded):
        await attempts.submitted("r1", number)
    assert [a.submitted for a in await attempts.all("r1")] == [False]


async def test_nothing_is_submitted_for_an_attempt_that_another_one_has_followed(attempts: Attempts) -> None:
    first, second = [await attempts.begin("r1", mail_since=None) for _ in range(2)]
    with pytest.raises(RunEnded):
        await attempts.submitted("r1", first)
    await attempts.submitted("r1", second)


async def test_a_checkpoint_is_kept_encrypted_until_the_attempt_has_ended(
    attempts: Attempts, database: Database
) -> None:
    number = await attempts.begin("r1", mail_since=None)
    assert await attempts.load_checkpoint("r1", number) is None
    assert await attempts.load_checkpoint("r1", 9) is None
    await attempts.save_checkpoint("r1", number, {"state": "geheim", "n": [1]})
    assert await attempts.load_checkpoint("r1", number) == {"state": "geheim", "n": [1]}
    row = await database.one("SELECT checkpoint FROM app.attempt")
    assert row is not None
    assert b"geheim" not in bytes(row["checkpoint"])
    await attempts.ended("r1", number, "signed_in")
    assert await attempts.load_checkpoint("r1", number) is None


async def test_the_checkpoint_of_another_run_does_not_open(attempts: Attempts, database: Database) -> None:
    for run_id in ("r1", "r2"):
        await attempts.save_checkpoint(run_id, await attempts.begin(run_id, mail_since=None), {"of": run_id})
    await database.run("UPDATE app.attempt SET checkpoint = (SELECT checkpoint FROM app.attempt WHERE run_id = 'r1')")
    assert await attempts.load_checkpoint("r1", 1) == {"of": "r1"}
    with pytest.raises(KeyUnusable):
        await attempts.load_checkpoint("r2", 1)


async def test_a_totp_step_only_moves_forward(attempts: Attempts, accounts: Accounts) -> None:
    for name in ("a", "b"):
        await accounts.add(NewAccount(name=name, url="https://a.example", username=name))
    assert await attempts.last_totp_step("a") is None
    for step in (100, 102, 101):
        await attempts.use_totp_step("a", step)
    assert await attempts.last_totp_step("a") == 102
    assert await attempts.last_totp_step("b") is None
    await accounts.remove("a")
    await accounts.add(NewAccount(name="a", url="https://a.example", username="a"))
    assert await attempts.last_totp_step("a") is None
