"""Distinctive secrets go through every flow; then everything that was written, logged, sent or answered is searched."""

import asyncio
import json
import logging
import re
import signal
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import pytest_asyncio
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

import agents
from playground.collector import Collector
from playground.world import DEMO_MAIL, DEMO_PASSWORD, DEMO_TOTP
from seezar.access import Scope
from seezar.accounts import NewAccount
from seezar.accounts.totp import next_code
from seezar.telemetry import logs
from seezar.telemetry.revealed import revealed
from tests.agents.test_ways_in import until_it_listens
from tests.api.v1.server import api_server
from tests.model_server import ModelServer
from tests.security.canaries import Sieve
from tests.signin.test_fallback import ODD, home, points
from tests.site import Request, Response, redirect, serve
from tests.workflows.test_crash import wait_for_checkpoint
from tests.world import World, free_port, make_world
from workflows.engine import dbos_url
from workflows.ground import ensure_running, worker_environment

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(600),  # a dozen sign-ins, three servers and a crash
]

# What must be escaped in an address, in HTML, in JSON and in a shell, and is no ASCII.
_HARD = "&<\"'é /+%7Q"
SECRETS = {
    "password with mail": f"Zr1{_HARD}-Kestrel-Aa",
    "password with totp": f"Zr2{_HARD}-Kestrel-Bb",
    "password alone": f"Zr3{_HARD}-Kestrel-Cc",
    "wrong password": f"Zr4{_HARD}-Kestrel-Dd",
    "password of an odd page": f"Zr5{_HARD}-Kestrel-Ee",
    "password by API": f"Zr6{_HARD}-Kestrel-Ff",
    "password in a wrong field": f"Zr7{_HARD}-Kestrel-Gg",
    "totp key": "QZ7CANARYX5TRAMWAY3UMBERVAULTS2K",
    "provider key": "gsk_Canary0Provider1Key2Kestrel3",
    "langfuse key": "sk-lf-Canary0Langfuse1Key2Kestrel",
}
ACCOUNTS = (
    replace(DEMO_MAIL, password=SECRETS["password with mail"]),
    replace(DEMO_TOTP, password=SECRETS["password with totp"], totp_secret=SECRETS["totp key"]),
    replace(DEMO_PASSWORD, password=SECRETS["password alone"]),
)
# Read by every process before its first line: all that any library logs goes to a file.
_AT_DEBUG = """
import logging, os
folder = os.environ.get("CANARY_LOGS")
if folder:
    handler = logging.FileHandler(f"{folder}/{os.getpid()}.log", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.DEBUG)
    logging.Logger.setLevel = lambda self, level: None
    logging.disable = lambda level=0: None
"""


