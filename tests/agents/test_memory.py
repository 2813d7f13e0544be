"""What was said in one conversation is recalled in another one of the same user, by the coordinator."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from google.adk.cli.utils import service_factory
from google.adk.events import Event
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types

from agents import storage
from agents.coordinator.agent import app
from agents.memory import StoredMemory, text_of
from seezar.telemetry.revealed import revealed
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def memory(world: World) -> AsyncIterator[StoredMemory]:
    service = storage.memory_service(world.application.database.url)
    await world.application.database.run("DELETE FROM knowledge.memory")
    yield service
    await service.close()


async def say(text: str, memory: StoredMemory | None, *, user: str = "ann") -> list[Event]:
    sessions = InMemorySessionService()
    session = await sessions.create_session(app_name=app.name, user_id=user)
    runner = Runner(app=app, session_service=sessions, memory_service=memory)
    said = types.Content(role="user", parts=[types.Part(text=text)])
    return [event async for event in runner.run_async(user_id=user, session_id=session.id, new_message=said)]


def answer(events: list[Event]) -> str:
    return [text for event in events if not event.partial and (text := text_of(event))][-1]


async def test_a_later_conversation_recalls_an_earlier_one(at_home: World, memory: StoredMemory) -> None:
    listed = answer(await say("list my accounts", memory))
    assert "demo-mail" in listed

    events = await say("what did you tell me about my accounts before?", memory)

    assert [call.name for event in events for call in event.get_function_calls()] == ["recall"]
    assert "list my accounts" in answer(events)
    assert "demo-mail" in answer(events)
    # What was recalled is not remembered again, in the place of what was said.
    rows = await at_home.application.database.all("SELECT author FROM knowledge.memory ORDER BY id")
    assert [row["author"] for row in rows] == ["user", "coordinator"]


async def test_another_user_recalls_nothing_of_it(at_home: World, memory: StoredMemory) -> None:
    await say("list my accounts", memory)
    events = await say("what did you tell me about my accounts before?", memory, user="bob")
    assert "I remember no earlier conversation" in answer(events)
    assert "demo-mail" not in answer(events)


async def test_no_secret_is_remembered(at_home: World, memory: StoredMemory) -> None:
    revealed.note("password", "hunter2-and-more")
    await say(
        "hello, my password is hunter2-and-more and token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl", memory
    )
    rows = await at_home.application.database.all("SELECT text FROM knowledge.memory")
    assert rows
    assert not any("hunter2" in row["text"] or "eyJhbGciOiJIUzI1NiJ9" in row["text"] for row in rows)


async def test_without_a_memory_service_it_says_so(at_home: World) -> None:
    assert "Conversations are not remembered here" in answer(await say("what did you tell me before?", None))


async def test_a_turn_whose_memory_fails_is_answered_all_the_same(at_home: World) -> None:
    broken = StoredMemory("postgresql://seezar@127.0.0.1:1/seezar", application_name="test", timeout=0.5)
    assert "demo-mail" in answer(await say("list my accounts", broken))


async def test_a_conversation_that_is_deleted_is_forgotten(at_home: World, memory: StoredMemory) -> None:
    sessions = storage.session_service(at_home.application.database.url)
    session = await sessions.create_session(app_name=app.name, user_id="ann")
    runner = Runner(app=app, session_service=sessions, memory_service=memory)
    said = types.Content(role="user", parts=[types.Part(text="list my accounts")])
    async for _ in runner.run_async(user_id="ann", session_id=session.id, new_message=said):
        pass
    assert (await memory.search_memory(app_name=app.name, user_id="ann", query="accounts")).memories
    await sessions.delete_session(app_name=app.name, user_id="ann", session_id=session.id)
    assert not (await memory.search_memory(app_name=app.name, user_id="ann", query="accounts")).memories


async def test_it_is_what_adk_takes_where_none_is_named(at_home: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("create_local_session_service", "create_local_artifact_service", "create_memory_service_from_options"):
        monkeypatch.setattr(service_factory, name, getattr(service_factory, name))
    storage.register(at_home.settings, at_home.application.database.url)
    make = service_factory.create_memory_service_from_options
    assert isinstance(make(base_dir="."), StoredMemory)
    assert isinstance(make(base_dir=".", memory_service_uri="pgvector://"), StoredMemory)
    assert not isinstance(make(base_dir=".", memory_service_uri="memory://"), StoredMemory)
