"""Saving pages and finding passages: by meaning (pgvector, cosine) and by words (PostgreSQL full text), ranks fused.

Fusion is reciprocal rank fusion with k = 60 (Cormack, Clarke and Büttcher, SIGIR 2009): it needs no common scale.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from seezar.accounts.records import Page
from seezar.audit import Audit
from seezar.database import Database, Row
from seezar.errors import InvalidInput, SeezarError
from seezar.knowledge.chunking import chunks
from seezar.knowledge.embedding import Embedder, WordLlamaEmbedder

_FUSION_K = 60
_CANDIDATES = 50
# Below this cosine, unrelated passages are as near as related ones: on pages like the playground's, 16 queries gave
# related ones 0.19 to 0.36 and unrelated ones 0.16 at most. A passage that shares a word with the query counts anyway.
_NEAR_ENOUGH = 0.18
# Numbers and table marks carry no meaning for averaged word vectors, they only pull all tables together.
_NOT_WORDS = re.compile(r"[^\w\s]|\b\w*\d\w*\b")

_SEARCH = """
WITH query AS (
    SELECT %(vector)s::vector AS vector,
           (SELECT string_agg(quote_literal(lexeme), ' | ')::tsquery
            FROM unnest(to_tsvector('english', %(text)s))) AS words
), scope AS (
    SELECT p.* FROM knowledge.passage p JOIN knowledge.document d ON d.id = p.document_id
    WHERE %(account)s::text IS NULL OR d.account = %(account)s
), meaning AS (
    SELECT id, row_number() OVER (ORDER BY distance) AS rank
    FROM (
        SELECT s.id, s.embedding <=> q.vector AS distance FROM scope s, query q ORDER BY distance LIMIT %(candidates)s
    ) AS near
    -- NaN, the distance of a text that the embedder does not know a word of, is greater than every number.
    WHERE distance <= 1 - %(near_enough)s
), words AS (
    SELECT s.id, row_number() OVER (ORDER BY ts_rank_cd(s.words, q.words, 1) DESC, s.id) AS rank
    FROM scope s, query q WHERE s.words @@ q.words ORDER BY rank LIMIT %(candidates)s
), fused AS (
    SELECT id, sum(1.0 / (%(k)s + rank)) AS score
    FROM (SELECT * FROM meaning UNION ALL SELECT * FROM words) AS ranked GROUP BY id
)
SELECT p.text, p.document_id, d.account, d.url, d.title, d.taken_at, f.score
FROM fused f JOIN knowledge.passage p USING (id) JOIN knowledge.document d ON d.id = p.document_id
ORDER BY f.score DESC, p.id LIMIT %(limit)s
"""


class DocumentUnknown(SeezarError):
    """No kept page with this id."""

    status = "unknown_document"


@dataclass(frozen=True, slots=True)
class Document:
    """A page that is kept.

    Attributes:
        url: without query.
        passages: into how many it was cut.
        taken_at, saved_at: when it was read, and when it was kept.
    """

    id: str
    account: str
    url: str
    title: str
    passages: int
    taken_at: datetime
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class SavedDocument:
    """A page that is kept.

    Attributes:
        id: of the document.
        passages: into how many it was cut.
        new: False when the same text of the same page was kept before.
    """

    id: str
    passages: int
    new: bool


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a kept page.

    Attributes:
        text: title, heading and body.
        document_id: of the page.
        account: whose page it was.
        url: without query.
        title: of the page.
        taken_at: when the page was read.
        score: fused rank, comparable within one search only.
    """

    text: str
    document_id: str
    account: str
    url: str
    title: str
    taken_at: datetime
    score: float


