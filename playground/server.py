"""Runs the playground inside the current event loop, on loopback only."""

import asyncio
import errno
import socket
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from playground.app import create_app
from playground.clock import Clock
from playground.knobs import Knobs
from playground.mailer import SmtpMailer
from playground.state import PlaygroundState
from playground.world import DEMO_ACCOUNTS, DemoAccount
from seezar.errors import PortTaken

_HOST = "127.0.0.1"


class _Server(uvicorn.Server):
    """uvicorn as a guest in somebody else's loop: it leaves signals alone and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.listening.set()


class PlaygroundServer:
    """The playground for the time of an `async with` block.

    Args:
        port: to listen on at 127.0.0.1; 0 takes a free one.
        smtp_port: of the SMTP server at 127.0.0.1 that gets the codes.
        accounts: who may sign in.
        knobs: how the sites behave.
        clock: the time; that of this machine when left out.
        state: all of it made by the caller; then the arguments between `port` and this one are not looked at.
        around: put around the application, for whoever measures what the pages do.

    Raises on entry:
        PortTaken: another program listens on `port`.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        smtp_port: int = 2525,
        accounts: Iterable[DemoAccount] = DEMO_ACCOUNTS,
        knobs: Knobs | None = None,
        clock: Clock | None = None,
        state: PlaygroundState | None = None,
        around: Callable[[ASGIApp], ASGIApp] | None = None,
    ) -> None:
        self.state = state or PlaygroundState(
            accounts=accounts, knobs=knobs, clock=clock, mailer=SmtpMailer(port=smtp_port)
        )
        self._asked_port = port
        self._around = around
        self._running: _Running | None = None

    @property
    def port(self) -> int:
        """The port that it listens on. Only inside the `async with` block."""
        return self._run.listener.getsockname()[1]

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:PORT`, without a slash at the end."""
        return f"http://{_HOST}:{self.port}"

    @property
    def _run(self) -> "_Running":
        if self._running is None:
            raise RuntimeError("the playground is not running")
        return self._running

    async def __aenter__(self) -> Self:
        """Bind, serve, and return once connections are accepted."""
        listener = _bind(self._asked_port)
        application = create_app(self.state)
        config = uvicorn.Config(
            self._around(application) if self._around else application,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="playground")
        listening = asyncio.create_task(server.listening.wait())
        await asyncio.wait({listening, serving}, return_when=asyncio.FIRST_COMPLETED)
        listening.cancel()
        if serving.done():
            listener.close()
            await serving
            raise RuntimeError("the playground stopped while it was starting")
        self._running = _Running(listener, server, serving)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop serving; answers under way get two seconds."""
        run = self._run
        run.server.should_exit = True
        await run.serving
        run.listener.close()
        self._running = None


@dataclass(frozen=True, slots=True)
class _Running:
    listener: socket.socket
    server: _Server
    serving: asyncio.Task[None]


def _bind(port: int) -> socket.socket:
    # With the protocol left out asyncio does not see that it is TCP and leaves Nagle's algorithm on: 40 ms a request.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_HOST, port))
        # Only listening makes sure of the port: two sockets may be bound to it, one can listen.
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise PortTaken(
            f"Port {port} at {_HOST} cannot be used: {error.strerror.lower() if error.strerror else error}.",
            kept="Nothing was started.",
            next_step="Choose another port with --port, or stop the program that uses this one.",
        ) from error
    return listener
