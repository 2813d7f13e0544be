"""What plain `adk web`, `adk run` and `adk api_server` need before the first request.

ADK imports `services.py` of the folder it is given: `agents/services.py` for the servers, `agents/<name>/services.py`
for `adk run agents/<name>`. Each of them calls `start`. (`adk eval` imports no services: there the first tool call
brings up database and worker.)
"""

import logging
import sys
import threading
import time
from collections.abc import Callable
from functools import lru_cache

import psycopg

from agents import storage, tracing
from seezar.database.urls import with_options
from seezar.environment import load_environment
from seezar.errors import SeezarError
from seezar.models.router import ModelRouter, get_router
from seezar.settings import Settings, get_settings
from seezar.telemetry.logs import mask_logs
from workflows.ground import database_address, ensure_running, prepare_database

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 30.0
_SERVER = "google.adk.cli.api_server"


def start() -> None:
    """Bring up the database, register our services, load the agents, and warm up the rest in the background. Does
    nothing where `loading` was called before.

    Raises:
        SystemExit: with one sentence, when the settings, the model pool or the database cannot be used. ADK turns any
            other exception of a services module into a warning and goes on without it.
    """
    if loading.cache_info().currsize:
        return
    router = _begin()
    # Imported here and not by the first request, which would hold up the event loop for seconds.
    _load_agents()
    _background("seezar-warm-up", router.warm_up)


@lru_cache(maxsize=1)
def loading() -> threading.Event:
    """As `start`, but the agents are loaded in the background too: a page can be served meanwhile.

    Returns:
        is set once they are loaded, or cannot be. Until then no app may be asked for: of two threads that import the
        same modules, one may see them half made.

    Raises:
        SystemExit: as `start`.
    """
    router, loaded = _begin(), threading.Event()

    def load() -> None:
        try:
            _load_agents()
        finally:
            loaded.set()
        router.warm_up()

    _background("seezar-warm-up", load)
    return loaded


@lru_cache(maxsize=1)
def _begin() -> ModelRouter:
    load_environment()
    mask_logs()
    if _SERVER in sys.modules:
        # Only a server has a tab of traces; loading ADK's for `adk run` would cost it a second.
        from agents.trace_tab import mask_trace_tab

        mask_trace_tab()
    try:
        tracing.start()
        settings = get_settings()
        router = get_router()
        # Whoever starts the database starts a worker too: it is the worker that stops both when nobody needs them.
        url = ensure_running(settings) if database_address(settings) is None else prepare_database(settings)
        storage.register(settings, url)
    except SeezarError as error:
        raise SystemExit(f"seezar: {error}") from None
    _background("seezar-keep", lambda: _keep(settings))
    return router


def _load_agents() -> None:
    import agents.coordinator  # noqa: F401


def _background(name: str, work: Callable[[], None]) -> None:
    threading.Thread(target=work, name=name, daemon=True).start()


def _keep(settings: Settings) -> None:
    """As long as this process lives, see that database and worker are there and know of us as a client."""
    while True:
        try:
            url = ensure_running(settings)
            with psycopg.connect(
                with_options(url, application_name=storage.APPLICATION_NAME), autocommit=True
            ) as connection:
                while True:
                    time.sleep(_LOOK_EVERY_S)
                    connection.execute("SELECT 1")
                    ensure_running(settings)
        except (SeezarError, psycopg.Error) as error:
            # Told by the tool that needs it; here it is only tried again.
            _log.warning("%s", error)
            time.sleep(_LOOK_EVERY_S)
