"""Recordings through a real ADK agent with a tool: made over a provider, replayed with none."""

import json
import stat
import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig
from google.adk.events import Event
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types

from agents.factory import build_app
from agents.model import PoolClient, PoolModel
from playground.providers import Behaviour, Call, Provider
from seezar.models.errors import ModelRecordingInvalid, ModelReplayMismatch, ModelsUnavailable
from seezar.models.ledger import Ledger
from seezar.models.replaying import Replay
from seezar.models.router import ModelRouter, build_router
from seezar.settings import Settings
from seezar.telemetry.revealed import RevealedSecrets

HELLO = [{"role": "user", "content": "hello"}]
SECRET = "canary-7f3a-secret"


MASKED = "«secret:canary-0»"


@pytest.fixture(autouse=True)
def revealed(monkeypatch: pytest.MonkeyPatch) -> RevealedSecrets:
    """What this process has opened: the canary."""
    made = RevealedSecrets()
    made.listening = True
    made.note("canary", SECRET)
    monkeypatch.setattr("seezar.models.router.revealed", made)
    return made


class Tapes:
    """Routers that record into a file and replay it."""

    def __init__(self, folder: Path, provider: Provider) -> None:
        self.file = folder / "talk.jsonl"
        self._home = folder
        self._provider = provider

    def record(self) -> ModelRouter:
        deployment = {
            "model_name": "fast",
            "litellm_params": {"model": "openai/m", "api_key": SECRET, "api_base": self._provider.url},
        }
        embedding = {**deployment, "model_name": "embed"}
        path = self._home / "pool.yaml"
        path.write_text(yaml.safe_dump({"model_list": [deployment, embedding]}))
        return self._build(mode="record", litellm_config=path, allow_model_requests=True)

    def replay(self) -> ModelRouter:
        return self._build(mode="replay", allow_model_requests=False)

    def _build(self, *, mode: str, **values: Any) -> ModelRouter:
        settings = Settings(
            _env_file=None,  # pyright: ignore[reportCallIssue]
            home=self._home,
            model_recording=self.file,
            model_recording_mode=mode,
            **values,
        )
        return build_router(settings, Ledger())

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.file.read_text().splitlines()]


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with Provider() as made:
        yield made


@pytest.fixture
def tapes(tmp_path: Path, provider: Provider) -> Tapes:
    return Tapes(tmp_path, provider)


class Seen:
    """What an agent saw of the model: every response of the LiteLLM client, as JSON."""

    def __init__(self, router: ModelRouter) -> None:
        self.answers: list[str] = []
        seen = self.answers

        class Client(PoolClient):
            async def acompletion(self, model: Any, messages: Any, tools: Any, **kwargs: Any) -> Any:
                answer = await super().acompletion(model, messages, tools, **kwargs)
                if not kwargs.get("stream"):
                    seen.append(answer.model_dump_json())
                    return answer
                return self._pieces(answer)

            async def _pieces(self, answer: AsyncIterator[Any]) -> AsyncIterator[Any]:
                async for piece in answer:
                    seen.append(piece.model_dump_json())
                    yield piece

        self.client = Client(router)


async def talk(router: ModelRouter, *, stream: bool, run: str, question: str = "look around") -> tuple[list[str], str]:
    """A turn of an agent with a tool whose result has ids, times and a port in it: the answers, and the last text."""

    def look(place: str) -> dict[str, Any]:
        """Look at a place."""
        now = "2026-11-23T09:30:00Z" if run == "first" else "2027-01-02T03:04:05.678Z"
        return {
            "status": "ok",
            "run_id": run_ids[run],
            "session": str(uuid.uuid4()),
            "at": now,
            "took": "1.52 s" if run == "first" else "12 s",
            "duration_s": 3.25 if run == "first" else 4.5,
            "url": f"http://127.0.0.1:{8090 if run == 'first' else 41233}/reports",
            "password": SECRET,
            "place": place,
        }

    seen = Seen(router)
    agent = LlmAgent(name="looker", model=PoolModel(llm_client=seen.client), instruction="Look.", tools=[look])
    app, sessions = build_app(agent), InMemorySessionService()
    session = await sessions.create_session(app_name=app.name, user_id="u")
    events = Runner(app=app, session_service=sessions).run_async(
        user_id="u",
        session_id=session.id,
        new_message=types.Content(role="user", parts=[types.Part(text=question)]),
        run_config=RunConfig.model_validate({"streaming_mode": "sse" if stream else None}),
    )
    said = [_text(event) async for event in events if not event.partial]
    return seen.answers, [text for text in said if text][-1]


