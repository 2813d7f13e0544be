"""Agents of others use seezar through ADK's own MCP toolset, over HTTP and over stdio."""

from collections.abc import AsyncGenerator

import pytest
from google.adk.agents import LlmAgent
from google.adk.models import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import InMemoryRunner
from google.adk.tools.mcp_tool import McpToolset, StdioConnectionParams, StreamableHTTPConnectionParams
from google.genai import types

from tests.mcp.conftest import Served
from tests.mcp.test_http import AGENT

pytestmark = [pytest.mark.browser, pytest.mark.slow]


class Scripted(BaseLlm):
    """A model that signs in and says how that went."""

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        results = [p.function_response for c in llm_request.contents for p in c.parts or [] if p.function_response]
        if results:
            part = types.Part(text=str((results[-1].response or {})["structuredContent"]["status"]))
        else:
            assert "sign_in" in llm_request.tools_dict
            part = types.Part.from_function_call(name="sign_in", args={"account": "demo-totp"})
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


@pytest.mark.parametrize("transport", ["http", "stdio"])
async def test_an_agent_of_somebody_else_signs_in(served: Served, transport: str) -> None:
    if transport == "http":
        headers = {"Authorization": f"Bearer {await served.api.token(*AGENT)}"}
        where = StreamableHTTPConnectionParams(url=served.url, headers=headers, timeout=30)
    else:
        where = StdioConnectionParams(server_params=served.command(), timeout=120)
    toolset = McpToolset(connection_params=where)
    agent = LlmAgent(name="somebody", model=Scripted(model="scripted"), tools=[toolset])
    runner = InMemoryRunner(agent=agent, app_name="somebody")
    session = await runner.session_service.create_session(app_name="somebody", user_id="ann")
    said = types.Content(role="user", parts=[types.Part(text="sign in to demo-totp")])
    try:
        events = [e async for e in runner.run_async(user_id="ann", session_id=session.id, new_message=said)]
    finally:
        await toolset.close()
    parts = events[-1].content.parts if events[-1].content else None
    assert parts is not None
    assert parts[0].text == "signed_in"
    (stored,) = await served.world.application.sessions.list()
    assert stored.account == "demo-totp"