@dataclass
class Ground:
    """A world with everything that can be told recorded.

    Attributes:
        answers: what HTTP servers and clients have said.
        tokens: secrets that were made on the way; whoever asked for one has it in its answer.
    """

    world: World
    models: ModelServer
    collector: Collector
    logs: Path
    answers: list[tuple[str, str]] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def logs_at_debug(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where every process writes all that is logged in it."""
    folder, site = tmp_path_factory.mktemp("logs"), tmp_path_factory.mktemp("site")
    (site / "sitecustomize.py").write_text(_AT_DEBUG)
    factory, listening, level = logging.getLogRecordFactory(), revealed.listening, logging.getLogger().level
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANARY_LOGS", str(folder))
        patch.setenv("PYTHONPATH", str(site))
        patch.setenv("GROQ_API_KEY", SECRETS["provider key"])
        handler = logging.FileHandler(folder / "test.log", encoding="utf-8")
        # The clients of the test are not ours: what address they ask for, nobody else knows.
        handler.addFilter(lambda record: not record.name.startswith(("httpx", "httpcore")))
        logging.getLogger().addHandler(handler)
        logging.getLogger().setLevel(logging.DEBUG)
        logs.mask_logs()
        yield folder
        logging.getLogger().removeHandler(handler)
        handler.close()
    logging.getLogger().setLevel(level)
    logging.setLogRecordFactory(factory)
    revealed.listening = listening


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground(postgres: str, logs_at_debug: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    def script(body: dict[str, Any]) -> str:
        listed = any('{"ref": "' in str(message["content"]) for message in body["messages"])
        return points(body) if listed else "I have noted it."

    with Collector() as collector, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANGFUSE_PUBLIC_KEY", "pk-lf-test")
        patch.setenv("LANGFUSE_SECRET_KEY", SECRETS["langfuse key"])
        patch.setenv("LANGFUSE_BASE_URL", collector.url)
        async with ModelServer(script) as models:
            pool = models.pool_file(tmp_path_factory.mktemp("pool"))
            async with make_world(
                postgres, accounts=ACCOUNTS, page_timeout=60.0, litellm_config=pool, allow_model_requests=True
            ) as world:
                yield Ground(world, models, collector, logs_at_debug)


async def flows(ground: Ground) -> None:
    """All of them, one after the other."""
    world = ground.world
    for account in ACCOUNTS:
        result = await world.sign_in(account.name, fresh=True)
        assert result["status"] == "signed_in"
        ground.answers.append(("result", json.dumps(result)))
    await refused(ground)
    await killed(ground)
    await with_a_model(ground)
    await pages(ground)
    await over_http(ground)
    await in_the_chat(ground)


async def refused(ground: Ground) -> None:
    """A wrong password, with the picture that is kept of it, and a command that shows and saves it."""
    await ground.world.add_like("demo-password", "mistyped", password=SECRETS["wrong password"])
    result = await ground.world.sign_in("mistyped", fresh=True)
    assert result["status"] == "bad_credentials"
    run_id = str(result["run_id"])
    picture = ground.logs / "refused.png"
    for words in (("runs", "show", run_id), ("runs", "picture", run_id, "--output", str(picture)), ("account", "list")):
        await said(ground, "-m", "service.cli", *words)
    assert (await asyncio.to_thread(picture.read_bytes)).startswith(b"\x89PNG")


async def said(ground: Ground, *words: str) -> str:
    """What a process of ours prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, env=worker_environment(ground.world.settings), stdout=PIPE, stderr=PIPE
    )
    out, err = (part.decode() for part in await asyncio.wait_for(process.communicate(), 120))
    ground.answers.append((f"output of {words[-1]}", out + err))
    assert process.returncode == 0, err
    return out


async def killed(ground: Ground) -> None:
    """The worker dies between password and code, and the next one goes on."""
    world = ground.world
    world.mailer.hold = True
    run_id = await world.client.sign_in("demo-mail", fresh=True)
    await wait_for_checkpoint(world, run_id)
    world.kill_worker()
    await asyncio.to_thread(ensure_running, world.settings)
    await world.mailer.release()
    assert (await world.client.result(run_id, timeout=90))["status"] == "signed_in"


async def with_a_model(ground: Ground) -> None:
    """A page that the detector does not know: a model is asked what is what."""
    user, password = "odd@acme.test", SECRETS["password of an odd page"]

    def login(request: Request) -> Response | str:
        right = (request.form.get("n1"), request.form.get("n2")) == (user, password)
        return redirect("/home", cookie="sid=1; Path=/; HttpOnly") if right else ODD

    before = len(ground.models.bodies)
    async with serve({"/": ODD, "/login": login, "/home": home}) as site:
        url = f"{site.url}/"
        account = NewAccount("odd", url, user, password=password, verify_url=f"{site.url}/home")
        await ground.world.application.accounts.add(account)
        result = await ground.world.sign_in("odd", fresh=True)
        assert result["status"] == "signed_in"
        ground.answers.append(("result", json.dumps(result)))
        assert len(ground.models.bodies) - before >= 1
        assert password in [post.form.get("n2") for post in site.posts()]


