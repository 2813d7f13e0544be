"""An agent of somebody else: ADK's own MCP toolset over `seezar mcp`, and a model that knows nothing of our agents.

The model is a script: it understands "sign in to X". What is evaluated is the way through MCP.
"""

import os
import re
import sys
from collections.abc import AsyncGenerator

from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.models import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.tools.mcp_tool import McpToolset, StdioConnectionParams
from google.genai import types
from mcp import StdioServerParameters

_SIGN_IN = re.compile(r"sign in to (?P<account>[\w.-]+)", re.IGNORECASE)
_START_S = 120.0


class Script(BaseLlm):
    """Calls `sign_in` for the account that the user names, and tells what came of it."""

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """The next step of the conversation."""
        parts = [part for content in llm_request.contents for part in content.parts or []]
        last = parts[-1]
        if last.function_response is not None:
            result = (last.function_response.response or {}).get("structuredContent") or {}
            said = types.Part(text=f"{result.get('status', 'refused')}: {result.get('message', 'see the tool')}")
        elif (asked := _SIGN_IN.search(last.text or "")) is not None:
            said = types.Part.from_function_call(name="sign_in", args={"account": asked["account"]})
        else:
            said = types.Part(text="I only sign in.")
        yield LlmResponse(content=types.Content(role="model", parts=[said]))


def _server() -> StdioServerParameters:
    # Without it the child gets a handful of variables, and none that says which home it is in.
    command = [sys.executable, "-m", "service.cli", "mcp", "--scope", "signin", "--scope", "runs:read"]
    return StdioServerParameters(command=command[0], args=command[1:], env=dict(os.environ))


root_agent = LlmAgent(
    name="guest",
    model=Script(model="script"),
    instruction="You sign in for the user.",
    tools=[McpToolset(connection_params=StdioConnectionParams(server_params=_server(), timeout=_START_S))],
)
app = App(name="guest", root_agent=root_agent)
