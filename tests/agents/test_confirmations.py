"""What asks the person, below the coordinator too: whole turns with the offline model, and what counts as a yes."""

from collections.abc import Sequence

import pytest
from google.adk.events import Event
from google.genai import types

from tests.agents.test_turns import Chat, answer, calls
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

CONFIRM = "adk_request_confirmation"


async def confirm(chat: Chat, events: Sequence[Event], *, yes: bool) -> list[Event]:
    """Answer the one question that was asked, as a client does."""
    [(call, invocation)] = [
        (call, e.invocation_id) for e in events for call in e.get_function_calls() if call.name == CONFIRM
    ]
    response = types.FunctionResponse(id=call.id, name=CONFIRM, response={"confirmed": yes})
    content = types.Content(role="user", parts=[types.Part(function_response=response)])
    turn = chat.runner.run_async(user_id="u", session_id=chat.session_id, invocation_id=invocation, new_message=content)
    return [event async for event in turn]


async def test_who_asks_for_a_sign_out_alone_is_not_asked_again(at_home: World) -> None:
    await at_home.add_like("demo-password", "leaves")
    chat = Chat()
    await chat.say("sign in to leaves")
    events = await chat.say("sign out of leaves")
    assert CONFIRM not in calls(events)
    assert "Signed out of **leaves**" in answer(events)


@pytest.mark.parametrize("yes", [True, False])
async def test_a_sign_out_among_other_things_waits_for_the_person(at_home: World, yes: bool) -> None:
    name = f"stays-{yes}".lower()
    await at_home.add_like("demo-password", name)
    chat = Chat()
    events = await chat.say(f"sign in to {name} and sign out of {name}")
    assert calls(events)[-2:] == ["sign_out", CONFIRM]
    # A text is no confirmation, whoever wrote it.
    assert await at_home.application.sessions.info(name) is not None
    told = answer(await confirm(chat, events, yes=yes))
    assert ("Signed out of" if yes else "rejected") in told
    assert (await at_home.application.sessions.info(name) is None) is yes
    # The two halves of the call are one run.
    kinds = [run.kind for run in await at_home.application.runs.list() if run.account == name]
    assert kinds.count("sign_out") == (1 if yes else 0)


async def test_the_persons_own_answer_goes_on_with_the_run(at_home: World) -> None:
    await at_home.add_like("demo-mail", "by-words", second_factor="none")
    chat = Chat()
    await chat.say("sign in to by-words")
    events = await chat.say("use the mailed code for by-words")
    assert CONFIRM not in calls(events)
    assert "Signed in to **by-words**" in answer(events)