async def pages(ground: Ground) -> None:
    """A page behind the login, its text and its picture."""
    world = ground.world
    run_id = await world.client.open_page("demo-password")
    opened = await world.client.result(run_id, timeout=120)
    assert opened["status"] == "opened"
    page_id = str(opened["page_id"])
    ground.answers.append(("page", json.dumps(opened)))
    ground.answers.append(("text of a page", (await world.application.pages.get(page_id)).text))
    picture = await world.application.pages.screenshot(page_id)
    assert picture is not None
    (ground.logs / "page.png").write_bytes(picture)


async def over_http(ground: Ground) -> None:
    """The API and MCP: what is right, and passwords in all the wrong places."""
    world = ground.world
    async with api_server(world.settings, world.url) as api:
        client = await api.client()
        ground.tokens["access token"] = client.headers["authorization"].removeprefix("Bearer ")

        async def keep(response: httpx.Response) -> None:
            await response.aread()
            ground.answers.append((f"answer of {response.request.url.path[:20]}", f"{response.headers}{response.text}"))

        client.event_hooks["response"].append(keep)
        base, wrong = world.playground.base_url, SECRETS["password in a wrong field"]
        new = {"name": "by-api", "url": DEMO_PASSWORD.url(base), "username": "ops@fieldnote.test"}
        added = await client.post("/v1/accounts", json={**new, "password": SECRETS["password by API"]})
        assert added.status_code == 201, added.text
        again = await client.post("/v1/accounts", json={**new, "password": SECRETS["password by API"]})
        assert again.status_code == 409
        for body in ({**new, "url": wrong, "password": wrong}, {**new, wrong: wrong}, {"name": wrong, "password": 1}):
            assert (await client.post("/v1/accounts", json=body)).status_code == 422
        assert (await client.get("/v1/accounts", params={"cursor": wrong})).status_code == 422
        assert (await client.get("/v1/accounts/by-api")).status_code == 200
        assert (await client.post("/v1/nothing", content=wrong.encode())).status_code == 404
        run_id = await world.client.sign_in("by-api", fresh=True)
        assert (await world.client.result(run_id, timeout=90))["status"] == "bad_credentials"
        assert (await client.get(f"/v1/runs/{run_id}")).status_code == 200
        await client.aclose()
        scopes = (Scope.SIGNIN, Scope.RUNS_READ, Scope.RUNS_WRITE, Scope.PAGES_OPEN, Scope.PAGES_READ)
        headers = {"authorization": f"Bearer {await api.token(*scopes)}"}
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False, timeout=120) as http,
            Client(streamable_http_client(f"{api.root}/mcp", http_client=http)) as mcp,
        ):
            for name, arguments in (
                ("sign_in", {"account": "demo-totp"}),
                ("sign_in", {"account": "by-api"}),
                ("open_page", {"account": "demo-totp"}),
            ):
                told = await mcp.call_tool(name, arguments)
                ground.answers.append((f"MCP {name}", told.model_dump_json()))


async def in_the_chat(ground: Ground) -> None:
    """A user writes a password to the agent: neither the model nor a table needs to know it."""
    port = free_port()
    folder = Path(agents.__file__).parent
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(
            "-W",
            "ignore",
            "-m",
            "google.adk.cli",
            "web",
            str(folder),
            "--port",
            str(port),
            "--log_level",
            "debug",
        ),
        env=worker_environment(ground.world.settings),
        cwd=folder.parent,
        stdout=PIPE,
        stderr=PIPE,
    )
    before = len(ground.models.bodies)
    try:
        await until_it_listens(process, port)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120) as http:
            path = "/apps/coordinator/users/u/sessions"
            session = (await http.post(path, json={})).json()["id"]
            text = f"List my accounts. My key is {SECRETS['provider key']}, in base64 too."
            message = {"role": "user", "parts": [{"text": text}]}
            request = {"app_name": "coordinator", "user_id": "u", "session_id": session, "new_message": message}
            for address, body in (("/run_sse", request), ("/run", request)):
                answer = await http.post(address, json=body)
                assert answer.status_code == 200
                ground.answers.append((f"ADK {address}", answer.text))
            ground.answers.append(("ADK session", (await http.get(f"{path}/{session}")).text))
            trace = await http.get(f"/dev/apps/coordinator/debug/trace/session/{session}")
            assert trace.status_code == 200
            assert trace.json(), "the trace tab shows nothing"
            ground.answers.append(("ADK trace", trace.text))
    finally:
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    ground.answers.append(("output of adk web", (out + err).decode()))
    assert len(ground.models.bodies) > before


