"""Acting, downloading and reading rows behind a login without any model."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from seezar.accounts import NewAccount
from seezar.accounts.action_recipes import ActionRecipe
from seezar.accounts.records import SessionState
from seezar.extraction.fields import schema_of_fields
from tests.site import Request, Response, Site, page, redirect, serve
from tests.world import World, make_world

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser, pytest.mark.slow]

ROWS = (
    "<tr><th>Customer</th><th>Orders</th></tr><tr><td>Northwind</td><td>1,717</td></tr>"
    "<tr><td>Lakeside</td><td>many</td></tr>"
)


class Shop:
    """A page behind a login, with a button and a file."""

    def __init__(self) -> None:
        self.closed = 0

    def home(self, request: Request) -> Response | str:
        if request.cookies.get("sid") != "1":
            return page('<form method="post"><input name="user"><input type="password"><button>Sign in</button></form>')
        return page(
            f"<h1>Orders</h1><p>Closed {self.closed} times</p><table>{ROWS}</table>"
            '<form method="post" action="/close"><button>Close the day</button></form>'
            '<label>Note <input name="note"></label>'
            '<a href="/orders.csv" download>Export as CSV</a> <a href="/help">Help</a>'
            "<button>Delete</button><button>Delete</button>",
            title="Orders",
        )

    def close(self, _: Request) -> Response:
        self.closed += 1
        return redirect("/")

    def csv(self, _: Request) -> Response:
        # A name that would leave its folder, and read backwards on a terminal.
        headers = {"content-disposition": "attachment; filename*=UTF-8''..%2For%E2%80%AEders.csv"}
        return Response("Customer,Orders\nNorthwind,1717\n", headers=headers, content_type="text/csv")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop() -> AsyncIterator[tuple[Shop, Site]]:
    made = Shop()
    routes = {"/": made.home, "/close": made.close, "/orders.csv": made.csv, "/help": lambda _: page("<h1>Help</h1>")}
    async with serve(routes) as site:
        yield made, site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: str, shop: tuple[Shop, Site]) -> AsyncIterator[World]:
    async with make_world(postgres, accounts=[], page_timeout=60.0) as made:
        app = made.application
        await app.accounts.add(NewAccount("shop", f"{shop[1].url}/", "ops@acme.test", password="geheim-4711"))
        cookie = {"name": "sid", "value": "1", "domain": "127.0.0.1", "path": "/", "expires": -1.0, "httpOnly": True}
        storage = {"cookies": [cookie | {"secure": False, "sameSite": "Lax"}], "origins": []}
        await app.sessions.store("shop", SessionState(storage=storage, session_storage={}), run_id="by-hand")
        yield made


async def acted(world: World, words: str, *, agreed: str = "") -> dict[str, Any]:
    run_id = await world.client.act_on_page("shop", words, agreed=agreed)
    return await world.client.result(run_id, timeout=90)


async def test_a_button_is_pressed_by_its_name_once_a_person_has_agreed(world: World, shop: tuple[Shop, Site]) -> None:
    asked = await acted(world, "press the button Close the day")
    assert (asked["status"], shop[0].closed) == ("needs_confirmation", 0)

    done = await acted(world, "press the button Close the day", agreed=asked["reason"])
    assert (done["status"], done["by"], shop[0].closed) == ("done", "words", 1), done
    assert "Closed 1 times" in (await world.application.pages.get(done["page_id"])).text


async def test_a_link_is_followed_without_asking(world: World) -> None:
    done = await acted(world, "click Help")
    assert (done["status"], done["url"].endswith("/help")) == ("done", True), done


async def test_a_field_is_filled_in_without_asking(world: World) -> None:
    done = await acted(world, "fill Note with hello")
    assert (done["status"], done["method"]) == ("done", "fill"), done


async def test_two_of_one_name_are_nobodys_to_choose_between(world: World) -> None:
    told = await acted(world, "press the button Delete")
    assert (told["status"], "No model is configured" in told["reason"]) == ("page_not_understood", True)


async def test_what_a_model_has_pointed_out_is_found_again_and_dropped_when_it_is_another(
    world: World, shop: tuple[Shop, Site]
) -> None:
    recipes = world.application.action_recipes
    # As it is learnt after a model has pointed at it: with what the element was and said.
    wrong = ActionRecipe(shop[1].url, "/", "finish today's work", "form[action='/close'] button", "click", b"other")
    await recipes.learn(wrong)
    told = await acted(world, "finish today's work")
    assert told["status"] == "page_not_understood"
    assert await recipes.find(shop[1].url, "/", "finish today's work") is None


async def test_a_file_is_downloaded_kept_and_read(world: World) -> None:
    run_id = await world.client.download("shop", "Export as CSV")
    result = await world.client.result(run_id, timeout=90)
    assert result["status"] == "downloaded", result
    name = result["file"]
    assert (name.endswith("ders.csv"), name.isprintable(), "/" in name, name.startswith(".")) == (
        True,
        True,
        False,
        False,
    )
    pages = world.application.pages
    assert await pages.file(result["page_id"]) == (name, b"Customer,Orders\nNorthwind,1717\n")
    assert "| Northwind | 1717 |" in (await pages.get(result["page_id"])).text
    rows = await world.application.database.all("SELECT file FROM app.page WHERE file IS NOT NULL")
    assert not any(b"Northwind" in bytes(row["file"]) for row in rows)


async def test_what_gives_no_file_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = await world.client.result(await world.client.download("shop", "Close the day"), timeout=90)
    assert asked["status"] == "needs_confirmation"
    unknown = await world.client.result(await world.client.download("shop", "Export as XLSX"), timeout=90)
    assert unknown["status"] == "page_not_understood"


async def test_rows_are_read_with_types_and_what_is_none_is_told(world: World) -> None:
    fields = schema_of_fields(["Customer: text", "Orders: integer"])
    result = await world.client.result(await world.client.read_rows("shop", fields), timeout=90)
    assert (result["status"], result["rows"], result["bad"]) == ("read", 1, 1), result
    first, *rest = (await world.application.pages.get(result["page_id"])).text.splitlines()
    assert json.loads(first) == {"customer": "Northwind", "orders": 1717}
    assert any("many" in line for line in rest)


async def test_fields_that_the_page_does_not_have_are_told(world: World) -> None:
    fields = schema_of_fields(["Invoice: text", "Sum: number"])
    result = await world.client.result(await world.client.read_rows("shop", fields), timeout=90)
    assert (result["status"], "Customer, Orders" in result["reason"]) == ("not_on_page", True), result
