"""The net below the tools: no known secret is stored in a conversation, sent to a model or shown."""

import json
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest
from google.adk.agents import LlmAgent
from google.adk.cli import api_server
from google.adk.events.event import Event
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.adk.tools.tool_context import ToolContext
from google.genai import types
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from pydantic import Field

from agents.factory import build_app
from agents.trace_tab import mask_trace_tab
from seezar.telemetry.revealed import revealed

SECRET = "Zr&<\"'é /+%7Qx-Kestrel"
CODE = "483920"


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    listening, revealed.listening = revealed.listening, True
    revealed.note("password", SECRET)
    revealed.note("code", CODE)
    yield
    revealed.listening = listening


class Parrot(BaseLlm):
    """Calls the tool with what it was told, then says what the tool said; keeps what it was sent."""

    sent: list[str] = Field(default_factory=list)

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse]:
        self.sent.append(llm_request.model_dump_json(exclude_none=True))
        answered = llm_request.contents[-1].parts[0].function_response  # pyright: ignore[reportOptionalSubscript]
        if answered is None:
            call = types.FunctionCall(name="leaky", args={"value": SECRET}, id="call-483920")
            part = types.Part(function_call=call)
        else:
            part = types.Part(text=f"It said {json.dumps(answered.response)}, that is {SECRET} and 483 920.")
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


async def leaky(value: str, tool_context: ToolContext) -> dict[str, Any]:
    """Answers with a secret, in a list and as JSON, and keeps it in the state."""
    tool_context.state["seen"] = {"password": SECRET}
    return {"rows": [SECRET, {"n": 3}], "text": f"code 483-920, {json.dumps(SECRET)}", "missing": None}


async def talk(text: str) -> tuple[list[Event], Any, Parrot]:
    model = Parrot(model="parrot")
    app = build_app(LlmAgent(name="any", model=model, tools=[leaky]))
    sessions = InMemorySessionService()
    runner = Runner(app=app, session_service=sessions)
    session = await sessions.create_session(app_name=app.name, user_id="u")
    said = types.Content(role="user", parts=[types.Part(text=text)])
    events = [e async for e in runner.run_async(user_id="u", session_id=session.id, new_message=said)]
    stored = await sessions.get_session(app_name=app.name, user_id="u", session_id=session.id)
    return events, stored, model


def told(value: Any) -> str:
    return json.dumps(value.model_dump(mode="json"), ensure_ascii=False).replace("call-483920", "")


async def test_nothing_of_a_leaky_tool_is_stored_sent_or_shown() -> None:
    events, stored, model = await talk(f"my password is {SECRET} and the code 483920")
    assert len(model.sent) == 2
    everything = ["\n".join(model.sent).replace("call-483920", ""), told(stored), *map(told, events)]
    for text in everything:
        for form in ("Kestrel", "483920", "483-920", "483 920"):
            assert form not in text
    assert '"n": 3' in told(stored)
    assert "«secret:" in told(stored)
    assert "«secret:" in json.dumps(stored.state, ensure_ascii=False)
    # A call and its answer still belong together.
    assert {call.id for e in events for call in e.get_function_calls()} == {"call-483920"}
    assert {answer.id for e in events for answer in e.get_function_responses()} == {"call-483920"}


async def test_what_only_looks_like_a_secret_is_masked_where_a_person_writes_it() -> None:
    _, stored, model = await talk("the password is Never-Told-4711, sign in")
    assert "Never-Told" not in told(stored) + "".join(model.sent)
    assert "sign in" in told(stored)


def test_the_trace_tab_of_adk_keeps_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for keeper in (api_server.ApiServerSpanExporter, api_server.InMemoryExporter):
        monkeypatch.setattr(keeper, "export", keeper.export)
    mask_trace_tab()
    mask_trace_tab()
    events: dict[str, Any] = {}
    kept, provider = api_server.InMemoryExporter({}), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(api_server.ApiServerSpanExporter(events)))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    with provider.get_tracer("test").start_as_current_span("call_llm") as span:
        span.set_attribute("gcp.vertex.agent.event_id", "e-1")
        span.set_attribute("gcp.vertex.agent.session_id", "s-1")
        span.set_attribute("gcp.vertex.agent.llm_request", json.dumps({"text": f"{SECRET} 483-920"}))
    shown = str(events) + "".join(span.to_json() for span in kept.get_finished_spans("s-1"))
    assert "e-1" in events
    assert "«secret:password-" in shown
    assert "Kestrel" not in shown
    assert "483-920" not in shown
