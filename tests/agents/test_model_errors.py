"""What a user is told when models fail or the budget of a turn is spent: whole turns of ADK over loopback providers."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig
from google.adk.apps import App
from google.adk.events import Event
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types

from agents.factory import build_app, build_coordinator, build_worker
from agents.model import PoolClient
from playground.providers import Behaviour, Call, Provider
from seezar.models.budget import Budget, Limits
from seezar.models.pool import load_pool
from seezar.models.router import ModelRouter

type Said = str | list[Call]


def router_over(provider: Provider, folder: Path, *, budget: Budget | None = None, allow: bool = True) -> ModelRouter:
    deployment = {
        "model_name": "fast",
        "litellm_params": {"model": "openai/m", "api_key": "k", "api_base": provider.url},
        "model_info": {"id": "d", "input_cost_per_token": 0.01, "output_cost_per_token": 0.01},
    }
    path = folder / "pool.yaml"
    path.write_text(yaml.safe_dump({"model_list": [deployment]}))
    return ModelRouter(load_pool(path), budget=budget, allow_requests=allow)


def look(place: str) -> dict[str, str]:
    """Look at a place."""
    return {"status": "ok", "seen": f"nothing at {place}"}


def lone(router: ModelRouter) -> App:
    """An app of one agent with a tool."""
    root = build_worker("lone", description="Looks.", instruction="Look.", tools=[look], task=False)
    return _over(router, root)


def family(router: ModelRouter) -> App:
    """An app of a coordinator with one task child."""
    child = build_worker("child", description="Looks.", instruction="Look.", tools=[look], task=True)
    root = build_coordinator("family", description="Asks.", instruction="Ask.", workers=[child])
    return _over(router, root)


def _over(router: ModelRouter, root: LlmAgent) -> App:
    for agent in (root, *root.sub_agents):
        agent.model.llm_client = PoolClient(router)  # pyright: ignore[reportAttributeAccessIssue]
    return build_app(root)


async def turn(app: App, *, stream: bool = False) -> list[Event]:
    sessions = InMemorySessionService()
    session = await sessions.create_session(app_name=app.name, user_id="u")
    events = Runner(app=app, session_service=sessions).run_async(
        user_id="u",
        session_id=session.id,
        new_message=types.Content(role="user", parts=[types.Part(text="look around")]),
        run_config=RunConfig.model_validate({"streaming_mode": "sse" if stream else None}),
    )
    return [event async for event in events]


def texts(events: list[Event]) -> list[str]:
    """What the user is shown in whole."""
    return [
        part.text
        for event in events
        if not event.partial and event.content
        for part in event.content.parts or []
        if part.text
    ]


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with Provider() as made:
        yield made


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("behaviour", "status", "words"),
    [
        (Behaviour.FAILS, "models_unavailable", "No model of the group 'fast' can be asked now"),
        (Behaviour.TOO_LONG, "model_request_refused", "can answer this request (d: too_long)"),
        (Behaviour.REFUSES_CONTENT, "model_request_refused", "can answer this request (d: refused_content)"),
    ],
)
async def test_a_model_that_fails_is_told(
    provider: Provider, tmp_path: Path, behaviour: Behaviour, status: str, words: str, stream: bool
) -> None:
    provider.behaviour = behaviour
    events = await turn(lone(router_over(provider, tmp_path)), stream=stream)
    assert [event.error_code for event in events if event.content] == [status]
    (said,) = texts(events)
    assert words in said
    assert "conversation is stored" in said


async def test_a_stream_that_breaks_off_is_told_when_no_other_model_takes_over(
    provider: Provider, tmp_path: Path
) -> None:
    provider.behaviour = Behaviour.BREAKS_OFF
    events = await turn(lone(router_over(provider, tmp_path)), stream=True)
    assert [e.error_code for e in events if e.content][-1] == "models_unavailable"
    assert "d: cut until" in texts(events)[-1]


async def test_a_request_that_may_not_be_sent_is_told(provider: Provider, tmp_path: Path) -> None:
    events = await turn(lone(router_over(provider, tmp_path, allow=False)))
    assert [e.error_code for e in events if e.content][-1] == "model_request_forbidden"
    assert "SEEZAR_ALLOW_MODEL_REQUESTS=true" in texts(events)[-1]
    assert provider.hits == 0


def _looks(_: dict[str, Any]) -> list[Call]:
    return [Call("look", {"place": "here"})]


def _delegates(body: dict[str, Any]) -> list[Call]:
    names = {tool["function"]["name"] for tool in body["tools"]}
    return [Call("child", {"request": "look"})] if "child" in names else _looks(body)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("make", [lone, family])
@pytest.mark.parametrize(
    ("limits", "told", "hits"),
    [
        (Limits(requests=3), "3 of 3 requests", 3),
        (Limits(tokens=15), "20 of 15 tokens", 2),
        (Limits(usd=0.3), "0.3 of 0.3 US dollars", 3),
    ],
)
async def test_the_budget_of_a_turn_ends_it_with_one_sentence(
    provider: Provider,
    tmp_path: Path,
    make: Callable[[ModelRouter], App],
    limits: Limits,
    told: str,
    hits: int,
    stream: bool,
) -> None:
    provider.script = _delegates if make is family else _looks
    router = router_over(provider, tmp_path, budget=Budget(run=limits))
    app = make(router)
    events = await turn(app, stream=stream)
    said = [text for text in texts(events) if "budget" in text]
    assert len(said) == 1, [(e.author, e.error_code, texts([e])) for e in events]
    assert f"spent for this turn or run: {told}" in said[0]
    assert [e.error_code for e in events if e.content][-1] == "model_budget_spent"
    assert provider.hits == hits
    # The next turn has a budget of its own.
    await turn(app, stream=stream)
    assert provider.hits == 2 * hits
