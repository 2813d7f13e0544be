"""Runs the playground inside the current event loop, on loopback only."""

import asyncio
import socket
from collections.abc import Callable, Iterable
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
from service.serving import HOST, Server, listening_socket


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
        return f"http://{HOST}:{self.port}"

    @property
    def _run(self) -> "_Running":
        if self._running is None:
            raise RuntimeError("the playground is not running")
        return self._running

    async def __aenter__(self) -> Self:
        """Bind, serve, and return once connections are accepted."""
        listener = listening_socket(self._asked_port, what="The playground", variable="SEEZAR_PLAYGROUND_PORT")
        application = create_app(self.state)
        config = uvicorn.Config(
            self._around(application) if self._around else application,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        server = Server(config)
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
    server: Server
    serving: asyncio.Task[None]
