"""`seezar mcp`: the real command, with the official client; stdout holds the protocol and nothing else."""

import json
import subprocess
from collections.abc import AsyncIterator

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.types import ElicitRequestParams, ElicitResult

from tests.service.conftest import SEEZAR, Home, new_home

pytestmark = [pytest.mark.slow]


@pytest.fixture
async def home() -> AsyncIterator[Home]:
    with new_home() as home, home.running("playground") as playground:
        playground.wait_for("Ctrl-C stops it.")
        yield home


def _parameters(home: Home, *arguments: str) -> StdioServerParameters:
    return StdioServerParameters(command=SEEZAR, args=["mcp", *arguments], env=home.environment())


async def test_an_agent_on_this_machine_signs_in(home: Home) -> None:
    async with Client(stdio_client(_parameters(home))) as client:
        signed = await client.call_tool("sign_in", {"account": "demo-totp"})
        assert signed.structured_content is not None
        assert signed.structured_content["status"] == "signed_in"


async def test_it_may_no_more_than_it_was_given(home: Home) -> None:
    async with Client(stdio_client(_parameters(home, "--scope", "runs:read"))) as client:
        refused = await client.call_tool("sign_in", {"account": "demo-totp"})
        assert refused.is_error
        listed = await client.read_resource("seezar://runs")
        page = json.loads(listed.contents[0].text)  # pyright: ignore[reportAttributeAccessIssue]
        assert page == {"items": [], "next": None}


def test_stdout_holds_the_protocol_alone_also_where_everything_is_started_first() -> None:
    ask = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    with new_home() as fresh:
        process = subprocess.Popen(
            [SEEZAR, "mcp"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=fresh.environment(),
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(ask) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert answer["result"]["serverInfo"]["name"] == "seezar"
        rest, said = process.communicate(timeout=60)
        assert rest == ""
        assert "Starting the database" in said
        assert process.returncode == 0


async def test_a_code_is_asked_for_past_the_model(home: Home) -> None:
    asked: list[str] = []

    async def person(context: object, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="decline")

    async with Client(stdio_client(_parameters(home)), elicitation_callback=person) as client:
        # A run that asks nothing is not answered, and nobody is asked for a code.
        signed = await client.call_tool("sign_in", {"account": "demo-totp"})
        assert signed.structured_content is not None
        refused = await client.call_tool("answer", {"run_id": signed.structured_content["run_id"]})
        assert refused.is_error
        assert asked == []
