"""Keeping documents (pages, mails, files) as passages in collections, and finding these again."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from seezar.accounts.records import Page
from seezar.audit import Audit
from seezar.database import Connection, Database, Row
from seezar.errors import InvalidInput
from seezar.knowledge.chunking import chunks
from seezar.knowledge.collections import CollectionUnknown, collection_from, collection_of
from seezar.knowledge.documents import Document, DocumentUnknown, NewDocument, Passage, SavedDocument
from seezar.knowledge.embedding import WORDLLAMA, Embedder, ModelEmbedder, WordLlamaEmbedder
from seezar.knowledge.quoting import words_in
from seezar.knowledge.searching import Collection, Method, Only, found, meaning_of, ranked

if TYPE_CHECKING:
    from seezar.models.router import ModelRouter

PAGES = "pages"
"""The collection that pages of accounts are kept in where none is named; it is always there."""
# Texts that are embedded at a time, so that a document of many pages stays small in memory.
_BATCH = 512
_DOCUMENT = """
SELECT d.*, (SELECT count(*) FROM knowledge.passage p WHERE p.document_id = d.id) AS passages FROM knowledge.document d
"""


class _OtherModel(Exception):
    """The collection was re-embedded, or removed, while a document was embedded for it."""


class Knowledge:
    """The kept documents in schema `knowledge`.

    Args:
        database: pool to the migrated `seezar` database.
        embedder: stands in for the models of all collections; None takes those that the collections name.
        audit: is told what is kept and forgotten; None = nobody is.
        models: gives the pool, for collections whose model is not WordLlama.
    """

    def __init__(
        self,
        database: Database,
        embedder: Embedder | None = None,
        *,
        audit: Audit | None = None,
        models: "Callable[[], ModelRouter] | None" = None,
    ) -> None:
        self._database = database
        self._audit = audit
        self._embedder = embedder
        self._models = models

    def embedder(self, model: str) -> Embedder:
        """The embedder of a model.

        Raises:
            InvalidInput: it is not on this machine, and there is no pool.
        """
        if self._embedder is not None:
            return self._embedder
        if model == WORDLLAMA:
            return WordLlamaEmbedder()
        if self._models is None:
            raise InvalidInput(f"The embedding model {model!r} cannot be asked here.")
        return ModelEmbedder(self._models, model)

    async def save(self, page: Page, *, collection: str = PAGES) -> SavedDocument:
        """Keep `page`, whose text is redacted. The same text of the same page is kept once, another one beside it: what
        was cited stays.

        Raises:
            InvalidInput: the page holds no text.
            CollectionUnknown: there is no such collection.
        """
        new = NewDocument(page.title, page.text, page.url, "page", page.account, page.taken_at)
        return await self.add(new, collection=collection)

    async def add(self, document: NewDocument, *, collection: str = PAGES) -> SavedDocument:
        """Keep a document, all of it or nothing; the same text of the same source is kept once.

        Raises:
            InvalidInput: it holds no text.
            CollectionUnknown: there is no such collection.
        """
        passages = chunks(document.title, document.text)
        if not passages:
            raise InvalidInput(f"{document.url} holds no text.", next_step="Read another page or file.")
        digest = hashlib.sha256(f"{document.title}\n{document.text}".encode()).digest()
        while True:
            target = await collection_of(self._database, collection)
            if (known := await self._known(document, collection, digest)) is not None:
                return known
            vectors = await self._vectors(passages, target)
            try:
                return await self._stored(document, target, digest, passages, vectors)
            except _OtherModel:
                continue

    async def _stored(
        self,
        document: NewDocument,
        target: Collection,
        digest: bytes,
        passages: Sequence[str],
        vectors: Sequence[Sequence[float]],
    ) -> SavedDocument:
        collection = target.name
        async with self._database.connection() as connection:
            replaced = document.replaces and await self._forget_source(connection, document, collection)
            cursor = await connection.execute(
                "INSERT INTO knowledge.document (collection, kind, account, site, url, title, digest, taken_at)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id",
                (
                    collection,
                    document.kind,
                    document.account,
                    urlsplit(document.url).hostname or "" if document.kind == "page" else "",
                    document.url,
                    document.title,
                    digest,
                    document.taken_at or datetime.now(UTC),
                ),
            )
            row = await cursor.fetchone()
            if row is not None:
                await self._insert(connection, target, row["id"], passages, vectors)
                if self._audit is not None:
                    await self._audit.append(connection, "knowledge.save", document.account, document=str(row["id"]))
        if row is None:
            # Somebody has kept the same just now.
            known = await self._known(document, collection, digest)
            assert known is not None
            return known
        return SavedDocument(str(row["id"]), len(passages), new=True, replaced=replaced)

    async def _known(self, document: NewDocument, collection: str, digest: bytes) -> SavedDocument | None:
        row = await self._database.one(
            "SELECT d.id, (SELECT count(*) FROM knowledge.passage p WHERE p.document_id = d.id) AS passages"
            " FROM knowledge.document d WHERE collection = %s AND coalesce(account, '') = %s AND url = %s"
            " AND digest = %s",
            collection,
            document.account or "",
            document.url,
            digest,
        )
        return None if row is None else SavedDocument(str(row["id"]), row["passages"], new=False)

    async def _vectors(self, passages: Sequence[str], target: Collection) -> list[list[float]]:
        embedder = self.embedder(target.model)
        vectors: list[list[float]] = []
        for start in range(0, len(passages), _BATCH):
            batch = [meaning_of(passage, target.model) for passage in passages[start : start + _BATCH]]
            vectors += await embedder.embed(batch)
        if any(len(vector) != target.dimensions for vector in vectors):
            raise InvalidInput(
                f"The model {target.model!r} gives vectors of another length than the collection {target.name!r} has.",
                kept="Nothing was stored.",
                next_step="Make a collection for this model, or re-embed this one.",
            )
        return vectors

    async def _insert(
        self,
        connection: Connection,
        target: Collection,
        document: object,
        passages: Sequence[str],
        vectors: Sequence[Sequence[float]],
    ) -> None:
        copy = "COPY knowledge.passage (collection, document_id, position, text, embedding) FROM STDIN"
        async with connection.cursor() as cursor, cursor.copy(copy) as copying:
            for position, (text, vector) in enumerate(zip(passages, vectors, strict=True)):
                await copying.write_row((target.name, document, position, text, str([*vector])))
        await _count_words(connection, target.name, document, 1)
        cursor = await connection.execute(
            "UPDATE knowledge.collection SET passages = passages + %s WHERE name = %s AND model = %s",
            (len(passages), target.name, target.model),
        )
        if not cursor.rowcount:
            raise _OtherModel

    async def _forget_source(self, connection: Connection, document: NewDocument, collection: str) -> bool:
        cursor = await connection.execute(
            "SELECT id FROM knowledge.document WHERE collection = %s AND coalesce(account, '') = %s AND url = %s"
            " FOR UPDATE",
            (collection, document.account or "", document.url),
        )
        there = await cursor.fetchall()
        for row in there:
            await _forget(connection, collection, row["id"])
        return bool(there)

    async def documents(
        self,
        *,
        account: str | None = None,
        collection: str | None = None,
        limit: int = 50,
        before: tuple[datetime, str] | None = None,
    ) -> list[Document]:
        """The documents that are kept, the newest first.

        Args:
            account: only those of this account.
            collection: only those of this collection.
            limit: at most so many.
            before: `saved_at` and id of the last one that is known.
        """
        at, last = before or (None, None)
        rows = await self._database.all(
            f"{_DOCUMENT} WHERE (%s::text IS NULL OR d.account = %s)"
            " AND (%s::text IS NULL OR d.collection = %s)"
            " AND (%s::timestamptz IS NULL OR d.saved_at < %s OR (d.saved_at = %s AND d.id::text < %s))"
            " ORDER BY d.saved_at DESC, d.id DESC LIMIT %s",
            account,
            account,
            collection,
            collection,
            at,
            at,
            at,
            last,
            limit,
        )
        return [_document(row) for row in rows]

    async def quoted(self, document_id: str, quote: str) -> tuple[Document, str | None]:
        """A document, and the words of `quote` as they stand in it; None when they do not.

        How they are spaced, and which quotation marks and dashes they have, makes no difference.

        Raises:
            DocumentUnknown: there is none of this id.
        """
        row = await self._database.one(f"{_DOCUMENT} WHERE d.id::text = %s", document_id)
        if row is None:
            raise _unknown(document_id)
        passages = await self._database.all(
            "SELECT text FROM knowledge.passage WHERE document_id::text = %s ORDER BY position", document_id
        )
        said = next((found for each in passages if (found := words_in(each["text"], quote)) is not None), None)
        return _document(row), said

    async def remove(self, document_id: str) -> None:
        """Forget a kept document: its passages are deleted with it, and found no more.

        Raises:
            DocumentUnknown: there is none of this id.
        """
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                "SELECT id, account, collection FROM knowledge.document WHERE id::text = %s FOR UPDATE", (document_id,)
            )
            row = await cursor.fetchone()
            if row is None:
                raise _unknown(document_id)
            await _forget(connection, row["collection"], row["id"])
            if self._audit is not None:
                await self._audit.append(connection, "knowledge.remove", row["account"], document=document_id)

    async def search(
        self,
        query: str,
        *,
        account: str | None = None,
        limit: int = 5,
        collection: str | None = None,
        only: Only | None = None,
        method: Method = "hybrid",
    ) -> list[Passage]:
        """The passages that fit `query` best; none when nothing fits.

        Args:
            query: a question or some words.
            account: only documents of this account.
            limit: most passages; the same text is told once.
            collection: in this one alone; in all of them when None.
            only: further conditions; `account` is one of them.
            method: `meaning` or `words` alone, for whoever measures them.

        Raises:
            InvalidInput: the query is empty.
            CollectionUnknown: there is no such collection.
        """
        if not query.strip():
            raise InvalidInput("The search has no words.", next_step="Say what to look for.")
        condition = only or Only(account=account)
        targets = await self._targets(collection)
        scored: list[tuple[float, Row]] = []
        for target in targets:
            [vector] = await self.embedder(target.model).embed([meaning_of(query, target.model)])
            async with self._database.connection() as connection:
                best = await ranked(connection, target, query, vector, condition, method=method)
                # Some of them may say the same.
                rows = await found(connection, [passage for passage, _ in best[: 3 * limit]])
            scored += [(score, rows[passage]) for passage, score in best if passage in rows]
        # Ranks of several collections are fused as they are: each has its first, its second, and so on.
        scored.sort(key=lambda each: -each[0])
        told: dict[str, Passage] = {}
        for score, row in scored:
            known = told.get(row["text"])
            if known is None or (known.score == score and row["taken_at"] > known.taken_at):
                told[row["text"]] = _passage(row, score)
        return list(told.values())[:limit]

    async def _targets(self, collection: str | None) -> list[Collection]:
        if collection is not None:
            return [await collection_of(self._database, collection)]
        rows = await self._database.all("SELECT * FROM knowledge.collection WHERE passages > 0 ORDER BY name")
        return [collection_from(row) for row in rows]


async def _forget(connection: Connection, collection: str, document: object) -> None:
    await _count_words(connection, collection, document, -1)
    cursor = await connection.execute("DELETE FROM knowledge.passage WHERE document_id = %s", (document,))
    await connection.execute(
        "UPDATE knowledge.collection SET passages = passages - %s WHERE name = %s", (cursor.rowcount, collection)
    )
    await connection.execute("DELETE FROM knowledge.document WHERE id = %s", (document,))


async def _count_words(connection: Connection, collection: str, document: object, step: int) -> None:
    """Count the words of a document's passages, or take them back; always in the same order, so that none waits for the
    other.
    """
    cursor = await connection.execute(
        "SELECT tsvector_to_array(words) AS words FROM knowledge.passage WHERE document_id = %s", (document,)
    )
    counts = Counter(word for row in await cursor.fetchall() for word in row["words"])
    names = sorted(counts)
    await connection.execute(
        "INSERT INTO knowledge.lexeme AS l (collection, lexeme, passages)"
        " SELECT %s, w, n * %s FROM unnest(%s::text[], %s::bigint[]) AS u(w, n)"
        " ON CONFLICT (collection, lexeme) DO UPDATE SET passages = greatest(0, l.passages + excluded.passages)",
        (collection, step, names, [counts[name] for name in names]),
    )


def _unknown(document_id: str) -> DocumentUnknown:
    return DocumentUnknown(f"There is no kept document {document_id!r}.", next_step="See: seezar knowledge list.")


def _document(row: Row) -> Document:
    names = ("collection", "kind", "account", "site", "url", "title", "passages", "taken_at", "saved_at")
    return Document(id=str(row["id"]), **{name: row[name] for name in names})


def _passage(row: Row, score: float) -> Passage:
    names = ("text", "collection", "kind", "url", "title", "taken_at")
    values = {name: row[name] for name in names}
    return Passage(document_id=str(row["document_id"]), account=row["account"] or "", score=score, **values)


__all__ = ["CollectionUnknown", "Document", "DocumentUnknown", "Knowledge", "NewDocument", "Passage", "SavedDocument"]
