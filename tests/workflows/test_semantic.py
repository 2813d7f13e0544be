"""Acting and extracting behind a login with a model: durably, counted, and nothing of the page in a row in clear."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from seezar.accounts import NewAccount
from seezar.accounts.records import SessionState
from tests.model_server import ModelServer
from tests.site import Request, Response, Site, page, redirect, serve
from tests.world import World, make_world

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser, pytest.mark.slow]

LOGIN = page(
    '<h1>Sign in</h1><form method="post"><input name="user" autocomplete="username">'
    '<input type="password" name="password"><button>Sign in</button></form>',
    title="Sign in",
)


class Shop:
    """A page behind a login with one button that counts how often it was pressed."""

    def __init__(self) -> None:
        self.closed = 0
        self.ends_session = False

    def home(self, request: Request) -> Response | str:
        if request.cookies.get("sid") != "1":
            return LOGIN
        return page(
            f"<h1>Orders</h1><p>Open orders: 1717</p><p>Closed {self.closed} times</p>"
            '<form method="post" action="/close"><button>Close the day</button></form>',
            title="Orders",
        )

    def close(self, _: Request) -> Response:
        self.closed += 1
        return redirect("/", cookie="sid=0; Path=/" if self.ends_session else None)


def press(site: Site) -> str:
    """What a person agrees to who lets the button be pressed."""
    return f"click the button “Close the day”, which sends to {site.url}/close"


def answers(body: dict[str, Any]) -> str:
    """What a model would say: it points at the button, or reads the number."""
    schema = body["messages"][0]["content"].rpartition("nothing else:")[2]
    if '"elements"' in schema:
        found = re.search(r"\[(\d+-\d+)\] button: Close the day", body["messages"][-1]["content"])
        assert found
        element = {"elementId": found[1], "description": "the button", "method": "click", "arguments": []}
        return json.dumps({"elements": [element]})
    if '"completed"' in schema:
        return '{"progress": "found", "completed": true}'
    return '{"answer": "1717 orders are open"}'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop() -> AsyncIterator[tuple[Shop, Site]]:
    made = Shop()
    async with serve({"/": made.home, "/close": made.close}) as site:
        yield made, site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer(answers) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    postgres: str, server: ModelServer, shop: tuple[Shop, Site], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    pool = server.pool_file(tmp_path_factory.mktemp("pool"))
    async with make_world(postgres, page_timeout=60.0, litellm_config=pool, allow_model_requests=True) as made:
        await with_session(made, shop[1])
        yield made


async def with_session(world: World, site: Site) -> None:
    """An account on `site` that is signed in."""
    app = world.application
    await app.accounts.add(NewAccount("shop", f"{site.url}/", "ops@acme.test", password="geheim-4711"))
    cookie = {"name": "sid", "value": "1", "domain": "127.0.0.1", "path": "/", "expires": -1.0, "httpOnly": True}
    storage = {"cookies": [cookie | {"secure": False, "sameSite": "Lax"}], "origins": []}
    await app.sessions.store("shop", SessionState(storage=storage, session_storage={}), run_id="by-hand")


async def test_what_changes_something_waits_for_a_person_and_is_then_that_and_nothing_else(
    world: World, shop: tuple[Shop, Site]
) -> None:
    before = shop[0].closed
    for agreed in ("", "click the button “Close the week”, which sends to http://elsewhere.test/"):
        run_id = await world.client.act_on_page("shop", "press the button", agreed=agreed)
        result = await world.client.result(run_id, timeout=150)
        assert (result["status"], result["reason"]) == ("needs_confirmation", press(shop[1]))
    assert shop[0].closed == before


async def test_one_action_is_done_once_and_counted(world: World, shop: tuple[Shop, Site], server: ModelServer) -> None:
    before = len(server.bodies)
    run_id = await world.client.act_on_page("shop", "press the button that closes the day", agreed=press(shop[1]))
    result = await world.client.result(run_id, timeout=150)
    assert result["status"] == "done", result
    assert shop[0].closed == 1
    assert (await world.application.runs.get(run_id)).model_calls == len(server.bodies) - before == 1
    assert "Closed 1 times" in (await world.application.pages.get(result["page_id"])).text


async def test_an_answer_is_kept_encrypted(world: World, server: ModelServer) -> None:
    run_id = await world.client.extract_from_page("shop", "how many orders are open")
    result = await world.client.result(run_id, timeout=150)
    assert result["status"] == "extracted", result
    assert (await world.application.pages.get(result["page_id"])).text == "1717 orders are open"
    run = await world.application.runs.get(run_id)
    told = [event.message for event in await world.application.runs.events(run_id)]
    assert "1717" not in f"{run} {told}"
    assert 1 <= run.model_calls <= 4


async def test_what_was_begun_before_a_crash_is_not_done_again(world: World, shop: tuple[Shop, Site]) -> None:
    """The step is taken up by another worker after the first one died in the middle of it."""
    pressed = shop[0].closed
    app = world.application
    await world.client.open_page("shop")
    run_id = "act-on-page-shop-begun"
    await app.runs.create(run_id, kind="act_on_page", account="shop", arguments=("close the day", None))
    await app.runs.event(run_id, "act", "Acting on the page")
    await world.client._queueing.go_on(await app.runs.get(run_id))
    result = await world.client.result(run_id, timeout=150)
    assert result["status"] == "interrupted"
    assert shop[0].closed == pressed


async def test_what_was_done_is_not_told_as_not_done(world: World, shop: tuple[Shop, Site]) -> None:
    pressed = shop[0].closed
    shop[0].ends_session = True
    try:
        result = await world.client.result(
            await world.client.act_on_page("shop", "press the button that closes the day", agreed=press(shop[1])),
            timeout=150,
        )
    finally:
        shop[0].ends_session = False
    assert shop[0].closed == pressed + 1
    assert result["status"] == "interrupted"
    assert "It may have been done" in result["reason"]


async def test_a_session_that_has_ended(world: World, server: ModelServer, shop: tuple[Shop, Site]) -> None:
    app = world.application
    state = await app.sessions.load("shop")
    before = len(server.bodies)
    await app.sessions.store(
        "shop", SessionState(storage={"cookies": [], "origins": []}, session_storage={}), run_id="x"
    )
    try:
        result = await world.client.result(await world.client.act_on_page("shop", "close the day"), timeout=150)
        assert result["status"] == "not_signed_in"
        assert len(server.bodies) == before
    finally:
        await app.sessions.store("shop", state, run_id="by-hand")


async def test_without_a_model_it_declines(postgres: str, shop: tuple[Shop, Site], tmp_path: Path) -> None:
    empty = tmp_path / "pool.yaml"
    empty.write_text("model_list: []\n")
    async with make_world(postgres, page_timeout=60.0, litellm_config=empty) as world:
        await with_session(world, shop[1])
        for run_id in (
            await world.client.act_on_page("shop", "close the day"),
            await world.client.extract_from_page("shop", "how many orders are open"),
        ):
            result = await world.client.result(run_id, timeout=150)
            assert result["status"] == "page_not_understood"
            assert "No model is configured" in result["reason"]
