"""A run that waits for a person: the code goes from the person to seezar, and no model is between."""

from typing import Literal

import httpx2
import pytest
from mcp import Client, MCPError, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitRequestParams, ElicitResult, InputRequiredResult

from seezar.access import Scope
from tests.api.v1.server import api_server
from tests.mcp.conftest import Served
from tests.mcp.test_http import AGENT, connected
from tests.workflows.phone import phone_site

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DECLINED = ElicitResult(action="decline")


async def test_the_person_is_asked_directly_where_the_client_can(served: Served) -> None:
    asked: list[str] = []
    answers = ["decline", "accept"]

    async with phone_site(served.world, "sms") as phone:

        async def person(context: object, params: ElicitRequestParams) -> ElicitResult:
            asked.append(params.message)
            action = answers.pop(0)
            return ElicitResult(action="accept", content={"code": phone.code}) if action == "accept" else DECLINED

        async with connected(served, *AGENT) as silent:
            waiting = (await silent.call_tool("sign_in", {"account": "sms"})).structured_content
            assert waiting is not None
            assert (waiting["status"], waiting["question"]) == ("needs_person", "code")
            run_id = waiting["run_id"]
            # Confirming is no code, and a client that cannot ask is told where the code goes.
            told = (await silent.call_tool("answer", {"run_id": run_id, "confirmed": True})).structured_content
            assert told is not None
            assert told["status"] == "needs_person"
            assert f"seezar runs answer {run_id}" in told["message"]
            # A code in the arguments goes nowhere.
            await silent.call_tool("answer", {"run_id": run_id, "code": phone.code, "confirmed": True})
        async with connected(served, *AGENT, elicitation_callback=person) as client:
            declined = (await client.call_tool("answer", {"run_id": run_id})).structured_content
            assert declined is not None
            assert declined["status"] == "needs_person"
            assert phone.codes == []
            done = (await client.call_tool("answer", {"run_id": run_id})).structured_content
            assert done is not None
            assert done["status"] == "signed_in"
        assert phone.codes == [phone.code]
        assert all("sms" in message for message in asked)
        assert len(asked) == 2


async def test_another_api_process_takes_the_answer_but_from_no_other_client(served: Served) -> None:
    token = await served.api.token(*AGENT)
    async with (
        phone_site(served.world, "sms") as phone,
        api_server(served.world.settings, served.world.url) as second,
    ):

        async def nobody(context: object, params: ElicitRequestParams) -> ElicitResult:
            raise AssertionError("the test itself answers")

        def client(root: str, token: str) -> Client:
            http = httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, trust_env=False, timeout=120)
            return Client(streamable_http_client(f"{root}/mcp", http_client=http), elicitation_callback=nobody)

        async with client(served.api.root, token) as first:
            waiting = (await first.call_tool("sign_in", {"account": "sms"})).structured_content
            assert waiting is not None
            arguments = {"run_id": waiting["run_id"]}
            question = await first.session.call_tool("answer", arguments, allow_input_required=True)
        assert isinstance(question, InputRequiredResult)
        assert question.input_requests is not None
        (name,) = question.input_requests
        given = {
            "input_responses": {name: ElicitResult(action="accept", content={"code": phone.code})},
            "request_state": question.request_state,
        }
        async with client(second.root, await served.api.token(Scope.RUNS_WRITE)) as other:
            with pytest.raises(MCPError):
                await other.session.call_tool("answer", arguments, allow_input_required=True, **given)
        assert phone.codes == []
        async with client(second.root, token) as same:
            done = await same.call_tool("answer", arguments, **given)
        assert done.structured_content is not None
        assert done.structured_content["status"] == "signed_in"


async def test_an_approval_needs_the_word_of_the_user(served: Served) -> None:
    said = [False, True]

    async def person(context: object, params: ElicitRequestParams) -> ElicitResult:
        return ElicitResult(action="accept", content={"done": said.pop(0)})

    async with (
        phone_site(served.world, "push", asks="approval") as phone,
        connected(served, *AGENT) as silent,
        connected(served, *AGENT, elicitation_callback=person) as client,
    ):
        waiting = (await client.call_tool("sign_in", {"account": "push"})).structured_content
        assert waiting is not None
        assert waiting["question"] == "approval"
        asked = (await client.call_tool("answer", {"run_id": waiting["run_id"]})).structured_content
        assert asked is not None
        assert asked["status"] == "needs_person"
        assert "Ask the user" in asked["message"]
        # The word of a model is not that of its user, whether or not the user can be asked.
        for model in (silent, client):
            arguments = {"run_id": waiting["run_id"], "confirmed": True}
            told = (await model.call_tool("answer", arguments)).structured_content
            assert told is not None
            assert told["status"] == "needs_person"
            assert f"seezar runs answer {waiting['run_id']}" in told["message"]
        phone.approved = True
        done = (await client.call_tool("answer", {"run_id": waiting["run_id"], "confirmed": True})).structured_content
        assert done is not None
        assert done["status"] == "signed_in"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_person_is_asked_over_stdio_whatever_revision_the_client_speaks(
    served: Served, mode: Literal["auto", "legacy"]
) -> None:
    async with phone_site(served.world, "sms") as phone:

        async def person(context: object, params: ElicitRequestParams) -> ElicitResult:
            return ElicitResult(action="accept", content={"code": phone.code})

        async with Client(stdio_client(served.command()), mode=mode, elicitation_callback=person) as client:
            waiting = (await client.call_tool("sign_in", {"account": "sms"})).structured_content
            assert waiting is not None
            assert waiting["question"] == "code"
            done = (await client.call_tool("answer", {"run_id": waiting["run_id"]})).structured_content
            assert done is not None
            assert done["status"] == "signed_in"
        assert phone.codes == [phone.code]
