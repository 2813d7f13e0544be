"""Runs that wait for a person: durable, answered once, and gone on with where they stopped."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from playground.demo.leaks import search
from seezar.accounts import Run
from seezar.accounts.questions import NOBODY, REPLACED, Answer, attaches
from seezar.errors import AnsweredAlready, InvalidInput, NotWaiting, QuestionExpired, RunUnknown
from seezar.signin.answers import after_answer
from seezar.signin.outcome import Outcome, QuestionKind
from tests.workflows.phone import phone_site
from tests.workflows.test_sign_in import RESULT_KEYS, wait_for_event
from tests.world import World
from workflows import engine
from workflows.engine import dbos_url

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]


async def asked(world: World, account: str, *, fresh: bool = False) -> str:
    """Sign in until a person is needed; returns the run id."""
    run_id = await world.client.sign_in(account, fresh=fresh)
    result = await world.client.result(run_id, timeout=90)
    assert result.get("question") is not None, result
    return run_id


async def done(world: World, run_id: str, value: str | None = None) -> dict[str, object]:
    """Answer, and wait for what comes of it."""
    await world.client.answer(run_id, value)
    return await world.client.result(run_id, timeout=90)


async def ended(world: World, run_id: str) -> Run:
    """The run once the worker has ended it."""
    async with asyncio.timeout(30):
        while True:
            run = await world.application.runs.get(run_id)
            if run.finished:
                return run
            await asyncio.sleep(0.1)


async def backdate(world: World, run_id: str, minutes: int) -> None:
    await world.application.database.run(
        "UPDATE app.run SET asked_at = now() - make_interval(mins => %s) WHERE id = %s", minutes, run_id
    )


async def test_a_code_of_a_person(world: World) -> None:
    async with phone_site(world, "sms") as phone:
        run_id = await world.client.sign_in("sms")
        waiting = await world.client.result(run_id, timeout=90)
        assert set(waiting) == RESULT_KEYS | {"question"}
        assert (waiting["status"], waiting["question"], waiting["session_id"]) == ("needs_person", "code", None)
        assert f"seezar runs answer {run_id}" in waiting["reason"]
        run = await world.application.runs.get(run_id)
        assert (run.waiting, run.finished, run.status) == (True, False, "needs_person")
        # It holds no slot of the queue: its workflow comes to its end.
        assert await asyncio.to_thread(workflow_end, world.url, run_id) == "SUCCESS"

        # Who asks again now gets the same run.
        assert await world.client.sign_in("sms") == run_id
        refused = await done(world, run_id, "111111")
        assert (refused["status"], refused["question"]) == ("needs_person", "code")
        assert "refused the code" in str(refused["reason"])
        result = await done(world, run_id, f" {phone.code} ")
        assert set(result) == RESULT_KEYS
        assert (result["status"], result["run_id"], result["attempts"]) == ("signed_in", run_id, 1)
        assert (phone.passwords, phone.codes) == (1, ["111111", phone.code])

        answers = await world.application.database.all("SELECT value FROM app.answer WHERE run_id = %s", run_id)
        assert [row["value"] for row in answers] == [None, None]
        searched = await asyncio.to_thread(
            search, [world.url, dbos_url(world.url)], [world.settings.home], [phone.code]
        )
        assert searched.found == ()


async def test_three_wrong_codes_end_it(world: World) -> None:
    async with phone_site(world, "guesses") as phone:
        run_id = await asked(world, "guesses")
        for guess in ("000001", "000002"):
            assert (await done(world, run_id, guess))["status"] == "needs_person"
        result = await done(world, run_id, "000003")
        assert (result["status"], result["attempts"]) == ("bad_code", 1)
        assert phone.passwords == 1


@pytest.mark.parametrize("when", ["waiting", "answering"])
async def test_kill_9(world: World, when: str) -> None:
    async with phone_site(world, f"killed-{when}") as phone:
        run_id = await asked(world, f"killed-{when}")
        if when == "waiting":
            world.kill_worker()
        await world.client.answer(run_id, phone.code)
        if when == "answering":
            await wait_for_event(world, run_id, "answer")
            world.kill_worker()
        result = await world.client.result(run_id, timeout=120)
        if result["status"] == "needs_person":
            # The code was typed and the answer to it lost with the worker: the site wants another.
            assert when == "answering"
            result = await done(world, run_id, phone.code)
        assert result["status"] == "signed_in"
        steps = [event.step for event in await world.application.runs.events(run_id)]
        assert steps.count("store") == 1
        if when == "waiting":
            assert phone.passwords == 1, "the password was sent again"
            assert "resume" in steps


async def test_an_answer_that_was_never_queued_is_found(world: World) -> None:
    async with phone_site(world, "lost") as phone:
        run_id = await asked(world, "lost")
        # As a client that dies between the two.
        await world.application.questions.answer(run_id, phone.code)
        result = await world.client.result(run_id, timeout=60)
        assert result["status"] == "signed_in"


async def test_a_challenge_that_the_site_forgot_is_asked_for_anew(world: World) -> None:
    async with phone_site(world, "forgot") as phone:
        run_id = await asked(world, "forgot")
        world.kill_worker()
        phone.forget()
        again = await done(world, run_id, phone.code)
        assert (again["status"], again["question"], again["attempts"]) == ("needs_person", "code", 2)
        assert phone.passwords == 2
        assert (await done(world, run_id, phone.code))["status"] == "signed_in"


async def test_an_approval(world: World) -> None:
    async with phone_site(world, "push", asks="approval") as phone:
        run_id = await asked(world, "push")
        assert (await world.application.runs.get(run_id)).question == "approval"
        assert await world.client.sign_in("push") == run_id
        too_early = await done(world, run_id)
        assert (too_early["status"], too_early["question"]) == ("needs_person", "approval")
        phone.approved = True
        result = await done(world, run_id)
        assert (result["status"], phone.passwords) == ("signed_in", 1)


async def test_terms(world: World) -> None:
    async with phone_site(world, "terms", asks="terms") as phone:
        run_id = await asked(world, "terms")
        assert (await world.application.runs.get(run_id)).question == "terms"
        result = await done(world, run_id)
        assert (result["status"], phone.passwords, phone.declined) == ("signed_in", 1, 0)


async def test_a_captcha_that_is_gone_when_a_person_looked(world: World) -> None:
    async with phone_site(world, "captcha", asks="terms", captcha=True) as phone:
        run_id = await asked(world, "captcha")
        run = await world.application.runs.get(run_id)
        assert (run.status, run.question) == ("captcha", "captcha")
        phone.captcha = False
        # From the start: what it asks then is asked in turn.
        after = await done(world, run_id)
        assert (after["status"], after["question"], after["attempts"]) == ("needs_person", "terms", 2)
        assert (await done(world, run_id))["status"] == "signed_in"


async def test_who_answers_what_is_not_asked(world: World) -> None:
    with pytest.raises(RunUnknown):
        await world.client.answer("sign-in-nobody-0", "1")
    ended = str((await world.sign_in("demo-password"))["run_id"])
    with pytest.raises(NotWaiting, match="has ended"):
        await world.client.answer(ended, "1")
    async with phone_site(world, "careless") as phone:
        run_id = await asked(world, "careless")
        for nonsense in (None, "", "  ", "4" * 65, "1\x002"):
            with pytest.raises(InvalidInput):
                await world.client.answer(run_id, nonsense)
        assert (await world.application.runs.get(run_id)).waiting
        both = await asyncio.gather(
            world.client.answer(run_id, phone.code), world.client.answer(run_id, "222222"), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in both) == ["AnsweredAlready", "Run"]
        with pytest.raises((AnsweredAlready, NotWaiting)):
            await world.client.answer(run_id, phone.code)
        first = not isinstance(both[0], BaseException)
        result = await world.client.result(run_id, timeout=90)
        assert result["status"] == ("signed_in" if first else "needs_person")
        assert phone.codes == [phone.code if first else "222222"]


async def test_nobody_answers(world: World) -> None:
    async with phone_site(world, "silent"):
        run_id = await asked(world, "silent")
        await backdate(world, run_id, minutes=25 * 60)
        with pytest.raises((QuestionExpired, NotWaiting)):
            await world.client.answer(run_id, "123456")
        run = await ended(world, run_id)
        assert run.status == "needs_person"
        assert run.reason.endswith(NOBODY)
        assert run.result is not None
        assert set(run.result) == RESULT_KEYS


@pytest.mark.parametrize("why", ["old", "fresh"])
async def test_a_newer_sign_in_takes_the_place(world: World, why: str) -> None:
    async with phone_site(world, f"replaced-{why}") as phone:
        old = await asked(world, f"replaced-{why}")
        if why == "old":
            await backdate(world, old, minutes=11)
        new = await asked(world, f"replaced-{why}", fresh=why == "fresh")
        assert new != old
        run = await world.application.runs.get(old)
        assert (run.finished, run.status) == (True, "needs_person")
        assert run.reason.endswith(REPLACED)
        with pytest.raises(NotWaiting):
            await world.client.answer(old, phone.code)
        assert (await done(world, new, phone.code))["status"] == "signed_in"


async def test_cancelled_while_waiting_and_taken_up_again(world: World) -> None:
    async with phone_site(world, "paused") as phone:
        run_id = await asked(world, "paused")
        assert (await world.client.cancel(run_id)).status == "cancelled"
        with pytest.raises(NotWaiting):
            await world.client.answer(run_id, phone.code)
        run = await world.client.resume(run_id)
        assert (run.waiting, run.question, run.status) == (True, "code", "needs_person")
        result = await done(world, run_id, phone.code)
        assert (result["status"], phone.passwords) == ("signed_in", 1)


async def test_waiting_does_not_count_as_time_of_the_run(world: World) -> None:
    async with phone_site(world, "slow") as phone:
        run_id = await asked(world, "slow")
        row = await world.application.database.one("SELECT left_s FROM app.run WHERE id = %s", run_id)
        assert row is not None
        assert 0 < row["left_s"] <= world.settings.sign_in_timeout
        await world.application.database.run(
            "UPDATE app.run SET created_at = now() - interval '5 hours', asked_at = now() - interval '5 hours'"
            " WHERE id = %s",
            run_id,
        )
        # The site has forgotten it meanwhile, so that a whole new attempt is needed.
        world.kill_worker()
        phone.forget()
        assert (await done(world, run_id, phone.code))["question"] == "code"
        assert (await done(world, run_id, phone.code))["status"] == "signed_in"


async def test_what_is_asked_again_and_what_is_not() -> None:
    def after(question: QuestionKind, outcome: Outcome, *, again: bool) -> tuple[str, str | None]:
        ended = after_answer(Answer(question, None, 1.0), outcome, again=again)
        return ended.status, ended.question

    refused = Outcome("bad_code", "")
    assert after("code", refused, again=True) == ("needs_person", "code")
    assert after("code", refused, again=False) == ("bad_code", None)
    questions: tuple[QuestionKind, ...] = ("code", "approval", "terms", "captcha", "passkey")
    for question in questions:
        same = Outcome("needs_person", "", question=question)
        assert after(question, same, again=False) == ("needs_person", None), "it would be asked for ever"


async def test_an_answer_that_nobody_used_is_deleted(world: World) -> None:
    async with phone_site(world, "unused") as phone:
        run_id = await asked(world, "unused")
        world.kill_worker()
        await world.application.questions.answer(run_id, phone.code)
        await world.client.cancel(run_id)
        (row,) = await world.application.database.all("SELECT value FROM app.answer WHERE run_id = %s", run_id)
        assert row["value"] is None
        # Taken up again, it asks for another.
        await world.client.resume(run_id)
        result = await world.client.result(run_id, timeout=90)
        assert result["question"] == "code"
        assert (await done(world, run_id, phone.code))["status"] == "signed_in"
        assert phone.passwords == 1


def workflow_status(url: str, workflow_id: str) -> str:
    client = engine.client(url)
    try:
        return client.retrieve_workflow(workflow_id).get_status().status
    finally:
        client.destroy()


def workflow_end(url: str, workflow_id: str) -> str:
    """The status of the workflow when it has ended; waits for that."""
    client = engine.client(url)
    try:
        workflow = client.retrieve_workflow(workflow_id)
        workflow.get_result()
        return workflow.get_status().status
    finally:
        client.destroy()


async def test_a_fresh_question_is_recent() -> None:
    # The rule itself, without a world: see `attaches`.
    now = datetime.now(UTC)

    def run(question: str, minutes: int) -> Run:
        return Run(
            "r", "sign_in", "a", "needs_person", "", None, 1, 0, now, None, question, now - timedelta(minutes=minutes)
        )

    assert attaches(run("code", 9), fresh=False, now=now)
    assert attaches(run("approval", 9), fresh=False, now=now)
    assert not attaches(run("code", 11), fresh=False, now=now)
    assert not attaches(run("code", 1), fresh=True, now=now)
    assert not any(attaches(run(kind, 1), fresh=False, now=now) for kind in ("terms", "captcha", "passkey"))
