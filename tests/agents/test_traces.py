"""A turn of the chat is one trace, with one span for each model call, down into the worker's browser."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from playground.collector import Collector, tree
from playground.world import DEMO_TOTP
from tests.world import World, make_world
from workflows.ground import worker_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: str, collector: Collector) -> AsyncIterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        # As a project of Langfuse takes them.
        patch.setenv("LANGFUSE_PUBLIC_KEY", "pk-lf-test")
        patch.setenv("LANGFUSE_SECRET_KEY", "sk-lf-canary-0001")
        patch.setenv("LANGFUSE_BASE_URL", collector.url)
        async with make_world(postgres) as made:
            yield made


async def said(world: World, text: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.agents.chat",
        text,
        env=worker_environment(world.settings),
        stdout=PIPE,
        stderr=PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, errors.decode()
    return output.decode()


async def test_a_turn_is_one_trace(world: World, collector: Collector) -> None:
    password = DEMO_TOTP.password
    answer = await said(world, f"sign in to demo-totp afresh; its password is {password}, if you need it")
    assert "demo-totp" in answer
    spans = await asyncio.to_thread(collector.wait, lambda spans: any(span.name == "finish" for span in spans))
    assert len({span.trace for span in spans}) == 1
    roots = [span.name for depth, span in tree(spans) if depth == 0]
    assert roots == ["invocation [coordinator]"]

    models = [span for span in spans if span.attributes.get("openinference.span.kind") == "LLM"]
    # The coordinator asks auth, auth calls its tool and reports, the coordinator tells: a call each.
    assert [span.name for span in models] == ["call_llm"] * 4
    assert {span.attributes["seezar.llm.deployment"] for span in models} == {"fast-offline-rules"}
    assert {span.attributes["langfuse.observation.model.name"] for span in models} == {"rules"}
    assert {span.attributes["llm.cost.total"] for span in models} == {0.0}
    assert all(span.attributes["llm.token_count.total"] > 0 for span in models)
    # Nothing else of a model call: no second instrumentation of it.
    assert not [span.name for span in spans if "completion" in span.name or "generate_content" in span.name]

    tool = next(span for span in spans if span.name == "execute_tool sign_in")
    assert tool.attributes["openinference.span.kind"] == "TOOL"
    worker = [span for span in spans if span.resource["seezar.role"] == "worker"]
    assert {"sign_in", "open_and_submit", "browser.fill", "session.store"} <= {span.name for span in worker}
    named = [span for span in worker if span.name not in ("queue sign_in", "browser.context")]
    assert {(span.attributes["session.id"], span.attributes["user.id"]) for span in named} == {("chat-1", "ann")}

    sent = b"".join(collector.bodies)
    assert password.encode() not in sent
    assert b"sk-lf-canary-0001" not in sent
