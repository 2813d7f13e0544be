"""Re-embedding as a run: it ends with the new vectors, another request attaches to it, and what cannot be is said."""

import pytest

from seezar.errors import InvalidInput
from seezar.knowledge import CollectionUnknown, NewDocument
from seezar.knowledge.embedding import WORDLLAMA
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

# WordLlama behind LiteLLM, which needs no key.
OFFLINE = "offline/embed"


async def test_a_collection_is_reembedded_by_a_run(world: World) -> None:
    app = world.application
    await app.collections.make("notes", WORDLLAMA, app.knowledge.embedder(WORDLLAMA))
    new = NewDocument("Note", "The lighthouse keeper has a cat.", "note", "file")
    await app.knowledge.add(new, collection="notes")

    run_id = await world.client.reembed("notes", OFFLINE, key="once")
    assert await world.client.reembed("notes", OFFLINE, key="once") == run_id
    result = await world.client.result(run_id, timeout=60)

    assert (result["status"], result["passages"], result["account"]) == ("reembedded", 1, None), result
    assert (await app.collections.get("notes")).model == OFFLINE
    assert (await app.knowledge.search("kitten", collection="notes"))[0].url == "note"
    assert (await app.runs.get(run_id)).account is None


async def test_a_model_that_cannot_be_asked_leaves_it_as_it_was_and_it_can_be_tried_again(world: World) -> None:
    run_id = await world.client.reembed("pages", "gemini/gemini-embedding-001")
    result = await world.client.result(run_id, timeout=60)

    assert result["status"] == "models_unavailable", result
    assert (await world.application.collections.get("pages")).model == WORDLLAMA
    again = await world.client.retry(run_id)
    assert (await world.client.result(again.id, timeout=60))["status"] == "models_unavailable"


async def test_what_cannot_be_is_said_before_anything_is_started(world: World) -> None:
    with pytest.raises(CollectionUnknown):
        await world.client.reembed("nowhere", OFFLINE)
    with pytest.raises(InvalidInput, match="has vectors of"):
        await world.client.reembed("pages", WORDLLAMA)


async def test_a_cancelled_one_leaves_the_collection_and_goes_on_from_there(world: World) -> None:
    app, many = world.application, 20_000
    await app.collections.make("logs", WORDLLAMA, app.knowledge.embedder(WORDLLAMA))
    new = NewDocument("Log", "The lighthouse keeper has a cat.", "log", "file")
    await app.knowledge.add(new, collection="logs")
    async with app.database.connection() as connection:
        await connection.execute(
            "INSERT INTO knowledge.passage (document_id, collection, position, text, embedding)"
            " SELECT document_id, collection, position + n, text || n, embedding"
            " FROM knowledge.passage, generate_series(1, %s) n WHERE collection = 'logs'",
            (many,),
        )

    async def vectors() -> int:
        row = await app.database.one("SELECT count(*) AS n FROM knowledge.new_vector")
        assert row is not None
        return row["n"]

    run_id = await world.client.reembed("logs", OFFLINE)
    # The first batch is told at once; there are many more.
    async for event in world.client.follow(run_id):
        if event.step == "embed":
            break
    assert (await world.client.cancel(run_id)).status == "cancelled"
    assert (await world.client.result(run_id, timeout=60))["status"] == "cancelled"
    # While another run begins and ends, the batch that was under way is all that is added.
    there = await vectors()
    await app.collections.make("few", WORDLLAMA, app.knowledge.embedder(WORDLLAMA))
    assert (await world.client.result(await world.client.reembed("few", OFFLINE), timeout=60))["status"] == "reembedded"
    assert there <= await vectors() <= there + 512 < many
    assert (await app.collections.get("logs")).model == WORDLLAMA

    again = await world.client.reembed("logs", OFFLINE)
    result = await world.client.result(again, timeout=120)
    assert (result["status"], result["passages"]) == ("reembedded", many + 1), result
    assert (await app.runs.get(run_id)).status == "cancelled"
