"""Where ADK keeps sessions and artifacts: sessions in schema `adk` of our PostgreSQL, artifacts in the home."""

from pathlib import Path
from typing import Any

from google.adk.artifacts import FileArtifactService
from google.adk.artifacts.base_artifact_service import BaseArtifactService
from google.adk.cli.service_registry import get_service_registry
from google.adk.cli.utils import service_factory
from google.adk.sessions.base_session_service import BaseSessionService

from agents.sessions import StoredSessions
from seezar.files import private_folder
from seezar.settings import Settings

SCHEME = "seezar"
# The worker stops when it has had no client for a while; this prefix says that we are one.
APPLICATION_NAME = "seezar-client-adk"


def session_service(url: str) -> BaseSessionService:
    """Sessions in the `adk` schema of the `seezar` database at `url`."""
    return StoredSessions(url, application_name=APPLICATION_NAME)


def artifact_service(settings: Settings) -> BaseArtifactService:
    """Screenshots and the like, as files in the home, readable by its owner only."""
    return FileArtifactService(root_dir=private_folder(Path(settings.home) / "artifacts"))


def register(settings: Settings, url: str) -> None:
    """Make `seezar://` a service URI of ADK's command line, and what it means the default.

    ADK has options for the services but neither a setting nor a hook for their default, which is a SQLite file and a
    folder inside each agent's folder. So the two functions that make that default are replaced, by name; a service that
    is named on the command line is still used.
    """

    def sessions(*_: Any, **__: Any) -> BaseSessionService:
        return session_service(url)

    def artifacts(*_: Any, **__: Any) -> BaseArtifactService:
        return artifact_service(settings)

    registry = get_service_registry()
    registry.register_session_service(SCHEME, sessions)
    registry.register_artifact_service(SCHEME, artifacts)
    for name, default in (("create_local_session_service", sessions), ("create_local_artifact_service", artifacts)):
        if not hasattr(service_factory, name):
            raise RuntimeError(f"this version of ADK has no {name}: the default services cannot be set")
        setattr(service_factory, name, default)
