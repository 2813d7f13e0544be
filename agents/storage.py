"""Where ADK keeps sessions, artifacts and memories: sessions and memories in our PostgreSQL, artifacts in the home."""

import sys
from pathlib import Path
from typing import Any

from google.adk.artifacts import FileArtifactService
from google.adk.artifacts.base_artifact_service import BaseArtifactService
from google.adk.cli.service_registry import get_service_registry
from google.adk.cli.utils import service_factory
from google.adk.memory.base_memory_service import BaseMemoryService
from google.adk.sessions.base_session_service import BaseSessionService

from agents.memory import StoredMemory
from agents.sessions import StoredSessions
from seezar.files import private_folder
from seezar.settings import Settings

SCHEME = "seezar"
MEMORY_SCHEME = "pgvector"
# Who asks for the memory service.
_CALLERS = ("google.adk.cli.cli", "google.adk.cli.fast_api")
# The worker stops when it has had no client for a while; this prefix says that we are one.
APPLICATION_NAME = "seezar-client-adk"


def session_service(url: str) -> BaseSessionService:
    """Sessions in the `adk` schema of the `seezar` database at `url`."""
    return StoredSessions(url, application_name=APPLICATION_NAME, memory=memory_service(url))


def memory_service(url: str) -> StoredMemory:
    """What was said in earlier conversations, in the `seezar` database at `url`."""
    return StoredMemory(url, application_name=APPLICATION_NAME)


def artifact_service(settings: Settings) -> BaseArtifactService:
    """Screenshots and the like, as files in the home, readable by its owner only."""
    return FileArtifactService(root_dir=private_folder(Path(settings.home) / "artifacts"))


def register(settings: Settings, url: str) -> None:
    """Make `seezar://` and, for memories, `pgvector://` service URIs of ADK's command line, and what they mean the
    default.

    ADK has options for the services but neither a setting nor a hook for their default, which is a SQLite file, a
    folder inside each agent's folder, and memories that end with the process. So the functions that make that default
    are replaced, by name; a service that is named on the command line is still used.
    """

    def sessions(*_: Any, **__: Any) -> BaseSessionService:
        return session_service(url)

    def artifacts(*_: Any, **__: Any) -> BaseArtifactService:
        return artifact_service(settings)

    def memories(*_: Any, **__: Any) -> BaseMemoryService:
        return memory_service(url)

    registry = get_service_registry()
    registry.register_memory_service(MEMORY_SCHEME, memories)
    registry.register_session_service(SCHEME, sessions)
    registry.register_artifact_service(SCHEME, artifacts)
    for name, default in (("create_local_session_service", sessions), ("create_local_artifact_service", artifacts)):
        if not hasattr(service_factory, name):
            raise RuntimeError(f"this version of ADK has no {name}: the default services cannot be set")
        setattr(service_factory, name, default)
    _default_memory(f"{MEMORY_SCHEME}://")


def _default_memory(uri: str) -> None:
    """Where no memory service is named, take that of `uri`. The one function that chooses it is imported by name."""
    choose = service_factory.create_memory_service_from_options

    def chosen(*, memory_service_uri: str | None = None, **options: Any) -> BaseMemoryService:
        return choose(memory_service_uri=memory_service_uri or uri, **options)

    for name in (service_factory.__name__, *_CALLERS):
        module = sys.modules.get(name)
        if module is not None:
            module.create_memory_service_from_options = chosen  # pyright: ignore[reportAttributeAccessIssue] - of ADK
