"""Pages that no rule can read: a model points once, pages like it are read by what was learnt, nothing is made up."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from seezar.accounts import NewAccount, SessionState
from seezar.extraction.definitions import definition_of
from tests.model_server import ModelServer
from tests.site import Site, page, serve
from tests.world import World, make_world

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser, pytest.mark.slow]

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["name", "price"],
    "properties": {"name": {"type": "string"}, "price": {"type": "number", "x-unit": "EUR"}},
}


class Shop:
    """Cards without any word that says what is what."""

    def __init__(self) -> None:
        self.cards = {"/1": [("Anchor", "12.50"), ("Buoy", "3.00")], "/2": [("Chain", "1,204.10"), ("Rope", "7.00")]}
        self.tag = "div"

    def shown(self, path: str) -> str:
        cards = "".join(f"<{self.tag}><b>{n}</b><p>EUR {p}</p></{self.tag}>" for n, p in self.cards[path])
        return page(f"<h1>Shop</h1><section>{cards}</section>", title="Shop")


class Model:
    """Reads the first page right, or makes something up."""

    def __init__(self) -> None:
        self.rows = [{"name": "Anchor", "price": "EUR 12.50"}, {"name": "Buoy", "price": "EUR 3.00"}]

    def answers(self, body: dict[str, Any]) -> str:
        schema = body["messages"][0]["content"].rpartition("nothing else:")[2]
        if '"completed"' in schema:
            return '{"progress": "found", "completed": true}'
        return json.dumps({"rows": self.rows})


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


@pytest.fixture(scope="module")
def model() -> Model:
    return Model()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(shop: Shop) -> AsyncIterator[Site]:
    async with serve({"/1": lambda _: shop.shown("/1"), "/2": lambda _: shop.shown("/2")}) as served:
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(model: Model) -> AsyncIterator[ModelServer]:
    async with ModelServer(model.answers) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    postgres: str, server: ModelServer, site: Site, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    pool = server.pool_file(tmp_path_factory.mktemp("pool"))
    async with make_world(
        postgres, accounts=[], page_timeout=60.0, litellm_config=pool, allow_model_requests=True
    ) as made:
        app = made.application
        await app.accounts.add(NewAccount(name="shop", url=f"{site.url}/1", username="u", password="p-4711-p-4711"))
        state = SessionState(storage={"cookies": [], "origins": []}, session_storage={}, user_agent="")
        await app.sessions.store("shop", state, run_id="by hand")
        yield made


async def extracted(world: World, name: str, *pages: str) -> tuple[dict[str, Any], list[tuple[str, str]], int]:
    """The result, the rows, and how many requests a model had."""
    definition = definition_of(
        {"name": name, "accounts": ["shop"], "url": pages[0], "pages": pages[1:], "schema": SCHEMA, "tabs": 1}
    )
    await world.application.extractions.save(definition)
    run_id = await world.client.extract(name, "shop")
    result = await world.client.result(run_id, timeout=170)
    async with world.application.history.rows(definition, run=run_id) as reader:
        rows = [row async for portion in reader.portions() for row in portion]
    calls = (await world.application.runs.get(run_id)).model_calls
    return result, sorted((row["name"], f"{row['price']:f}") for row in rows), calls


async def test_a_model_points_once_and_the_pages_are_read(world: World) -> None:
    result, rows, calls = await extracted(world, "cards", "/1", "/2")
    assert result["status"] == "extracted", result
    assert [(name, float(price)) for name, price in rows] == [
        ("Anchor", 12.5),
        ("Buoy", 3.0),
        ("Chain", 1204.1),
        ("Rope", 7.0),
    ]
    assert 1 <= calls <= 4

    again, same, none = await extracted(world, "cards", "/1", "/2")
    assert (again["status"], same, none) == ("extracted", rows, 0)


async def test_what_was_learnt_is_forgotten_when_the_page_changes(world: World, shop: Shop, model: Model) -> None:
    shop.tag = "article"
    try:
        result, rows, calls = await extracted(world, "cards", "/1")
    finally:
        shop.tag = "div"
    assert (result["status"], [name for name, _ in rows]) == ("extracted", ["Anchor", "Buoy"]), result
    assert calls >= 1


async def test_rows_that_a_model_makes_up_are_no_rows(world: World, model: Model) -> None:
    right = model.rows
    model.rows = [{"name": "Gold", "price": "EUR 9.99"}, {"name": "Silver", "price": "EUR 5.00"}]
    try:
        result, rows, calls = await extracted(world, "invented", "/1")
    finally:
        model.rows = right
    assert (result["status"], rows) != ("extracted", []), result
    assert rows == []
    assert calls >= 1
