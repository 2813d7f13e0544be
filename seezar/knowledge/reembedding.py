"""Giving a collection the vectors of another embedding model, while it is searched and added to.

The new vectors stand in `knowledge.new_vector` until every passage has one; then all are exchanged in one transaction.
Cut off at any point, what was embedded is there and is not embedded again.
"""

from psycopg import sql

from seezar.audit import Audit
from seezar.database import Database
from seezar.errors import InvalidInput
from seezar.knowledge.collections import collection_of, index_of
from seezar.knowledge.embedding import Embedder
from seezar.knowledge.searching import meaning_of

# Passages of one request to the model and one transaction.
_BATCH = 256

_WITHOUT = """
SELECT p.id, p.text FROM knowledge.passage p WHERE p.collection = %s
AND NOT EXISTS (SELECT 1 FROM knowledge.new_vector v WHERE v.passage_id = p.id AND v.model = %s)
ORDER BY p.id LIMIT %s
"""


class Reembedding:
    """One collection that is to have vectors of `model`.

    Args:
        embedder: of that model.
        audit: is told when it is done; None = nobody is.
    """

    def __init__(
        self, database: Database, collection: str, model: str, embedder: Embedder, *, audit: Audit | None = None
    ) -> None:
        self._database = database
        self._name = collection
        self._model = model
        self._embedder = embedder
        self._audit = audit

    async def begin(self) -> int:
        """Drop vectors of a third model, which were never exchanged; returns the length of the new ones.

        Raises:
            CollectionUnknown: there is none of this name.
            ModelsUnavailable: the model does not answer.
        """
        await collection_of(self._database, self._name)
        await self._database.run(
            "DELETE FROM knowledge.new_vector v USING knowledge.passage p"
            " WHERE p.id = v.passage_id AND p.collection = %s AND v.model <> %s",
            self._name,
            self._model,
        )
        [vector] = await self._embedder.embed(["length"])
        return len(vector)

    async def embed_some(self, dimensions: int) -> int:
        """Embed passages that have no new vector yet; returns how many, 0 when all of them have one.

        Raises:
            InvalidInput: the model gave a vector of another length than `dimensions`.
            ModelsUnavailable: the model does not answer.
        """
        rows = await self._database.all(_WITHOUT, self._name, self._model, _BATCH)
        if not rows:
            return 0
        vectors = await self._embedder.embed([meaning_of(row["text"], self._model) for row in rows])
        if any(len(vector) != dimensions for vector in vectors):
            raise InvalidInput(
                f"The model {self._model!r} gave vectors of several lengths.",
                kept=f"The collection {self._name!r} is as it was.",
            )
        # One that was forgotten meanwhile needs none.
        await self._database.run(
            "INSERT INTO knowledge.new_vector (passage_id, model, embedding)"
            " SELECT p.id, %s, u.embedding::vector FROM unnest(%s::bigint[], %s::text[]) AS u(id, embedding)"
            " JOIN knowledge.passage p ON p.id = u.id"
            " ON CONFLICT (passage_id) DO UPDATE SET model = excluded.model, embedding = excluded.embedding",
            self._model,
            [row["id"] for row in rows],
            [str([*vector]) for vector in vectors],
        )
        return len(rows)

    async def done(self) -> int:
        """How many passages have their new vector."""
        row = await self._database.one(
            "SELECT count(*) AS n FROM knowledge.new_vector v JOIN knowledge.passage p ON p.id = v.passage_id"
            " WHERE p.collection = %s AND v.model = %s",
            self._name,
            self._model,
        )
        return int(row["n"]) if row else 0

    async def exchange(self, dimensions: int) -> bool:
        """Put the new vectors in the place of the old ones; False when that cannot be just now: a passage that has come
        meanwhile has none yet, or the index is being made.

        Args:
            dimensions: of the new ones.

        Raises:
            CollectionUnknown: there is none of this name any more.
        """
        await collection_of(self._database, self._name)
        async with self._database.connection() as connection:
            # From now to the end nothing is added: who adds counts its passages there, and finds another model.
            cursor = await connection.execute(
                "SELECT model, indexing_until > now() AS indexing FROM knowledge.collection WHERE name = %s"
                " FOR NO KEY UPDATE",
                (self._name,),
            )
            row = await cursor.fetchone()
            if row is not None and row["model"] == self._model:
                # Done before, by a worker that did not come to say so.
                return True
            # Who makes an index waits for every transaction; this one would wait for that index.
            if row is None or row["indexing"]:
                return False
            if await (await connection.execute(_WITHOUT, (self._name, self._model, 1))).fetchone():
                return False
            # It is of vectors of the old length.
            drop = sql.SQL("DROP INDEX IF EXISTS {}").format(sql.Identifier("knowledge", index_of(self._name)))
            await connection.execute(drop)
            await connection.execute(
                "UPDATE knowledge.passage p SET embedding = v.embedding FROM knowledge.new_vector v"
                " WHERE v.passage_id = p.id AND p.collection = %s",
                (self._name,),
            )
            await connection.execute(
                "DELETE FROM knowledge.new_vector v USING knowledge.passage p"
                " WHERE p.id = v.passage_id AND p.collection = %s",
                (self._name,),
            )
            await connection.execute(
                "UPDATE knowledge.collection SET model = %s, dimensions = %s, indexed = false, indexing_until = NULL"
                " WHERE name = %s",
                (self._model, dimensions, self._name),
            )
            if self._audit is not None:
                await self._audit.append(
                    connection, "knowledge.reembed", None, collection=self._name, model=self._model
                )
        return True
