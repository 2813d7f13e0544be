"""ADK Web on our agents: its own FastAPI application, with sessions in our PostgreSQL and artifacts in the home.

`agents/services.py`, which ADK imports from the folder of the agents, brings up database and worker and registers the
services behind `seezar://`.
"""

import asyncio
import errno
import gc
import logging
import os
import signal
import socket
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from dotenv import load_dotenv

from seezar.errors import PortTaken
from seezar.settings import Settings
from service.ground import lay_ground
from service.notes import ProcessNote, left
from service.terminal import note, say, working
from service.web_page import serve_page

if TYPE_CHECKING:
    from fastapi import FastAPI

_HOST = "127.0.0.1"
_SERVICES = "seezar://"


class _Server(uvicorn.Server):
    """Ends with an exit code of ours instead of by the signal again, and tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.listening.set()


def serve(settings: Settings, *, port: int) -> None:
    """Serve on 127.0.0.1 until SIGINT or SIGTERM.

    Args:
        port: 0 takes a free one.

    Raises:
        PortTaken: another program listens on `port`.
        SeezarError: database or worker cannot be had.
        SystemExit: the model pool cannot be used; with one sentence.
    """
    with bound(port) as listener:
        lay_ground(settings, worker=True)
        with working("Loading the agents"):
            config = uvicorn.Config(
                _application(),
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=3,
            )
        asyncio.run(_run(settings, config, listener))
    # The last garbage collection of ADK's and LiteLLM's objects takes seconds; the process ends anyway.
    gc.freeze()


@contextmanager
def bound(port: int) -> Generator[socket.socket, None, None]:
    """A listening socket at 127.0.0.1, closed at the end of the block.

    Raises:
        PortTaken: another program listens on `port`.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    with listener:
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((_HOST, port))
            # Only listening makes sure of the port: two sockets may be bound to it, one can listen.
            listener.listen(128)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            raise PortTaken(
                f"ADK Web cannot listen on {_HOST}:{port}: {error.strerror or 'the port is taken'}.",
                kept="Nothing was started.",
                next_step="Choose another port (--port or SEEZAR_WEB_PORT), or stop the program that uses this one.",
            ) from error
        yield listener


def agents_folder() -> Path:
    """The folder that ADK is given: each folder in it is an app.

    Raises:
        RuntimeError: the package is not installed beside this one.
    """
    spec = find_spec("agents")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package `agents` is not installed")
    return Path(spec.origin).parent


def _application() -> "FastAPI":
    # Keys of model providers may stand in .env. It is that of the current folder, as everywhere in seezar; ADK would
    # take the first one above the agents' folder, and only after our pool of models was made.
    load_dotenv(Path.cwd() / ".env")
    os.environ.setdefault("ADK_DISABLE_LOAD_DOTENV", "1")
    from google.adk.cli.fast_api import get_fast_api_app

    # ADK and LiteLLM tell their progress at INFO, and ADK warns of each part that its authors may still change.
    warnings.filterwarnings("ignore", message=r"\[EXPERIMENTAL\]")
    for name in ("google_adk", "LiteLLM", "httpx"):
        logging.getLogger(name).setLevel(logging.WARNING)
    application = get_fast_api_app(
        agents_dir=str(agents_folder()),
        session_service_uri=_SERVICES,
        artifact_service_uri=_SERVICES,
        web=True,
        host=_HOST,
        bind_host=_HOST,
        use_local_storage=False,
    )
    serve_page(application)
    return application


async def _run(settings: Settings, config: uvicorn.Config, listener: socket.socket) -> None:
    server = _Server(config)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        # A second signal does not wait for the answers under way.
        server.force_exit = server.should_exit
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    url = f"http://{_HOST}:{listener.getsockname()[1]}"
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    listening = asyncio.create_task(server.listening.wait())
    await asyncio.wait({serving, listening}, return_when=asyncio.FIRST_COMPLETED)
    listening.cancel()
    if server.listening.is_set():
        with left(settings, ProcessNote.of_this_process("web", url=url)):
            say(f"ADK Web is at {url} (choose the agent `coordinator`).", style="green")
            note("Ctrl-C stops it.")
            await serving
    else:
        await serving
