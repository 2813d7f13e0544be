"""What was said in conversations, found again by meaning and by words, each user's own.

Every statement is made as the role `seezar_memory`, which the server shows the rows of one user of one app alone: a
condition that is forgotten here finds nothing, and not what others have said.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg

from seezar.database import Connection, Database, Row
from seezar.errors import SeezarError
from seezar.knowledge.embedding import Embedder, WordLlamaEmbedder
from seezar.knowledge.searching import FUSION_K, NEAR_ENOUGH, meaning_of

_MOST_CHARACTERS = 8_000
_CANDIDATES = 30
_MODEL = "wordllama"

_NEWEST = """
SELECT m.id, m.session_id, m.author, m.text, m.said_at, 0.0::float8 AS score FROM knowledge.memory m
ORDER BY m.said_at DESC, m.id DESC LIMIT %s
"""
_FOUND = """
WITH asked AS MATERIALIZED (
    -- Any of the words, where PostgreSQL would ask for all of them.
    SELECT replace(plainto_tsquery('english', %(text)s)::text, '&', '|')::tsquery AS words),
near AS (
    SELECT id, row_number() OVER (ORDER BY embedding <=> %(vector)s::vector) AS rank FROM knowledge.memory
    WHERE embedding <=> %(vector)s::vector <= %(farthest)s ORDER BY rank LIMIT %(candidates)s),
said AS (
    SELECT id, row_number() OVER (ORDER BY ts_rank_cd(m.words, asked.words, 1) DESC, m.id DESC) AS rank
    FROM knowledge.memory m, asked WHERE m.words @@ asked.words ORDER BY rank LIMIT %(candidates)s),
scored AS (
    SELECT id, sum(1.0 / (%(k)s + rank))::float8 AS score
    FROM (SELECT * FROM near UNION ALL SELECT * FROM said) r GROUP BY id)
SELECT m.id, m.session_id, m.author, m.text, m.said_at, s.score FROM scored s JOIN knowledge.memory m ON m.id = s.id
ORDER BY s.score DESC, m.said_at DESC LIMIT %(limit)s
"""


class MemoryUnavailable(SeezarError):
    """The role that keeps the users apart is missing in this server."""

    status = "memory_unavailable"


@dataclass(frozen=True)
class Whose:
    """Whose memories: of a user of an app."""

    app: str
    user: str


@dataclass(frozen=True)
class Said:
    """Something that was said.

    Attributes:
        event_id: of it within its conversation.
        author: `user`, or the name of an agent.
        text: without secrets.
    """

    event_id: str
    author: str
    text: str
    said_at: datetime


@dataclass(frozen=True)
class Memory:
    """Something that was said before.

    Attributes:
        session_id: of the conversation.
        score: comparable within one search only; 0 of the newest ones.
    """

    id: int
    session_id: str
    author: str
    text: str
    said_at: datetime
    score: float


class Memories:
    """The rows of `knowledge.memory`.

    Args:
        database: pool to the migrated `seezar` database.
        embedder: gives vectors of 256 dimensions.
    """

    def __init__(self, database: Database, embedder: Embedder | None = None) -> None:
        self._database = database
        self._embedder = embedder or WordLlamaEmbedder()

    async def keep(self, whose: Whose, session_id: str, said: Sequence[Said]) -> int:
        """Keep what was said in a conversation; the same is kept once. Returns how much was new.

        Raises:
            MemoryUnavailable: see there.
        """
        new = [each for each in said if each.text.strip()]
        if not new:
            return 0
        texts = [each.text[:_MOST_CHARACTERS].replace("\0", "") for each in new]
        vectors = await self._embedder.embed([meaning_of(text, _MODEL) for text in texts])
        kept = 0
        async with self._of(whose) as connection:
            for each, text, vector in zip(new, texts, vectors, strict=True):
                cursor = await connection.execute(
                    "INSERT INTO knowledge.memory"
                    " (app, user_id, session_id, event_id, author, text, embedding, said_at)"
                    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                    (
                        whose.app,
                        whose.user,
                        session_id,
                        each.event_id,
                        each.author,
                        text,
                        str([*vector]),
                        each.said_at,
                    ),
                )
                kept += cursor.rowcount
        return kept

    async def find(self, whose: Whose, query: str, *, limit: int = 10) -> list[Memory]:
        """What was said before and fits best, best first; without words in `query` what was said last.

        Raises:
            MemoryUnavailable: see there.
        """
        if not query.strip():
            async with self._of(whose) as connection:
                return _memories(await (await connection.execute(_NEWEST, (limit,))).fetchall())
        async with self._of(whose) as connection:
            # Most have nothing to remember yet, and the embedder takes two seconds to load.
            if await (await connection.execute("SELECT 1 FROM knowledge.memory LIMIT 1")).fetchone() is None:
                return []
        [vector] = await self._embedder.embed([meaning_of(query, _MODEL)])
        values = {"text": query, "vector": str([*vector]), "farthest": 1 - NEAR_ENOUGH[_MODEL], "k": FUSION_K}
        async with self._of(whose) as connection:
            cursor = await connection.execute(_FOUND, {**values, "candidates": _CANDIDATES, "limit": limit})
            return _memories(await cursor.fetchall())

    async def forget(self, whose: Whose, *, memory_id: int | None = None, session_id: str | None = None) -> int:
        """Forget one memory, those of a conversation, or all of them; returns how many there were.

        Raises:
            MemoryUnavailable: see there.
        """
        async with self._of(whose) as connection:
            cursor = await connection.execute(
                "DELETE FROM knowledge.memory WHERE (%s::bigint IS NULL OR id = %s)"
                " AND (%s::text IS NULL OR session_id = %s)",
                (memory_id, memory_id, session_id, session_id),
            )
            return cursor.rowcount

    @asynccontextmanager
    async def _of(self, whose: Whose) -> AsyncGenerator[Connection]:
        """A transaction in which nothing of anybody else can be seen or written."""
        async with self._database.connection() as connection:
            await connection.execute(
                "SELECT set_config('seezar.memory_app', %s, true), set_config('seezar.memory_user', %s, true)",
                (whose.app, whose.user),
            )
            try:
                await connection.execute("SET LOCAL ROLE seezar_memory")
            except (psycopg.errors.InvalidParameterValue, psycopg.errors.InsufficientPrivilege) as error:
                raise MemoryUnavailable(
                    f"Conversations cannot be remembered: {error.diag.message_primary}.",
                    kept="Nothing was read or written.",
                    next_step="Have an administrator of the server run the statements of docs/knowledge.md.",
                ) from None
            yield connection


def _memories(rows: Sequence[Row]) -> list[Memory]:
    return [Memory(**row) for row in rows]
