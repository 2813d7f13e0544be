"""Collections: what is kept together, by one embedding model, and when their vectors have an index."""

import re
from datetime import timedelta

from psycopg import sql

from seezar.audit import Audit
from seezar.database import Database, Row
from seezar.errors import InvalidInput, SeezarError
from seezar.knowledge.embedding import Embedder
from seezar.knowledge.searching import Collection

INDEX_FROM = 15_000
"""Passages from which on an index is faster than to look at all of them (benchmarks.knowledge)."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
# HNSW's own: links of a vector, and candidates while it is built (Malkov and Yashunin, 2018).
_M, _EF_CONSTRUCTION = 32, 200
_BUILD_MEMORY = "512MB"
# One of a million vectors takes less.
_INDEXING = timedelta(hours=2)
# pgvector indexes vectors of half precision of up to so many dimensions.
_MOST_INDEXED = 4_000


class CollectionUnknown(SeezarError):
    """No collection of this name."""

    status = "unknown_collection"


async def collection_of(database: Database, name: str) -> Collection:
    """The collection of this name.

    Raises:
        CollectionUnknown: there is none.
    """
    row = await database.one("SELECT * FROM knowledge.collection WHERE name = %s", name)
    if row is None:
        raise CollectionUnknown(
            f"There is no collection {name!r}.", next_step="See what there is: seezar knowledge collections."
        )
    return collection_from(row)


def collection_from(row: Row) -> Collection:
    """The collection of a row of `knowledge.collection`."""
    names = ("name", "model", "dimensions", "passages", "indexed", "created_at")
    return Collection(**{name: row[name] for name in names})


class Collections:
    """The collections in `knowledge.collection`."""

    def __init__(self, database: Database, *, audit: Audit | None = None) -> None:
        self._database = database
        self._audit = audit

    async def make(self, name: str, model: str, embedder: Embedder) -> Collection:
        """Make a collection, or find it as it is.

        Args:
            model: of its embeddings; asked once, for the length of its vectors.
            embedder: of that model.

        Raises:
            InvalidInput: it cannot be a name, or the collection has another model.
            ModelsUnavailable: the model cannot be asked.
        """
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                f"{name!r} cannot be the name of a collection.",
                next_step="Lower-case letters, digits and underscores, a letter first, at most 40.",
            )
        row = await self._database.one("SELECT * FROM knowledge.collection WHERE name = %s", name)
        if row is None:
            [vector] = await embedder.embed(["length"])
            async with self._database.connection() as connection:
                cursor = await connection.execute(
                    "INSERT INTO knowledge.collection (name, model, dimensions) VALUES (%s, %s, %s)"
                    " ON CONFLICT DO NOTHING",
                    (name, model, len(vector)),
                )
                if cursor.rowcount and self._audit is not None:
                    await self._audit.append(connection, "knowledge.collection", None, collection=name)
        made = await collection_of(self._database, name)
        if made.model != model:
            raise InvalidInput(
                f"The collection {name!r} has vectors of {made.model!r}.",
                kept="It was left as it is.",
                next_step="Use that model, or a collection of another name.",
            )
        return made

    async def get(self, name: str) -> Collection:
        """The collection of this name.

        Raises:
            CollectionUnknown: there is none.
        """
        return await collection_of(self._database, name)

    async def list(self) -> list[Collection]:
        """All of them, by name."""
        rows = await self._database.all("SELECT * FROM knowledge.collection ORDER BY name")
        return [collection_from(row) for row in rows]

    async def remove(self, name: str) -> None:
        """Delete a collection with its documents.

        Raises:
            CollectionUnknown: there is none of this name.
            InvalidInput: it is the one that is always there, or its index is being made.
        """
        await collection_of(self._database, name)
        if name == "pages":
            raise InvalidInput("The collection 'pages' is always there.", next_step="Forget its documents instead.")
        if not await self._claimed(name):
            raise InvalidInput(
                f"The index of the collection {name!r} is being made.",
                kept="It was left as it is.",
                next_step="Try again in a few minutes.",
            )
        await self._drop_index(name)
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM knowledge.passage WHERE collection = %s", (name,))
            await connection.execute("DELETE FROM knowledge.collection WHERE name = %s", (name,))
            if self._audit is not None:
                await self._audit.append(connection, "knowledge.collection_remove", None, collection=name)

    async def index_due(self) -> str | None:
        """The name of a collection that has grown past `INDEX_FROM`, has no index yet, and that nobody is at; None when
        there is none.
        """
        row = await self._database.one(
            "SELECT name FROM knowledge.collection WHERE NOT indexed AND passages >= %s AND dimensions <= %s"
            " AND coalesce(indexing_until <= now(), true) ORDER BY passages LIMIT 1",
            INDEX_FROM,
            _MOST_INDEXED,
        )
        return None if row is None else str(row["name"])

    async def index(self, name: str) -> bool:
        """Make the index of a collection, while it is read and written on. One that was cut off is made anew.

        Returns:
            False when somebody else is at it.

        Raises:
            CollectionUnknown: there is none of this name.
        """
        collection = await collection_of(self._database, name)
        if not await self._claimed(name):
            return False
        try:
            await self._build(collection)
        except BaseException:
            # The next one need not wait for the claim to run out.
            await self._database.run("UPDATE knowledge.collection SET indexing_until = NULL WHERE name = %s", name)
            raise
        return True

    async def _build(self, collection: Collection) -> None:
        name = collection.name
        await self._drop_index(name)
        statement = sql.SQL(
            "CREATE INDEX CONCURRENTLY {index} ON knowledge.passage"
            " USING hnsw ((embedding::halfvec({dimensions})) halfvec_cosine_ops)"
            " WITH (m = {m}, ef_construction = {ef}) WHERE collection = {collection}"
        ).format(
            index=sql.Identifier(index_of(name)),
            dimensions=sql.Literal(collection.dimensions),
            m=sql.Literal(_M),
            ef=sql.Literal(_EF_CONSTRUCTION),
            collection=sql.Literal(name),
        )
        async with self._database.session() as connection:
            # In less memory than the graph needs, it takes many times as long. Workers of the server would share it in
            # a part of the memory that containers have little of.
            await connection.execute(f"SET maintenance_work_mem = '{_BUILD_MEMORY}'".encode())
            await connection.execute("SET max_parallel_maintenance_workers = 0")
            await connection.execute(statement)
        await self._database.run(
            "UPDATE knowledge.collection SET indexed = true, indexing_until = NULL WHERE name = %s", name
        )

    async def _claimed(self, name: str) -> bool:
        """Take the right to make or drop the index of a collection. Two at once would wait for each other."""
        return bool(
            await self._database.run(
                "UPDATE knowledge.collection SET indexed = false, indexing_until = now() + %s"
                " WHERE name = %s AND coalesce(indexing_until <= now(), true)",
                _INDEXING,
                name,
            )
        )

    async def _drop_index(self, name: str) -> None:
        drop = sql.SQL("DROP INDEX IF EXISTS {}").format(sql.Identifier("knowledge", index_of(name)))
        await self._database.run(drop.as_string())


def index_of(name: str) -> str:
    """The name of the index of a collection's vectors, in schema `knowledge`."""
    return f"passage_meaning_{name}"
