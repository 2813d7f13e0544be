"""A turn that is resumed makes its tool calls again: they get the runs that they started, and start nothing."""

import asyncio
from uuid import uuid4

import pytest
from google.adk.tools.function_tool import FunctionTool

from tests.calls import call
from tests.world import World
from tools import auth, browser, mail
from tools.answers import Answer, call_key

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]


async def runs(world: World, kind: str) -> list[str]:
    return [run.id for run in await world.application.runs.list() if run.kind == kind]


async def test_the_key_is_that_of_the_one_call() -> None:
    assert call_key(None) is None
    keys = {
        call_key(await call("c1")),
        call_key(await call("c2")),
        call_key(await call("c1", invocation="i2")),
        call_key(await call("c1", session_id="s2")),
        call_key(await call("c1", user="other")),
    }
    assert len(keys) == 5
    assert call_key(await call("c1")) == call_key(await call("c1"))


@pytest.mark.parametrize(
    "tool",
    [
        auth.sign_in,
        auth.sign_out,
        auth.answer_run,
        browser.open_page,
        browser.act_on_page,
        browser.extract_from_page,
        mail.create_mailbox,
        mail.answer_with_mail,
    ],
)
async def test_no_model_sees_the_context(tool) -> None:
    declared = FunctionTool(tool)._get_declaration()
    assert declared is not None
    assert "tool_context" not in declared.model_dump_json()


async def test_a_call_that_is_repeated_while_its_run_is_under_way_and_after_it(world: World) -> None:
    one, two = await asyncio.gather(
        auth.sign_in("demo-password", fresh=True, tool_context=await call("in")),
        auth.sign_in("demo-password", fresh=True, tool_context=await call("in")),
    )
    assert one["status"] == "signed_in", one
    after = await auth.sign_in("demo-password", fresh=True, tool_context=await call("in"))
    assert one["run_id"] == two["run_id"] == after["run_id"]
    assert world.state.counters("plain").password_submissions == 1
    # The next call is another one, with the same words.
    other = await auth.sign_in("demo-password", fresh=True, tool_context=await call("in-again"))
    assert other["run_id"] != one["run_id"]

    pages = [await browser.open_page("demo-password", tool_context=await call("open")) for _ in range(2)]
    assert pages[0] == pages[1]
    assert len(await runs(world, "open_page")) == 1
    assert (await auth.sign_out("demo-password", tool_context=await call("out", confirmed=True)))[
        "status"
    ] == "signed_out"
    assert (await auth.sign_out("demo-password", tool_context=await call("out", confirmed=True)))[
        "status"
    ] == "signed_out"
    assert len(await runs(world, "sign_out")) == 1


async def test_an_answer_that_is_repeated_is_given_once(world: World) -> None:
    database = world.application.database
    # The site mails a code, and the account has no second factor: only a person can bring it.
    await world.add_like("demo-mail", "by-hand", mailbox=None, second_factor="none")
    run_id = (await auth.sign_in("by-hand"))["run_id"]
    # A site that waits for an approval waits without a code; this one will ask for its code once more.
    await database.run("UPDATE app.run SET question = 'approval' WHERE id = %s", run_id)

    async def repeated() -> Answer:
        return await auth.answer_run("by-hand", confirmed=True, tool_context=await call("approved", confirmed=True))

    both = await asyncio.gather(repeated(), repeated())
    after = await repeated()
    told = [(answer["run_id"], answer["status"], answer.get("question")) for answer in (*both, after)]
    assert told == [(run_id, "needs_person", "code")] * 3
    rows = await database.all("SELECT number FROM app.answer WHERE run_id = %s", run_id)
    assert [row["number"] for row in rows] == [1]
    # Another call is another answer: the run asks for a code by now.
    other = await auth.answer_run("by-hand", confirmed=True, tool_context=await call("approved-again"))
    assert (other["status"], other["question"]) == ("needs_input", "code")
    await world.client.cancel(run_id)
    assert (await repeated())["status"] == "cancelled"


async def test_a_mailed_code_is_handed_over_once(world: World) -> None:
    await world.add_like("demo-mail", "mailed-once", second_factor="none")
    asked = await auth.sign_in("mailed-once")
    assert (asked["status"], asked["question"]) == ("needs_person", "code")

    async def repeated() -> Answer:
        return await mail.answer_with_mail("mailed-once", tool_context=await call("mailed", confirmed=True))

    both = await asyncio.gather(repeated(), repeated())
    after = await repeated()
    told = [(answer["run_id"], answer["status"]) for answer in (*both, after)]
    assert told == [(asked["run_id"], "signed_in")] * 3
    rows = await world.application.database.all("SELECT number FROM app.answer WHERE run_id = %s", asked["run_id"])
    assert [row["number"] for row in rows] == [1]
    # Another call finds nothing that waits.
    other = await mail.answer_with_mail("mailed-once", tool_context=await call("mailed-again"))
    assert other["status"] == "not_waiting"


async def test_a_key_that_was_used_for_something_else_is_an_answer(world: World) -> None:
    name = uuid4().hex
    await auth.sign_in("demo-password", tool_context=await call(name))
    answer = await auth.sign_in("demo-totp", tool_context=await call(name))
    assert answer["status"] == "idempotency_conflict"


async def test_a_mailbox_is_made_once(world: World) -> None:
    made = [await mail.create_mailbox(tool_context=await call("mailbox")) for _ in range(2)]
    assert made[0]["status"] == "created"
    assert made[0] == made[1]
