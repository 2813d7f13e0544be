"""A model call says which prompt of Langfuse its instruction is from, in the spans that Langfuse gets."""

import asyncio
import sys
from asyncio.subprocess import PIPE

import pytest

from playground.collector import Received, received
from playground.langfuse import LangfuseServer
from tests.world import World
from workflows.ground import worker_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")

_PROMPT = "langfuse.observation.prompt.name"
_VERSION = "langfuse.observation.prompt.version"


async def model_calls(world: World, server: LangfuseServer) -> list[Received]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.agents.chat", "which accounts are there?"),
        env=worker_environment(world.settings) | server.environment,
        stdout=PIPE,
        stderr=PIPE,
    )
    _, errors = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, errors.decode()
    spans = [span for body in server.state.traces for span in received(body)]
    return [span for span in spans if span.attributes.get("openinference.span.kind") == "LLM"]


async def test_the_prompt_of_an_agent_is_named_where_there_is_one(world: World) -> None:
    async with LangfuseServer() as server:
        for text in ("You are an agent.", "You hand requests to your agents."):
            server.state.put_prompt("seezar-coordinator", text)
        calls = await model_calls(world, server)
    named = {(str(call.attributes.get("gen_ai.agent.name")), call.attributes.get(_PROMPT)) for call in calls}
    assert named == {("coordinator", "seezar-coordinator"), ("auth", None)}
    assert {call.attributes[_VERSION] for call in calls if _PROMPT in call.attributes} == {2}
