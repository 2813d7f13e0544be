"""ADK's memory service on our PostgreSQL with pgvector: what was said in earlier conversations of a user."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import override

from google.adk.events.event import Event
from google.adk.memory.base_memory_service import BaseMemoryService, SearchMemoryResponse
from google.adk.memory.memory_entry import MemoryEntry
from google.adk.sessions.session import Session
from google.genai import types

from seezar.database import Database
from seezar.knowledge.memories import Memories, Memory, Said, Whose
from seezar.telemetry.logs import without_secrets

USER = "user"


class StoredMemory(BaseMemoryService):
    """`pgvector://`: users are kept apart by the server, with row-level security.

    Args:
        url: of the migrated `seezar` database.
        application_name: shown in `pg_stat_activity`.
        timeout: seconds to wait for the first connection.
    """

    def __init__(self, url: str, *, application_name: str, timeout: float = 10.0) -> None:
        self._timeout = timeout
        self._url = url
        self._application_name = application_name
        self._database: Database | None = None
        self._opening = asyncio.Lock()

    @override
    async def add_session_to_memory(self, session: Session) -> None:
        await self.add_events_to_memory(
            app_name=session.app_name, user_id=session.user_id, events=session.events, session_id=session.id
        )

    @override
    async def add_events_to_memory(
        self,
        *,
        app_name: str,
        user_id: str,
        events: Sequence[Event],
        session_id: str | None = None,
        custom_metadata: Mapping[str, object] | None = None,
    ) -> None:
        said = [_said(event) for event in events if not event.partial and text_of(event)]
        await (await self._memories()).keep(Whose(app_name, user_id), session_id or "", said)

    @override
    async def search_memory(self, *, app_name: str, user_id: str, query: str) -> SearchMemoryResponse:
        found = await (await self._memories()).find(Whose(app_name, user_id), query)
        return SearchMemoryResponse(memories=[_entry(memory) for memory in found])

    @override
    async def delete_memory(self, *, app_name: str, user_id: str, memory_id: str | None = None) -> None:
        if memory_id is not None and memory_id.isdecimal():
            await (await self._memories()).forget(Whose(app_name, user_id), memory_id=int(memory_id))

    async def forget_session(self, *, app_name: str, user_id: str, session_id: str) -> None:
        """Forget what was said in a conversation that is deleted."""
        await (await self._memories()).forget(Whose(app_name, user_id), session_id=session_id)

    async def close(self) -> None:
        """Close the connections, if there are any."""
        if self._database is not None:
            await self._database.close()
            self._database = None

    async def _memories(self) -> Memories:
        async with self._opening:
            if self._database is None:
                self._database = await Database.open(
                    self._url, application_name=self._application_name, max_size=2, timeout=self._timeout
                )
        return Memories(self._database)


def text_of(event: Event) -> str:
    """What an event says: neither thoughts nor calls."""
    parts = event.content.parts if event.content is not None else None
    return "".join(part.text for part in parts or () if part.text and not part.thought).strip()


def _said(event: Event) -> Said:
    at = datetime.fromtimestamp(event.timestamp, UTC)
    # The gate before it knows the secrets of this process; what looks like one is masked here as well.
    return Said(event.id, event.author, without_secrets(text_of(event)), at)


def _entry(memory: Memory) -> MemoryEntry:
    role = "user" if memory.author == USER else "model"
    return MemoryEntry(
        id=str(memory.id),
        content=types.Content(role=role, parts=[types.Part(text=memory.text)]),
        author=memory.author,
        timestamp=memory.said_at.isoformat(timespec="seconds"),
        custom_metadata={"session_id": memory.session_id},
    )
