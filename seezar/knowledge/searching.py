"""Finding passages: by meaning (pgvector, cosine) and by words (PostgreSQL full text), the ranks of both fused.

Fusion is reciprocal rank fusion with k = 60 (Cormack, Clarke and Büttcher, SIGIR 2009): it needs no common scale. Words
count by their inverse document frequency (Robertson and Spärck Jones, 1976): the rarer a word is in its collection, the
more it says.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, combinations
from typing import Literal

from psycopg import sql

from seezar.database import Connection, Row

type Kind = Literal["page", "mail", "file"]
type Method = Literal["hybrid", "meaning", "words"]

FUSION_K = 60
_CANDIDATES = 50
# Of the neighbours that the index looks at: so many give more than 98 of 100 that looking at all would
# (benchmarks.knowledge).
EF_SEARCH = 200
# Words that stand in more passages than this together are not looked up: reading all of them takes longer than
# everything else together.
_MOST_PASSAGES = 1_000
_MOST_WORDS = 12
_TOGETHER = 3
# Below this cosine, unrelated passages are as near as related ones to averaged word vectors: on pages like the
# playground's, 16 queries gave related ones 0.19 to 0.36 and unrelated ones 0.16 at most. A passage that shares a word
# with the query counts anyway. What other models give is not known.
NEAR_ENOUGH = {"wordllama": 0.18}
# Numbers and table marks carry no meaning for averaged word vectors, they only pull all tables together.
_NOT_WORDS = re.compile(r"[^\w\s]|\b\w*\d\w*\b")

_FILTER = """
EXISTS (SELECT 1 FROM knowledge.document d WHERE d.id = p.document_id
    AND (%(account)s::text IS NULL OR d.account = %(account)s) AND (%(site)s::text IS NULL OR d.site = %(site)s)
    AND (%(kind)s::text IS NULL OR d.kind = %(kind)s) AND (%(since)s::timestamptz IS NULL OR d.taken_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR d.taken_at <= %(until)s))
"""
# NaN, the distance of a text that the embedder does not know a word of, is greater than every number.
_MEANING = """
SELECT id FROM (
    SELECT p.id, (p.embedding::vector({dimensions})) <=> %(vector)s::vector({dimensions}) AS distance
    FROM knowledge.passage p WHERE p.collection = {collection} AND {filter}
    ORDER BY distance LIMIT %(candidates)s) near
WHERE distance <= %(farthest)s ORDER BY distance
"""
# The index has vectors of half precision: half the memory, and twice as many dimensions may be indexed. What it brings
# is put in order by the whole vectors.
_NEAR = """
WITH near AS MATERIALIZED (
    SELECT p.id, p.embedding FROM knowledge.passage p WHERE p.collection = {collection} AND {filter}
    ORDER BY (p.embedding::halfvec({dimensions})) <=> %(vector)s::halfvec({dimensions}) LIMIT %(candidates)s)
SELECT id FROM (SELECT id, embedding::vector({dimensions}) <=> %(vector)s::vector({dimensions}) AS distance FROM near) d
WHERE distance <= %(farthest)s ORDER BY distance
"""
_LEXEMES = """
SELECT w.lexeme, coalesce(l.passages, 0) AS passages, c.passages AS total
FROM unnest(to_tsvector('english', %(text)s)) w
JOIN knowledge.collection c ON c.name = %(collection)s
LEFT JOIN knowledge.lexeme l ON l.collection = c.name AND l.lexeme = w.lexeme
ORDER BY passages, w.lexeme
"""
# Each word is looked up in the index by itself, and only what may win is looked at closer.
_WORDS = """
WITH hit AS (
    SELECT one.id, w.weight FROM unnest(%(queries)s::text[], %(weights)s::float8[]) AS w(query, weight)
    CROSS JOIN LATERAL (
        SELECT p.id FROM knowledge.passage p
        WHERE p.words @@ w.query::tsquery AND p.collection = {collection} AND {filter} LIMIT %(most)s) one),
best AS (
    SELECT id, {together}(weight) AS score FROM hit GROUP BY id ORDER BY score DESC, id LIMIT %(closer)s)
SELECT best.id FROM best JOIN knowledge.passage p ON p.id = best.id
ORDER BY best.score DESC, ts_rank_cd(p.words, %(any)s::tsquery, 1) DESC, best.id LIMIT %(candidates)s
"""
_FOUND = """
SELECT p.id, p.text, p.document_id, d.collection, d.kind, d.account, d.site, d.url, d.title, d.taken_at
FROM knowledge.passage p JOIN knowledge.document d ON d.id = p.document_id WHERE p.id = ANY(%(ids)s)
"""


@dataclass(frozen=True, slots=True)
class Only:
    """Which passages are looked at; None lets every one through.

    Attributes:
        account: whose page it was.
        site: host of the page.
        kind: of the document.
        since, until: when it was read.
    """

    account: str | None = None
    site: str | None = None
    kind: Kind | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def everything(self) -> bool:
        """Whether every passage passes."""
        return self == Only()


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection.

    Attributes:
        model: `wordllama`, or an embedding model of LiteLLM.
        dimensions: of its vectors.
        passages: in it.
        indexed: whether its vectors have an index.
    """

    name: str
    model: str
    dimensions: int
    passages: int
    indexed: bool
    created_at: datetime


def meaning_of(text: str, model: str) -> str:
    """What of a text is embedded."""
    if model != "wordllama":
        return text
    words = _NOT_WORDS.sub(" ", text)
    return words if words.strip() else text