run_ids = {"first": "sign-in-demo-totp-2cfda6f04f82", "second": "sign-in-demo-totp-0a1b2c3d4e5f"}


def _text(event: Event) -> str:
    return "".join(part.text or "" for part in (event.content.parts or [] if event.content else []))


def looks_then_tells(body: dict[str, Any]) -> str | Sequence[Call]:
    last = body["messages"][-1]
    if last["role"] != "tool":
        return [Call("look", {"place": "the quay"}), Call("look", {"place": "the dock"})]
    seen = json.loads(last["content"])
    return f"The run {seen['run_id']} took {seen['took']} and is at {seen['url']} since {seen['at']} {seen['password']}"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_replay_gives_the_same_bytes_with_the_provider_gone(
    tapes: Tapes, provider: Provider, stream: bool
) -> None:
    provider.script = lambda body: (
        "It is quiet there." if body["messages"][-1]["role"] == "tool" else looks_then_tells(body)
    )
    recorded, text = await talk(tapes.record(), stream=stream, run="first")
    await provider.__aexit__()
    hits = provider.hits
    for _ in range(2):
        assert await talk(tapes.replay(), stream=stream, run="second") == (recorded, text)
    assert provider.hits == hits == 2
    assert text.strip() == "It is quiet there."


@pytest.mark.parametrize("stream", [False, True])
async def test_what_differs_between_two_runs_is_put_back_into_the_answers(
    tapes: Tapes, provider: Provider, stream: bool
) -> None:
    provider.script = looks_then_tells
    _, first = await talk(tapes.record(), stream=stream, run="first")
    _, second = await talk(tapes.replay(), stream=stream, run="second")
    assert run_ids["first"] in first
    assert second.strip() == (
        f"The run {run_ids['second']} took 12 s and is at http://127.0.0.1:41233/reports since "
        f"2027-01-02T03:04:05.678Z {MASKED}"
    )


@pytest.mark.parametrize("stream", [False, True])
async def test_no_secret_is_written_and_nobody_else_may_read_it(tapes: Tapes, provider: Provider, stream: bool) -> None:
    provider.script = looks_then_tells
    await talk(tapes.record(), stream=stream, run="first")
    written = tapes.file.read_text()
    assert SECRET not in written
    assert json.dumps(MASKED)[1:-1] in written or MASKED in written
    assert stat.S_IMODE(tapes.file.stat().st_mode) == 0o600


async def test_a_secret_in_two_pieces_of_a_stream_is_masked(
    tapes: Tapes, provider: Provider, revealed: RevealedSecrets
) -> None:
    revealed.note("phrase", "two words")
    # The provider sends word by word.
    provider.text = "It is two words long."
    router = build_router(
        Settings(
            _env_file=None,  # pyright: ignore[reportCallIssue]
            home=tapes.file.parent,
            litellm_config=_pool_of(tapes),
            allow_model_requests=True,
            model_recording=tapes.file,
            model_recording_mode="record",
        ),
        Ledger(),
    )
    async for _ in await router.acompletion("fast", HELLO, stream=True):
        pass
    (answer,) = [line for line in tapes.lines if "answer" in line]
    pieces = [piece["choices"][0]["delta"].get("content") or "" for piece in answer["pieces"] if piece["choices"]]
    assert "".join(pieces).strip() == "It is «secret:phrase-1» long."


def _pool_of(tapes: Tapes) -> Path:
    tapes.record()
    return tapes.file.parent / "pool.yaml"


async def test_what_looks_like_a_secret_is_masked_where_nobody_says_how(tapes: Tapes) -> None:
    router = build_router(
        Settings(
            _env_file=None,  # pyright: ignore[reportCallIssue]
            home=tapes.file.parent,
            litellm_config=_pool_of(tapes),
            allow_model_requests=True,
            model_recording=tapes.file,
            model_recording_mode="record",
        ),
        Ledger(),
    )
    await router.acompletion("fast", [{"role": "user", "content": "password=Tr0ub4dor-canary here"}])
    assert "canary" not in tapes.file.read_text()


