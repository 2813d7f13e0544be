"""ADK's own commands as users type them: sessions in our PostgreSQL without a flag, streaming, and clear sentences."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import httpx
import pytest

import agents
from evals.run import environment
from seezar.settings import Settings
from tests.world import World, free_port

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.slow,
    pytest.mark.timeout(600),  # each command imports ADK and LiteLLM: half a minute on a busy machine
]

FOLDER = Path(agents.__file__).parent


async def adk(settings: Settings, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "ignore", "-m", "google.adk.cli", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=FOLDER.parent,
        env=environment(settings),
    )


@pytest.mark.browser
async def test_adk_run_answers_and_keeps_the_session_in_postgresql(world: World) -> None:
    process = await adk(world.settings, "run", str(FOLDER / "coordinator"), "list my accounts")
    out, err = (part.decode() for part in await process.communicate())
    assert process.returncode == 0, err
    assert "| demo-mail |" in out
    rows = await world.application.database.all("SELECT id FROM adk.sessions WHERE app_name = 'coordinator'")
    assert len(rows) == 1
    assert rows[0]["id"] in err
    assert not list(FOLDER.rglob("session.db"))


@pytest.mark.browser
async def test_adk_run_recalls_what_was_said_to_an_earlier_process(world: World) -> None:
    told = ""
    for words in ("list my accounts", "what did you tell me about my accounts before?"):
        process = await adk(world.settings, "run", str(FOLDER / "coordinator"), words)
        out, err = (part.decode() for part in await process.communicate())
        assert process.returncode == 0, err
        told = out
    assert "What was said about “my accounts” in earlier conversations" in told
    assert "| demo-mail |" in told


@pytest.mark.browser
async def test_adk_api_server_streams_the_answer_in_pieces(world: World) -> None:
    port = free_port()
    process = await adk(world.settings, "api_server", str(FOLDER), "--port", str(port))
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120) as http:
            await until_it_listens(process, port)
            assert (await http.get("/list-apps")).json() == ["auth", "browser", "coordinator", "mail", "research"]
            session = (await http.post("/apps/coordinator/users/u/sessions", json={})).json()["id"]
            request = {
                "app_name": "coordinator",
                "user_id": "u",
                "session_id": session,
                "new_message": {"role": "user", "parts": [{"text": "list my accounts"}]},
                "streaming": True,
            }
            answer = await http.post("/run_sse", json=request)
    finally:
        process.send_signal(signal.SIGINT)
        await process.communicate()
    events = [json.loads(line[5:]) for line in answer.text.splitlines() if line.startswith("data:")]
    pieces = [text(event) for event in events if event.get("partial") and event["author"] == "coordinator"]
    whole = [text(event) for event in events if not event.get("partial") and text(event)][-1]
    assert len([piece for piece in pieces if piece]) > 5
    assert "".join(pieces) == whole
    assert "| demo-mail |" in whole


@pytest.mark.browser
async def test_a_person_confirms_over_http_as_adk_web_does(world: World) -> None:
    """The page of ADK Web sends the answer as a function response, without the id of the invocation."""
    await world.add_like("demo-password", "leaves-web")
    port = free_port()
    process = await adk(world.settings, "api_server", str(FOLDER), "--port", str(port))
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120) as http:
            await until_it_listens(process, port)
            session = (await http.post("/apps/coordinator/users/u/sessions", json={})).json()["id"]

            async def said(part: dict[str, object]) -> list[dict[str, object]]:
                request = {
                    "app_name": "coordinator",
                    "user_id": "u",
                    "session_id": session,
                    "new_message": {"role": "user", "parts": [part]},
                }
                events = (await http.post("/run", json=request)).json()
                return [part for event in events for part in (event.get("content") or {}).get("parts") or []]

            parts = await said({"text": "sign in to leaves-web and sign out of leaves-web"})
            [asked] = [part["functionCall"] for part in parts if "adk_request_confirmation" in json.dumps(part)]
            assert isinstance(asked, dict)
            assert await world.application.sessions.info("leaves-web") is not None
            answer = {"id": asked["id"], "name": asked["name"], "response": {"confirmed": True}}
            told = json.dumps(await said({"functionResponse": answer}))
            assert "Signed out of **leaves-web**" in told
            assert await world.application.sessions.info("leaves-web") is None
    finally:
        process.send_signal(signal.SIGINT)
        await process.communicate()


async def test_an_unreachable_database_is_one_sentence(settings: Settings) -> None:
    url = f"postgresql://seezar@127.0.0.1:{free_port()}/seezar"
    process = await adk(settings.model_copy(update={"database_url": url}), "run", str(FOLDER / "coordinator"), "hello")
    _, err = (part.decode() for part in await process.communicate())
    assert process.returncode == 1
    assert "Traceback" not in err
    assert err.strip().splitlines()[-1].startswith("seezar: The database at postgresql://seezar@127.0.0.1:")


def text(event: dict) -> str:
    return "".join(part.get("text", "") for part in (event.get("content") or {}).get("parts", []))


async def until_it_listens(process: asyncio.subprocess.Process, port: int) -> None:
    """Wait until a connection is accepted; fail with what the server said when it ends instead."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if process.returncode is not None:
                _, err = await process.communicate()
                pytest.fail(err.decode())
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
