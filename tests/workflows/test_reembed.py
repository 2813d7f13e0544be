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