class Knowledge:
    """The kept pages in schema `knowledge`.

    Args:
        database: pool to the migrated `seezar` database.
        embedder: None takes WordLlama, which needs no network.
        audit: is told what is kept and forgotten; None = nobody is.
    """

    def __init__(self, database: Database, embedder: Embedder | None = None, *, audit: Audit | None = None) -> None:
        self._database = database
        self._audit = audit
        self._embedder = embedder or WordLlamaEmbedder()

    async def save(self, page: Page) -> SavedDocument:
        """Keep `page`, whose text is redacted. The same text of the same page is kept once.

        Raises:
            InvalidInput: the page holds no text.
        """
        passages = chunks(page.title, page.text)
        if not passages:
            raise InvalidInput(f"The page {page.url} holds no text.", next_step="Read another page.")
        digest = hashlib.sha256(f"{page.title}\n{page.text}".encode()).digest()
        vectors = await self._embedder.embed([_meaning(passage) for passage in passages])
        async with self._database.connection() as connection:
            added = await connection.execute(
                "INSERT INTO knowledge.document (account, url, title, digest, taken_at) VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT DO NOTHING RETURNING id",
                (page.account, page.url, page.title, digest, page.taken_at),
            )
            row = await added.fetchone()
            if row is None:
                known = await connection.execute(
                    "SELECT d.id, count(*) AS passages FROM knowledge.document d"
                    " JOIN knowledge.passage p ON p.document_id = d.id"
                    " WHERE account = %s AND url = %s AND digest = %s GROUP BY d.id",
                    (page.account, page.url, digest),
                )
                found = await known.fetchone()
                assert found is not None
                return SavedDocument(str(found["id"]), found["passages"], new=False)
            async with connection.cursor() as cursor:
                await cursor.executemany(
                    "INSERT INTO knowledge.passage (document_id, position, text, embedding)"
                    " VALUES (%s, %s, %s, %s::vector)",
                    [(row["id"], i, text, str(v)) for i, (text, v) in enumerate(zip(passages, vectors, strict=True))],
                )
            if self._audit is not None:
                await self._audit.append(connection, "knowledge.save", page.account, document=str(row["id"]))
        return SavedDocument(str(row["id"]), len(passages), new=True)

    async def documents(
        self, *, account: str | None = None, limit: int = 50, before: tuple[datetime, str] | None = None
    ) -> list[Document]:
        """The pages that are kept, the newest first.

        Args:
            account: only those of this account.
            limit: at most so many.
            before: `saved_at` and id of the last one that is known.
        """
        at, last = before or (None, None)
        rows = await self._database.all(
            "SELECT d.id, d.account, d.url, d.title, d.taken_at, d.saved_at,"
            " (SELECT count(*) FROM knowledge.passage p WHERE p.document_id = d.id) AS passages"
            " FROM knowledge.document d WHERE (%s::text IS NULL OR d.account = %s)"
            " AND (%s::timestamptz IS NULL OR d.saved_at < %s OR (d.saved_at = %s AND d.id::text < %s))"
            " ORDER BY d.saved_at DESC, d.id DESC LIMIT %s",
            account,
            account,
            at,
            at,
            at,
            last,
            limit,
        )
        names = ("account", "url", "title", "passages", "taken_at", "saved_at")
        return [Document(id=str(row["id"]), **{name: row[name] for name in names}) for row in rows]

    async def remove(self, document_id: str) -> None:
        """Forget a kept page: its passages are deleted with it, and found no more.

        Raises:
            DocumentUnknown: there is none of this id.
        """
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                "DELETE FROM knowledge.document WHERE id::text = %s RETURNING account", (document_id,)
            )
            row = await cursor.fetchone()
            if row is None:
                raise DocumentUnknown(
                    f"There is no kept page {document_id!r}.", next_step="See: GET /v1/knowledge/documents."
                )
            if self._audit is not None:
                await self._audit.append(connection, "knowledge.remove", row["account"], document=document_id)

    async def search(self, query: str, *, account: str | None = None, limit: int = 5) -> list[Passage]:
        """The passages that fit `query` best; none when nothing fits.

        Args:
            query: a question or some words.
            account: only pages of this account.
            limit: most passages.

        Raises:
            InvalidInput: the query is empty.
        """
        if not query.strip():
            raise InvalidInput("The search has no words.", next_step="Say what to look for.")
        [vector] = await self._embedder.embed([_meaning(query)])
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                _SEARCH,
                {
                    "vector": str(vector),
                    "text": query,
                    "account": account,
                    "candidates": _CANDIDATES,
                    "near_enough": _NEAR_ENOUGH,
                    "k": _FUSION_K,
                    "limit": limit,
                },
            )
            return [_passage(row) for row in await cursor.fetchall()]


def _meaning(text: str) -> str:
    words = _NOT_WORDS.sub(" ", text)
    return words if words.strip() else text


def _passage(row: Row) -> Passage:
    return Passage(
        text=row["text"],
        document_id=str(row["document_id"]),
        account=row["account"],
        url=row["url"],
        title=row["title"],
        taken_at=row["taken_at"],
        score=float(row["score"]),
    )
