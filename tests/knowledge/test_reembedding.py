"""Giving a collection the vectors of another model, while it is searched, added to, and cut off."""

import asyncio
from collections.abc import Sequence

import pytest

from seezar.database import Database
from seezar.errors import InvalidInput
from seezar.knowledge import CollectionUnknown, Knowledge, NewDocument
from seezar.knowledge.collections import Collections
from seezar.knowledge.embedding import WORDLLAMA, WordLlamaEmbedder
from seezar.knowledge.reembedding import Reembedding

SHORT = "short"
_BUILDING = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    " AND starts_with(query, 'CREATE INDEX CONCURRENTLY')"
)


class Shortened:
    """Another model: the first half of WordLlama's vectors. Counts what it is asked."""

    def __init__(self, *, dimensions: int = 128) -> None:
        self.asked: list[str] = []
        self._dimensions = dimensions

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.asked += texts
        return [vector[: self._dimensions] for vector in await WordLlamaEmbedder().embed(texts)]


class Both(Knowledge):
    """A knowledge base that can ask that model too."""

    def embedder(self, model: str) -> Shortened | WordLlamaEmbedder:
        return Shortened() if model == SHORT else WordLlamaEmbedder()


@pytest.fixture
async def filled(database: Database) -> Both:
    await Collections(database).make("notes", WORDLLAMA, WordLlamaEmbedder())
    knowledge = Both(database)
    for number in range(300):
        await add(knowledge, f"Invoice {number} of the harbour was paid late.", number)
    await add(knowledge, "The cat of the lighthouse keeper sleeps on the stairs.", 900)
    return knowledge


async def add(knowledge: Knowledge, text: str, number: int) -> None:
    await knowledge.add(NewDocument("Note", text, f"note-{number}", "file"), collection="notes")


async def finished(work: Reembedding) -> None:
    dimensions = await work.begin()
    while True:
        while await work.embed_some(dimensions):
            pass
        if await work.exchange(dimensions):
            return


async def test_a_collection_gets_the_vectors_of_another_model(filled: Both, database: Database) -> None:
    model = Shortened()
    await finished(Reembedding(database, "notes", SHORT, model))

    made = await Collections(database).get("notes")
    assert (made.model, made.dimensions, made.passages, made.indexed) == (SHORT, 128, 301, False)
    found = await filled.search("a sleeping kitten", collection="notes", method="meaning", limit=1)
    assert "lighthouse keeper" in found[0].text
    assert await database.all("SELECT 1 FROM knowledge.new_vector") == []


async def test_what_was_embedded_before_a_crash_is_not_embedded_again(filled: Both, database: Database) -> None:
    first = Shortened()
    cut_off = Reembedding(database, "notes", SHORT, first)
    dimensions = await cut_off.begin()
    assert await cut_off.embed_some(dimensions) == 256
    # Until it is done, everything is found as before.
    assert (await Collections(database).get("notes")).model == WORDLLAMA
    assert await filled.search("lighthouse", collection="notes")

    second = Shortened()
    await finished(Reembedding(database, "notes", SHORT, second))
    # One text of each asks for the length.
    assert len(first.asked) + len(second.asked) == 301 + 2
    assert (await Collections(database).get("notes")).model == SHORT


async def test_a_passage_that_comes_meanwhile_is_embedded_too(filled: Both, database: Database) -> None:
    work = Reembedding(database, "notes", SHORT, Shortened())
    dimensions = await work.begin()
    while await work.embed_some(dimensions):
        pass
    await add(filled, "Whales pass the pier in autumn.", 901)
    assert not await work.exchange(dimensions)
    assert await work.embed_some(dimensions) == 1
    assert await work.exchange(dimensions)
    found = await filled.search("whale", collection="notes", method="meaning", limit=1)
    assert "pier in autumn" in found[0].text


async def test_a_document_that_was_embedded_for_the_old_model_is_embedded_again(
    filled: Both, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The exchange happens between the embedding of a document and its storing.
    plain = filled.embedder

    class Exchanging(WordLlamaEmbedder):
        async def embed(self, texts: Sequence[str]) -> list[list[float]]:
            vectors = await super().embed(texts)
            monkeypatch.setattr(filled, "embedder", plain)
            await finished(Reembedding(database, "notes", SHORT, Shortened()))
            return vectors

    monkeypatch.setattr(filled, "embedder", lambda _: Exchanging())
    await add(filled, "Whales pass the pier in autumn.", 901)

    rows = await database.all("SELECT DISTINCT vector_dims(embedding) AS n FROM knowledge.passage")
    assert [row["n"] for row in rows] == [128]
    assert (await Collections(database).get("notes")).passages == 302


async def test_an_index_of_the_old_length_goes_and_one_of_the_new_length_can_be_made(
    filled: Both, database: Database
) -> None:
    collections = Collections(database)
    await collections.index("notes")
    assert (await collections.get("notes")).indexed
    await finished(Reembedding(database, "notes", SHORT, Shortened()))
    assert not (await collections.get("notes")).indexed
    await collections.index("notes")
    found = await filled.search("a sleeping kitten", collection="notes", method="meaning", limit=1)
    assert "lighthouse keeper" in found[0].text


async def test_an_index_that_was_given_up_can_be_made_at_once(filled: Both, database: Database) -> None:
    collections = Collections(database)
    async with database.connection() as connection:
        # Who makes an index waits for whoever writes.
        await connection.execute("UPDATE knowledge.passage SET text = text")
        building = asyncio.create_task(collections.index("notes"))
        async with asyncio.timeout(30):
            while not await database.one(_BUILDING):  # noqa: ASYNC110 - a connection of another process
                await asyncio.sleep(0.02)
        building.cancel()
        with pytest.raises(asyncio.CancelledError):
            await building
    assert await collections.index("notes")
    assert (await collections.get("notes")).indexed


async def test_vectors_of_several_lengths_leave_the_collection_as_it_was(filled: Both, database: Database) -> None:
    work = Reembedding(database, "notes", SHORT, Shortened(dimensions=64))
    with pytest.raises(InvalidInput):
        await work.embed_some(128)
    assert (await Collections(database).get("notes")).model == WORDLLAMA


async def test_there_is_no_such_collection(database: Database) -> None:
    with pytest.raises(CollectionUnknown):
        await Reembedding(database, "nowhere", SHORT, Shortened()).begin()
