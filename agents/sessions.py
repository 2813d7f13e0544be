"""Sessions of ADK in our PostgreSQL, whose driver is loaded with the first of them: a server is there sooner."""

import asyncio
import threading
from typing import TYPE_CHECKING, Any, override

from google.adk.events.event import Event
from google.adk.sessions.base_session_service import BaseSessionService, GetSessionConfig, ListSessionsResponse
from google.adk.sessions.session import Session

from seezar.database.urls import for_sqlalchemy

if TYPE_CHECKING:
    from google.adk.sessions.database_session_service import DatabaseSessionService

    from agents.memory import StoredMemory


class StoredSessions(BaseSessionService):
    """ADK's `DatabaseSessionService` in the schema `adk`, made on first use.

    Args:
        url: of the `seezar` database.
        application_name: shown in `pg_stat_activity`.
        memory: is told of conversations that are deleted, which are then forgotten as well.
    """

    def __init__(self, url: str, *, application_name: str, memory: "StoredMemory | None" = None) -> None:
        self._memory = memory
        self._url = for_sqlalchemy(url, schema="adk", application_name=application_name)
        self._service: DatabaseSessionService | None = None
        self._making = threading.Lock()

    def load(self) -> "DatabaseSessionService":
        """The service itself, made now if it is not there yet. From any thread."""
        with self._making:
            if self._service is None:
                from google.adk.sessions.database_session_service import DatabaseSessionService

                self._service = DatabaseSessionService(db_url=self._url)
            return self._service

    async def _ready(self) -> "DatabaseSessionService":
        # SQLAlchemy's import takes a third of a second, which the event loop has better use for.
        return self._service or await asyncio.to_thread(self.load)

    @override
    async def create_session(
        self,
        *,
        app_name: str,
        user_id: str,
        state: dict[str, Any] | None = None,
        session_id: str | None = None,
    ) -> Session:
        service = await self._ready()
        return await service.create_session(app_name=app_name, user_id=user_id, state=state, session_id=session_id)

    @override
    async def get_session(
        self, *, app_name: str, user_id: str, session_id: str, config: GetSessionConfig | None = None
    ) -> Session | None:
        service = await self._ready()
        return await service.get_session(app_name=app_name, user_id=user_id, session_id=session_id, config=config)

    @override
    async def list_sessions(self, *, app_name: str, user_id: str | None = None) -> ListSessionsResponse:
        return await (await self._ready()).list_sessions(app_name=app_name, user_id=user_id)

    @override
    async def delete_session(self, *, app_name: str, user_id: str, session_id: str) -> None:
        # First, so that it can be asked for again when it fails.
        if self._memory is not None:
            await self._memory.forget_session(app_name=app_name, user_id=user_id, session_id=session_id)
        await (await self._ready()).delete_session(app_name=app_name, user_id=user_id, session_id=session_id)

    @override
    async def get_user_state(self, *, app_name: str, user_id: str) -> dict[str, Any]:
        return await (await self._ready()).get_user_state(app_name=app_name, user_id=user_id)

    @override
    async def append_event(self, session: Session, event: Event) -> Event:
        return await (await self._ready()).append_event(session, event)

    @override
    async def flush(self) -> None:
        await (await self._ready()).flush()

    async def close(self) -> None:
        """Close the connections, if there are any."""
        if self._memory is not None:
            await self._memory.close()
        if self._service is not None:
            await self._service.close()