async def test_another_request_is_refused_with_a_difference_that_can_be_read(tapes: Tapes, provider: Provider) -> None:
    record = tapes.record()
    tool = {"type": "function", "function": {"name": "look", "description": "Look at a place.", "parameters": {}}}
    await record.acompletion("fast", [{"role": "system", "content": "You\nlook."}, *HELLO], [tool], temperature=0.1)
    other = {"type": "function", "function": {"name": "look", "description": "Look away.", "parameters": {}}}
    replay = tapes.replay()
    for _ in range(2):
        with pytest.raises(ModelReplayMismatch) as raised:
            await replay.acompletion(
                "fast", [{"role": "system", "content": "You\nlisten."}, *HELLO], [other], temperature=0.1
            )
        assert "Request 1 is not the one of line 2 of the recording" in str(raised.value)
        assert [line for line in str(raised.value).splitlines() if line[:1] in "+-@"][:7] == [
            "--- recorded",
            "+++ asked now",
            "@@ -2,7 +2,7 @@",
            "-  look.",
            "+  listen.",
            '-tool look: {"function": {"description": "Look at a place.", "name": "look", "parameters": {}}, '
            '"type": "function"}',
            '+tool look: {"function": {"description": "Look away.", "name": "look", "parameters": {}}, '
            '"type": "function"}',
        ]
    assert provider.hits == 1


async def test_ids_that_are_not_the_same_ones_are_a_difference(tapes: Tapes) -> None:
    record = tapes.record()
    one, two = uuid.uuid4(), uuid.uuid4()
    await record.acompletion("fast", [{"role": "user", "content": f"{one} {two} {one}"}])
    with pytest.raises(ModelReplayMismatch, match="uuid 2"):
        await tapes.replay().acompletion("fast", [{"role": "user", "content": f"{one} {two} {two}"}])
    replay = tapes.replay()
    assert await replay.acompletion("fast", [{"role": "user", "content": f"{two} {one} {two}"}])


async def test_the_end_is_told(tapes: Tapes) -> None:
    await tapes.record().acompletion("fast", HELLO)
    replay = tapes.replay()
    await replay.acompletion("fast", HELLO)
    with pytest.raises(ModelReplayMismatch, match="has no more answers: it ends after 1 requests"):
        await replay.acompletion("fast", HELLO)


async def test_failures_are_replayed_as_well(tapes: Tapes, provider: Provider) -> None:
    provider.behaviour = Behaviour.FAILS
    with pytest.raises(ModelsUnavailable) as recorded:
        await tapes.record().acompletion("fast", HELLO)
    with pytest.raises(ModelsUnavailable) as replayed:
        await tapes.replay().acompletion("fast", HELLO)
    assert str(replayed.value) == str(recorded.value)


async def test_embeddings_are_replayed(tapes: Tapes) -> None:
    recorded = await tapes.record().aembedding(["one", "three"])
    assert await tapes.replay().aembedding(["one", "three"]) == recorded
    with pytest.raises(ModelReplayMismatch, match=r"-  three\n\+  four"):
        await tapes.replay().aembedding(["one", "four"])


async def test_a_recording_is_not_written_over(tapes: Tapes) -> None:
    await tapes.record().acompletion("fast", HELLO)
    before = tapes.file.read_bytes()
    with pytest.raises(ModelRecordingInvalid, match="is there already"):
        await tapes.record().acompletion("fast", HELLO)
    assert tapes.file.read_bytes() == before


def test_without_a_file_nothing_is_replayed(tmp_path: Path) -> None:
    with pytest.raises(ModelRecordingInvalid, match="No such file"):
        Replay(tmp_path / "none.jsonl", str)


@pytest.mark.parametrize(
    ("line", "text", "reason"),
    [
        (1, '{"format": "other"}', "line 1 does not say"),
        (2, '{"request": 1, "call": "comple', "line 2 is damaged"),
        (2, '["request"]', "line 2 is damaged"),
        (3, '{"answer": 9, "whole": {}}', "line 3 is damaged"),
        (3, '{"answer": 1}', "line 3 is damaged"),
        (3, '{"answer": 1, "pieces": ["x"]}', "line 3 is damaged"),
        (3, '{"answer": 1, "error": {"status": "x"}}', "line 3 is damaged"),
    ],
)
async def test_a_damaged_recording_names_the_line(tapes: Tapes, line: int, text: str, reason: str) -> None:
    await tapes.record().acompletion("fast", HELLO)
    lines = tapes.file.read_text().splitlines()
    lines[line - 1] = text
    tapes.file.write_text("\n".join(lines))
    with pytest.raises(ModelRecordingInvalid, match=reason):
        tapes.replay()


async def test_a_recording_that_was_broken_off_says_so(tapes: Tapes) -> None:
    await tapes.record().acompletion("fast", HELLO)
    lines = tapes.file.read_text().splitlines()
    tapes.file.write_text("\n".join(lines[:2]))
    with pytest.raises(ModelReplayMismatch, match="no answer to the request of line 2"):
        await tapes.replay().acompletion("fast", HELLO)
