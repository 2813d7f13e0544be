"""`/v1/extractions`, `/v1/schedules`, `/v1/reports/make` and collections: defined, listed, refused, deleted."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from seezar.access import Scope
from seezar.accounts import NewAccount
from seezar.extraction.checkpoints import Lead, PageDone, Waiting
from seezar.extraction.definitions import definition_of
from seezar.knowledge import NewDocument
from seezar.knowledge.embedding import WORDLLAMA
from tests.api.v1.server import ApiServer, api_server
from tests.world import make_world

DEFINITION: dict[str, Any] = {
    "accounts": ["ops"],
    "url": "/orders",
    "key": ["item"],
    "schema": {
        "type": "object",
        "required": ["item", "count"],
        "properties": {"item": {"type": "string"}, "count": {"type": "integer"}},
    },
}


async def with_account(api: ApiServer) -> None:
    await api.application.accounts.add(NewAccount("ops", "https://a.example/", "ops", password="geheim-4711"))


async def with_rows(api: ApiServer) -> None:
    """Two rows, as a run has read them."""
    app = api.application
    definition = definition_of({**DEFINITION, "name": "orders"})
    await app.runs.create("run-1", kind="extract", account="ops", arguments=("orders",))
    await app.checkpoints.begin("run-1", "orders", "ops", [Lead("https://a.example/orders", "rows")])
    (waiting,) = await app.checkpoints.waiting("run-1", limit=1)
    assert isinstance(waiting, Waiting)
    rows = [(0, {"item": "Anchor", "count": 3}), (1, {"item": "Buoy", "count": 5})]
    done = PageDone("https://a.example/orders", "table 1", datetime.now(UTC), rows=rows)
    await app.checkpoints.done("run-1", "ops", waiting, done, definition)


async def test_an_extraction_is_defined_read_and_deleted(api: ApiServer) -> None:
    await with_account(api)
    async with await api.client(Scope.DATA_READ, Scope.DATA_WRITE) as client:
        made = await client.put("/v1/extractions/orders", json={"definition": DEFINITION})
        assert (made.status_code, made.json()["version"]) == (200, 1), made.text
        assert (await client.get("/v1/extractions")).json()["items"] == [made.json()]
        await with_rows(api)
        rows = (await client.get("/v1/extractions/orders/rows", params={"limit": 1})).json()
        assert rows["more"]
        assert (rows["items"][0]["item"], rows["items"][0]["count"]) == ("Anchor", 3)
        assert rows["items"][0]["_url"] == "https://a.example/orders"
        before = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        assert (await client.get("/v1/extractions/orders/rows", params={"as_of": before})).json()["items"] == []
        assert (await client.delete("/v1/extractions/orders")).status_code == 204
        gone = await client.get("/v1/extractions/orders")
        assert (gone.status_code, gone.json()["code"]) == (404, "unknown_extraction")


async def test_what_cannot_be_an_extraction_is_refused(api: ApiServer) -> None:
    await with_account(api)
    async with await api.client(Scope.DATA_WRITE) as client:
        for definition, status, said in (
            ({**DEFINITION, "name": "others"}, 422, "another name"),
            ({**DEFINITION, "accounts": ["nobody"]}, 404, "nobody"),
            ({**DEFINITION, "schema": {"type": "array"}}, 422, "schema"),
            ({}, 422, ""),
        ):
            refused = await client.put("/v1/extractions/orders", json={"definition": definition})
            assert (refused.status_code, said in refused.text) == (status, True), refused.text
        assert await api.application.extractions.list() == []


async def test_collections_are_listed_searched_and_deleted(api: ApiServer) -> None:
    app = api.application
    await app.collections.make("notes", WORDLLAMA, app.knowledge.embedder(WORDLLAMA))
    await app.knowledge.add(NewDocument("Note", "Berth 7 is closed.", "note.md", "file"), collection="notes")
    async with await api.client(Scope.KNOWLEDGE_READ, Scope.KNOWLEDGE_WRITE) as client:
        listed = (await client.get("/v1/knowledge/collections")).json()["items"]
        assert [(each["name"], each["passages"]) for each in listed] == [("notes", 1), ("pages", 0)]
        found = (await client.get("/v1/knowledge/search?q=berth&collection=notes&kind=file")).json()
        assert [(each["url"], each["kind"], each["account"]) for each in found] == [("note.md", "file", "")]
        assert (await client.get("/v1/knowledge/search?q=berth&kind=mail")).json() == []
        (kept,) = (await client.get("/v1/knowledge/documents?collection=notes")).json()["items"]
        assert (kept["account"], kept["kind"]) == (None, "file")
        same = await client.post("/v1/knowledge/collections/notes/reembed", json={"model": WORDLLAMA})
        assert same.status_code == 422
        assert (await client.delete("/v1/knowledge/collections/notes")).status_code == 204
        gone = await client.get("/v1/knowledge/search?q=berth&collection=notes")
        assert (gone.status_code, gone.json()["code"]) == (404, "unknown_collection")
        always = await client.delete("/v1/knowledge/collections/pages")
        assert always.status_code == 422


@pytest.fixture
async def served(postgres: str) -> AsyncIterator[ApiServer]:
    async with make_world(postgres, accounts=[]) as world, api_server(world.settings, world.url) as api:
        yield api


async def test_running_is_one_run_for_each_account_and_the_same_for_the_same_key(served: ApiServer) -> None:
    await with_account(served)
    async with await served.client(Scope.DATA_WRITE, Scope.RUNS_READ) as client:
        await client.put("/v1/extractions/orders", json={"definition": DEFINITION})
        unknown = await client.post("/v1/extractions/orders/runs", json={"account": "nobody"})
        assert unknown.status_code == 422, unknown.text
        headers = {"idempotency-key": "once"}
        (run,) = (await client.post("/v1/extractions/orders/runs", json={}, headers=headers)).json()
        (again,) = (await client.post("/v1/extractions/orders/runs", json={}, headers=headers)).json()
        assert (run["kind"], run["account"], run["id"]) == ("extract", "ops", again["id"])


async def test_a_schedule_is_stored_listed_and_deleted(served: ApiServer) -> None:
    await with_account(served)
    async with await served.client(Scope.DATA_READ, Scope.DATA_WRITE) as client:
        await client.put("/v1/extractions/orders", json={"definition": DEFINITION})
        body = {"kind": "extract", "request": {"extraction": "orders"}, "cron": "0 7 * * 1-5", "timezone": "Asia/Tokyo"}
        made = await client.put("/v1/schedules/morning", json=body)
        assert made.status_code == 200, made.text
        # Seven o'clock in Tokyo.
        assert datetime.fromisoformat(made.json()["next_at"]).astimezone(UTC).hour == 22
        assert (await client.get("/v1/schedules")).json()["items"] == [made.json()]
        assert (await client.get("/v1/schedules/morning")).json()["history"] == []
        never = await client.put("/v1/schedules/never", json={**body, "cron": "0 0 30 2 *"})
        assert (never.status_code, "names no time" in never.text) == (422, True)
        assert (await client.delete("/v1/schedules/morning")).status_code == 204
        gone = await client.get("/v1/schedules/morning")
        assert (gone.status_code, gone.json()["code"]) == (404, "unknown_schedule")


async def test_a_report_is_asked_for(served: ApiServer) -> None:
    await with_account(served)
    async with await served.client(Scope.DATA_WRITE) as client:
        await client.put("/v1/extractions/orders", json={"definition": DEFINITION})
        asked = await client.post("/v1/reports/make", json={"kind": "attention", "extraction": "orders"})
        assert (asked.status_code, asked.json()["kind"]) == (202, "report"), asked.text
        assert asked.headers["location"] == f"/v1/runs/{asked.json()['id']}"
        wrong = await client.post("/v1/reports/make", json={"kind": "poem", "extraction": "orders"})
        assert wrong.status_code == 422
