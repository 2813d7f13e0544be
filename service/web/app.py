"""ADK Web on our agents: its own FastAPI application, with sessions in our PostgreSQL and artifacts in the home.

`agents/services.py`, which ADK imports from the folder of the agents, brings up database and worker and registers the
services behind `seezar://`.
"""

import asyncio
import gc
import logging
import os
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from seezar.settings import Settings
from service.ground import lay_ground
from service.serving import HOST, bound_for_web, run
from service.terminal import note, say, working
from service.web.headers import SafeHeaders
from service.web.loading import WhenLoaded
from service.web.page import serve_page
from service.web.routes import NAME, serve_routes

if TYPE_CHECKING:
    from fastapi import FastAPI

_SERVICES = "seezar://"


def serve(settings: Settings, *, port: int, builder: bool = False) -> None:
    """Serve on 127.0.0.1 until SIGINT or SIGTERM.

    Args:
        port: 0 takes a free one.
        builder: serve ADK's agent builder as well.

    Raises:
        PortTaken: another program listens on `port`.
        SeezarError: database or worker cannot be had.
        SystemExit: the model pool cannot be used; with one sentence.
    """
    with bound_for_web(port) as listener:
        url = lay_ground(settings, worker=True)
        with working("Loading the agents"):
            config = uvicorn.Config(
                _application(url, builder=builder),
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=3,
            )
        asyncio.run(run(settings, config, listener, kind="web", on_listening=_told))
    # The last garbage collection of ADK's and LiteLLM's objects takes seconds; the process ends anyway.
    gc.freeze()


def agents_folder() -> Path:
    """The folder that ADK is given: each folder in it is an app.

    Raises:
        RuntimeError: the package is not installed beside this one.
    """
    spec = find_spec("agents")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package `agents` is not installed")
    return Path(spec.origin).parent


def _application(url: str, *, builder: bool) -> "FastAPI":
    # That of the current folder is read already; ADK would take the first one above the agents' folder.
    os.environ.setdefault("ADK_DISABLE_LOAD_DOTENV", "1")
    from google.adk.cli.fast_api import get_fast_api_app
    from google.adk.cli.utils.agent_loader import AgentLoader

    from agents.bootstrap import loading

    # ADK and LiteLLM tell their progress at INFO, and ADK warns of each part that its authors may still change.
    warnings.filterwarnings("ignore", message=r"\[EXPERIMENTAL\]")
    for name in ("google_adk", "LiteLLM", "httpx"):
        logging.getLogger(name).setLevel(logging.WARNING)

    class Loader(AgentLoader):
        """Ours alone: the agents that ADK brings along write files for its agent builder."""

        def load_agent(self, agent_name: str) -> Any:
            if agent_name.startswith("__") and not builder:
                raise ValueError(f"there is no agent {agent_name!r}")
            return super().load_agent(agent_name)

    loaded = loading()
    application = get_fast_api_app(
        agents_dir=str(agents_folder()),
        agent_loader=Loader(str(agents_folder())),
        session_service_uri=_SERVICES,
        artifact_service_uri=_SERVICES,
        web=True,
        host=HOST,
        bind_host=HOST,
        use_local_storage=False,
    )
    serve_routes(application, url=url, loaded=loaded, builder=builder)
    serve_page(application)
    application.title = NAME
    application.add_middleware(WhenLoaded, loaded=loaded)
    application.add_middleware(SafeHeaders)
    return application


def _told(url: str) -> None:
    say(f"ADK Web is at {url} (choose the agent `coordinator`).", style="green")
    note("Ctrl-C stops it.")
