"""ADK Web on our agents: its own FastAPI application, with sessions in our PostgreSQL and artifacts in the home.

`agents/services.py`, which ADK imports from the folder of the agents, brings up database and worker and registers the
services behind `seezar://`.
"""

import asyncio
import gc
import logging
import os
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from seezar.errors import InvalidInput
from seezar.settings import Settings
from service.ground import lay_ground
from service.serving import HOST, bound_for_web, run
from service.slow_clients import ImpatientProtocol
from service.terminal import note, say, working
from service.web.headers import SafeHeaders
from service.web.loading import WhenLoaded
from service.web.page import serve_page
from service.web.routes import NAME, serve_routes

if TYPE_CHECKING:
    from fastapi import FastAPI

_SERVICES = "seezar://"
_MEMORIES = "pgvector://"


@dataclass(frozen=True)
class Exposure:
    """How others reach the page.

    Attributes:
        host: address that it listens on.
        names: host names that it answers to besides `host`.
        token: whether a token is asked for; always, where others can reach it.
        certificate: PEM file with its chain; None = plain HTTP.
        key: PEM file of its private key.
        behind_proxy: something in front of it speaks TLS.
    """

    host: str = HOST
    names: tuple[str, ...] = ()
    token: bool = False
    certificate: Path | None = None
    key: Path | None = None
    behind_proxy: bool = False

    @property
    def is_exposed(self) -> bool:
        """Whether others than this machine can reach it."""
        return self.host != "localhost" and not ip_address(self.host).is_loopback

    @property
    def asks(self) -> bool:
        """Whether it asks for a token."""
        return self.token or self.is_exposed or self.behind_proxy

    @property
    def is_secure(self) -> bool:
        """Whether the browser speaks TLS."""
        return self.certificate is not None or self.behind_proxy

    def check(self) -> None:
        """Make sure that no token travels in clear.

        Raises:
            InvalidInput: it would, or the address is none.
        """
        try:
            exposed = self.is_exposed
        except ValueError:
            raise InvalidInput(
                f"{self.host!r} is not an address of this machine.",
                kept="Nothing was started.",
                next_step="Give an IP address, such as 0.0.0.0; names go into --name.",
            ) from None
        if exposed and not self.is_secure:
            raise InvalidInput(
                "Others could read the tokens on their way: there is no TLS.",
                kept="Nothing was started.",
                next_step="Give --certificate and --key, or --behind-proxy where something in front speaks TLS.",
            )


def serve(settings: Settings, *, port: int, builder: bool = False, exposure: Exposure | None = None) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        port: 0 takes a free one.
        builder: serve ADK's agent builder as well.
        exposure: how it is reached; None = by this machine alone, without a token.

    Raises:
        PortTaken: another program listens on `port`.
        InvalidInput: a token would travel in clear.
        SeezarError: database or worker cannot be had.
        SystemExit: the model pool cannot be used; with one sentence.
    """
    chosen = exposure or Exposure()
    chosen.check()
    with bound_for_web(port, host=chosen.host) as listener:
        url = lay_ground(settings, worker=True)
        with working("Loading the agents"):
            config = uvicorn.Config(
                _application(settings, url, builder=builder, exposure=chosen),
                http=ImpatientProtocol,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=3,
                ssl_certfile=chosen.certificate,
                ssl_keyfile=chosen.key,
                # No word of a client about its own address counts.
                proxy_headers=False,
            )
        scheme = "https" if chosen.certificate else "http"
        told = partial(_told, asks=chosen.asks)
        asyncio.run(run(settings, config, listener, kind="web", on_listening=told, scheme=scheme))
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


def _application(settings: Settings, url: str, *, builder: bool, exposure: Exposure) -> "FastAPI":
    # That of the current folder is read already; ADK would take the first one above the agents' folder.
    os.environ.setdefault("ADK_DISABLE_LOAD_DOTENV", "1")
    from google.adk.cli.fast_api import get_fast_api_app
    from google.adk.cli.utils.agent_loader import AgentLoader
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from agents.bootstrap import loading
    from seezar.application import Application
    from service.web.gate import Gate

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

    opened: list[Application] = []

    @asynccontextmanager
    async def lifespan(_: "FastAPI") -> AsyncGenerator[None]:
        if not exposure.asks:
            yield
            return
        async with await Application.open(
            settings, url, application_name="seezar-client-web", max_connections=2
        ) as stores:
            opened.append(stores)
            yield

    loaded = loading()
    application = get_fast_api_app(
        agents_dir=str(agents_folder()),
        agent_loader=Loader(str(agents_folder())),
        session_service_uri=_SERVICES,
        artifact_service_uri=_SERVICES,
        memory_service_uri=_MEMORIES,
        web=True,
        host=HOST,
        # Where others reach it, the names that it answers to are checked below.
        bind_host=None if exposure.asks else HOST,
        use_local_storage=False,
        lifespan=lifespan,
    )
    serve_routes(application, url=url, loaded=loaded, builder=builder)
    serve_page(application)
    application.title = NAME
    application.add_middleware(WhenLoaded, loaded=loaded)
    if exposure.asks:
        application.add_middleware(Gate, access=lambda: opened[0].access, secure=exposure.is_secure)
        hosts = [HOST, "localhost", exposure.host, *exposure.names]
        application.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts)
    application.add_middleware(SafeHeaders)
    return application


def _told(url: str, *, asks: bool) -> None:
    say(f"ADK Web is at {url} (choose the agent `coordinator`).", style="green")
    if asks:
        note("It asks for a client with the scope chat: seezar client add NAME --scope chat")
    note("Ctrl-C stops it.")