async def test_no_secret_is_anywhere(ground: Ground) -> None:
    began = time.time()
    await flows(ground)
    world = ground.world
    bodies = [body.get_content() for mail in world.mailer.sent if (body := mail.get_body()) is not None]
    mailed = {code for body in bodies for code in re.findall(r"\b\d{6}\b", body)}
    generated = {next_code(SECRETS["totp key"], now=at).code for at in range(int(began), int(time.time()) + 31, 5)}
    assert mailed, "no code was mailed"
    codes = {f"mailed code {number}": code for number, code in enumerate(sorted(mailed))}
    codes |= {f"totp code {number}": code for number, code in enumerate(sorted(generated))}
    sieve = Sieve(SECRETS | ground.tokens, codes)

    counted: dict[str, tuple[int, int]] = {}

    def count(what: str) -> None:
        counted[what] = (
            sieve.places - sum(places for places, _ in counted.values()),
            sieve.size - sum(size for _, size in counted.values()),
        )

    for url in (world.url, dbos_url(world.url)):
        await asyncio.to_thread(sieve.look_into_database, url)
    count("values in tables")
    sieve.look_into_folder(world.settings.home)
    count("files in the home")
    sieve.look_into_folder(ground.logs)
    count("logs at DEBUG, pictures")
    for where, text in ground.answers:
        sieve.look(where, text)
    count("answers and outputs")
    for body in ground.collector.bodies:
        sieve.look("spans", body)
    count("requests with spans")
    for body in ground.models.bodies:
        sieve.look("model request", json.dumps(body, ensure_ascii=False))
    count("model requests")
    searched = ", ".join(f"{what} {places} ({size:,} bytes)" for what, (places, size) in counted.items())
    found = f"{len(sieve.secrets)} secrets and {len(codes)} codes, {len(sieve.hits)} hits"
    print(f"figures: canary: {found} in {searched}")  # noqa: T201 - shown at the end of the tests
    assert all(places and size for places, size in counted.values()), "something was not recorded"
    assert sorted(set(sieve.hits)) == []


async def test_the_search_finds_what_is_planted(ground: Ground, tmp_path: Path) -> None:
    sieve = Sieve({"planted": SECRETS["wrong password"]}, {"code": "483920"})
    database = ground.world.application.database
    await database.run("CREATE TABLE app.canary (a text, b jsonb, c bytea)")
    secret = SECRETS["wrong password"]
    try:
        await database.run(
            "INSERT INTO app.canary VALUES (%s, %s, %s)", secret, json.dumps({"k": secret}), secret.encode()
        )
        await asyncio.to_thread(sieve.look_into_database, ground.world.url)
    finally:
        await database.run("DROP TABLE app.canary")
    # The JSON is read with and without escapes.
    assert sieve.hits.count("table app.canary: planted") == 4
    (tmp_path / "a.log").write_text(json.dumps({"sent": f"a {secret}"}) + " 483 920\n")
    sieve.look_into_folder(tmp_path)
    assert sieve.hits[-2:] == ["file a.log: planted", "file a.log: code"]
    logging.getLogger("another.library").debug("of no use %s", "Debug-Is-Written-4711")
    assert "Debug-Is-Written-4711" in (ground.logs / "test.log").read_text()