async def ranked(
    connection: Connection,
    collection: Collection,
    query: str,
    vector: list[float],
    only: Only,
    *,
    method: Method = "hybrid",
    candidates: int = _CANDIDATES,
) -> list[tuple[int, float]]:
    """Ids of passages with their scores, best first.

    Args:
        vector: of the query, by the model of the collection.
        method: `meaning` or `words` alone, for whoever measures them.
    """
    scores: dict[int, float] = {}
    lexemes = await _lexemes(connection, collection, query) if method != "meaning" else []
    if method != "words":
        share = _share_with_meaning(lexemes, collection.model)
        for rank, passage in enumerate(await _by_meaning(connection, collection, vector, only, candidates), 1):
            scores[passage] = scores.get(passage, 0.0) + share / (FUSION_K + rank)
    if method != "meaning":
        for rank, passage in enumerate(await _by_words(connection, collection, lexemes, only, candidates), 1):
            scores[passage] = scores.get(passage, 0.0) + 1 / (FUSION_K + rank)
    return sorted(scores.items(), key=lambda each: (-each[1], each[0]))


async def _by_meaning(
    connection: Connection, collection: Collection, vector: list[float], only: Only, candidates: int
) -> list[int]:
    if collection.indexed:
        # Of this transaction. Where a filter throws neighbours out, more are looked at.
        await connection.execute(f"SET LOCAL hnsw.ef_search = {EF_SEARCH}".encode())
        await connection.execute("SET LOCAL hnsw.iterative_scan = strict_order")
    # The collection and the length stand in the statement itself: they name the index.
    statement = sql.SQL(_NEAR if collection.indexed else _MEANING).format(
        dimensions=sql.Literal(collection.dimensions), collection=sql.Literal(collection.name), filter=_filter(only)
    )
    farthest = 1 - NEAR_ENOUGH.get(collection.model, -1.0)
    values = {**_values(only), "vector": str(vector), "candidates": candidates, "farthest": farthest}
    rows = await (await connection.execute(statement, values, prepare=False)).fetchall()
    return [int(row["id"]) for row in rows]


async def _lexemes(connection: Connection, collection: Collection, query: str) -> list[Row]:
    """The words of a query with the passages that each stands in, the rarest first."""
    return await (await connection.execute(_LEXEMES, {"text": query, "collection": collection.name})).fetchall()


def _share_with_meaning(lexemes: Sequence[Row], model: str) -> float:
    """How much of what a query says its vector knows of, 0 to 1: numbers and identifiers are not embedded by WordLlama,
    and where they are what tells passages apart, those that are near by the other words are no better than any.
    """
    if model != "wordllama":
        return 1.0
    weights = [(_weight(row["passages"], row["total"]), row["lexeme"]) for row in lexemes if row["passages"]]
    whole = sum(weight for weight, _ in weights)
    seen = sum(weight for weight, lexeme in weights if not any(map(str.isdigit, lexeme)))
    return seen / whole if whole else 1.0


async def _by_words(
    connection: Connection, collection: Collection, lexemes: Sequence[Row], only: Only, candidates: int
) -> list[int]:
    # A word that stands nowhere finds nothing.
    known = [row for row in lexemes if row["passages"]][:_MOST_WORDS]
    if not known:
        return []
    quoted = [_quoted(row["lexeme"]) for row in known]
    weights = [_weight(row["passages"], row["total"]) for row in known]
    together, most, closer = "sum", _MOST_PASSAGES, 4 * candidates
    fit = sum(passages <= _MOST_PASSAGES for passages in accumulate(row["passages"] for row in known))
    if fit:
        queries, weights = quoted[:fit], weights[:fit]
    else:
        # Even the rarest stands in more: those that have several of the rarest are looked up before those with one.
        pairs = list(zip(quoted, weights, strict=True))[:_TOGETHER]
        subsets = [subset for count in range(1, len(pairs) + 1) for subset in combinations(pairs, count)]
        queries = [" & ".join(word for word, _ in subset) for subset in subsets]
        weights = [sum(weight for _, weight in subset) for subset in subsets]
        together, most = "max", closer
    values = {
        **_values(only),
        "queries": queries,
        "weights": weights,
        "any": " | ".join(quoted),
        "most": most,
        "closer": closer,
        "candidates": candidates,
    }
    statement = sql.SQL(_WORDS).format(
        collection=sql.Literal(collection.name), filter=_filter(only), together=sql.SQL(together)
    )
    # The planner cannot know how rare a word is, and with a limit it would rather read the whole table.
    await connection.execute(b"SET LOCAL enable_seqscan = off")
    rows = await (await connection.execute(statement, values, prepare=False)).fetchall()
    return [int(row["id"]) for row in rows]


async def found(connection: Connection, ids: list[int]) -> dict[int, Row]:
    """The passages of these ids, with their documents."""
    rows = await (await connection.execute(_FOUND, {"ids": ids})).fetchall()
    return {int(row["id"]): row for row in rows}


def _weight(passages: int, total: int) -> float:
    return math.log(1 + (max(total, passages) - passages + 0.5) / (passages + 0.5))


def _quoted(lexeme: str) -> str:
    """A lexeme as a tsquery writes it."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def _filter(only: Only) -> sql.SQL:
    return sql.SQL("true") if only.everything else sql.SQL(_FILTER)


def _values(only: Only) -> dict[str, object]:
    names = ("account", "site", "kind", "since", "until")
    return {} if only.everything else {name: getattr(only, name) for name in names}
