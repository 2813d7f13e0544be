"""Whole turns: ADK's Runner, the offline model, the tools, a real worker, browser, mail and the playground."""

import json
from collections.abc import Sequence

import pytest
from google.adk.agents.run_config import RunConfig
from google.adk.artifacts import InMemoryArtifactService
from google.adk.events import Event
from google.adk.runners import Runner
from google.adk.sessions import BaseSessionService, InMemorySessionService
from google.genai import types

from agents import storage
from agents.auth.agent import app as auth_app
from agents.coordinator.agent import app as coordinator_app
from playground.data import DASHBOARDS
from playground.world import DEMO_ACCOUNTS
from seezar.mail.extraction import extract
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]


def message(text: str) -> types.Content:
    return types.Content(role="user", parts=[types.Part(text=text)])


class Chat:
    """One conversation with an app."""

    def __init__(self, app=coordinator_app, sessions: BaseSessionService | None = None) -> None:
        self.app = app
        self.artifacts = InMemoryArtifactService()
        self.sessions = sessions or InMemorySessionService()
        self.runner = Runner(app=app, session_service=self.sessions, artifact_service=self.artifacts)
        self.session_id = ""

    async def say(self, text: str, *, stream: bool = False) -> list[Event]:
        if not self.session_id:
            session = await self.sessions.create_session(app_name=self.app.name, user_id="u")
            self.session_id = session.id
        events = self.runner.run_async(
            user_id="u",
            session_id=self.session_id,
            new_message=message(text),
            run_config=RunConfig.model_validate({"streaming_mode": "sse" if stream else None}),
        )
        return [event async for event in events]


def calls(events: Sequence[Event]) -> list[str]:
    return [call.name or "" for event in events if not event.partial for call in event.get_function_calls()]


def text_of(event: Event) -> str:
    return "".join(part.text or "" for part in (event.content.parts or [] if event.content else []))


def answer(events: Sequence[Event]) -> str:
    return [text for event in events if not event.partial and (text := text_of(event))][-1]


async def mailed_codes(world: World) -> set[str]:
    """Every code that the playground has mailed."""
    mail = world.application.mail
    refs, _ = await mail.list_since(await mail.address("demo-mail@mail.seezar.test"), "0")
    return {code for ref in refs if (code := extract(await mail.source(ref)).code)}


async def test_the_documented_request_brings_the_numbers_of_both_dashboards(at_home: World) -> None:
    chat = Chat()
    events = await chat.say("sign in to demo-mail and demo-totp and read the top events", stream=True)
    assert calls(events) == [
        "auth",
        "sign_in",
        "sign_in",
        "finish_task",
        "browser",
        "open_page",
        "open_page",
        "read_page",
        "read_page",
        "finish_task",
    ]
    said = answer(events)
    for name in ("mail", "totp"):
        for row in DASHBOARDS[name].events:
            assert f"| {row.event} | {row.count:,} | {row.change_text} |" in said
    assert "no model call" in said
    streamed = "".join(text_of(event) for event in events if event.partial and event.author == "coordinator")
    assert streamed == said

    session = await chat.sessions.get_session(app_name="coordinator", user_id="u", session_id=chat.session_id)
    assert session is not None
    stored = session.model_dump_json()
    for account in DEMO_ACCOUNTS:
        assert not any(secret in stored for secret in account.secrets)
    codes = await mailed_codes(at_home)
    assert codes
    assert not any(code in stored for code in codes)


async def test_the_chat_is_told_what_a_run_does_while_it_does_it(at_home: World) -> None:
    chat = Chat()
    events = await chat.say("sign in to demo-totp with a fresh session")
    run = next(run for run in await at_home.application.runs.list() if run.kind == "sign_in")
    lines = [text_of(event).strip() for event in events if event.partial and event.author == "sign_in"]
    timeline = [f"demo-totp: {event.message}" for event in await at_home.application.runs.events(run.id)]
    assert lines == timeline[: len(lines)]
    assert len(lines) >= 5
    # While the tool still waits: its answer comes behind.
    answered = next(n for n, e in enumerate(events) if any(r.name == "sign_in" for r in e.get_function_responses()))
    told = [n for n, e in enumerate(events) if e.partial and e.author == "sign_in"]
    assert max(told) < answered
    # Shown, and nothing more: neither stored nor given to a model.
    session = await chat.sessions.get_session(app_name="coordinator", user_id="u", session_id=chat.session_id)
    assert session is not None
    assert lines[0] not in session.model_dump_json()


async def test_a_screenshot_becomes_an_artifact(at_home: World) -> None:
    chat = Chat()
    await chat.say("sign in to demo-totp")
    said = answer(await chat.say("take a screenshot"))
    [name] = await chat.artifacts.list_artifact_keys(app_name="coordinator", user_id="u", session_id=chat.session_id)
    assert f"`{name}`" in said
    part = await chat.artifacts.load_artifact(
        app_name="coordinator", user_id="u", session_id=chat.session_id, filename=name
    )
    assert part is not None
    assert part.inline_data is not None
    assert (part.inline_data.data or b"").startswith(b"\x89PNG")


async def test_a_failed_sign_in_is_told_and_nothing_is_opened(at_home: World) -> None:
    await at_home.add_like("demo-password", "bad-one", password="wrong-again-8812")
    events = await Chat().say("sign in to bad-one and read the top events")
    assert calls(events) == ["auth", "sign_in", "finish_task"]
    assert "bad_credentials" in answer(events)


async def test_a_sub_agent_works_as_an_app_of_its_own(at_home: World) -> None:
    events = await Chat(auth_app).say("sign in to demo-totp")
    assert calls(events) == ["sign_in"]
    assert "demo-totp" in answer(events)


async def test_a_turn_that_was_cut_off_is_resumed_and_signs_in_once(at_home: World) -> None:
    """The process dies right after the model asked for the sign-in; another one takes the turn up from PostgreSQL."""
    await at_home.add_like("demo-password", "cut-off")
    chat = Chat(sessions=storage.session_service(at_home.url))
    session = await chat.sessions.create_session(app_name="coordinator", user_id="u")
    chat.session_id = session.id
    turn = chat.runner.run_async(user_id="u", session_id=session.id, new_message=message("sign in to cut-off"))
    invocation = ""
    async for event in turn:
        invocation = event.invocation_id
        if "sign_in" in calls([event]):
            break
    await turn.aclose()

    resumed = Runner(
        app=coordinator_app,
        session_service=storage.session_service(at_home.url),
        artifact_service=InMemoryArtifactService(),
    )
    events = [e async for e in resumed.run_async(user_id="u", session_id=session.id, invocation_id=invocation)]
    assert "cut-off" in answer(events)
    runs = [run for run in await at_home.application.runs.list() if run.account == "cut-off"]
    assert [run.status for run in runs] == ["signed_in"]
    assert json.dumps(runs[0].result)
