"""Whole turns without a model: a link followed by its name, and a file that comes into the chat."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from google.adk.artifacts import InMemoryArtifactService
from google.adk.events import Event
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types

from agents.coordinator.agent import app
from agents.memory import text_of
from playground.world import DEMO_METRICS
from tests.world import World, make_world

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def metrics(postgres: str) -> AsyncIterator[World]:
    async with make_world(postgres, accounts=[DEMO_METRICS], page_timeout=60.0) as made:
        yield made


async def said(text: str, artifacts: InMemoryArtifactService) -> tuple[str, list[str], str]:
    """The answer, the calls of tools, and the id of the session."""
    sessions = InMemorySessionService()
    session = await sessions.create_session(app_name=app.name, user_id="ann")
    runner = Runner(app=app, session_service=sessions, artifact_service=artifacts)
    message = types.Content(role="user", parts=[types.Part(text=text)])
    events: list[Event] = [
        event async for event in runner.run_async(user_id="ann", session_id=session.id, new_message=message)
    ]
    calls = [call.name or "" for event in events if not event.partial for call in event.get_function_calls()]
    answers = [told for event in events if not event.partial and (told := text_of(event))]
    return answers[-1], calls, session.id


async def test_a_link_is_followed_and_a_file_comes_into_the_chat(
    metrics: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.client.get_settings", lambda: metrics.settings)
    artifacts = InMemoryArtifactService()
    answer, calls, session = await said(
        "sign in to demo-metrics and click Customers and download CSV on /metrics/customers/northwind", artifacts
    )
    assert [call for call in calls if call in ("act_on_page", "download")] == ["act_on_page", "download"]
    assert "The page is now “Customers" in answer
    assert "northwind-events.csv" in answer
    part = await artifacts.load_artifact(
        app_name=app.name, user_id="ann", session_id=session, filename="northwind-events.csv"
    )
    assert part is not None
    assert part.inline_data is not None
    assert (part.inline_data.data or b"").startswith(b"Day,Event,Count")
    runs = await metrics.application.database.all("SELECT kind, model_calls FROM app.run")
    assert {row["kind"] for row in runs} >= {"act_on_page", "download"}
    assert {row["model_calls"] for row in runs} == {0}
