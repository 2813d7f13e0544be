"""How a command serves HTTP on loopback: the port is taken first, signals end it, and its note says where it is."""

import asyncio
import errno
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager

import uvicorn

from seezar.errors import PortTaken
from seezar.settings import Settings
from service.notes import ProcessNote, left

HOST = "127.0.0.1"


class Server(uvicorn.Server):
    """A guest in somebody else's loop: it leaves signals to others, and tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.listening.set()


def bound_for_web(port: int, *, host: str = HOST) -> AbstractContextManager[socket.socket]:
    """The listening socket of ADK Web; see `bound`."""
    return bound(port, what="ADK Web", variable="SEEZAR_WEB_PORT", host=host)


def bound_for_api(port: int) -> AbstractContextManager[socket.socket]:
    """The listening socket of the HTTP API; see `bound`."""
    return bound(port, what="The HTTP API", variable="SEEZAR_API_PORT")


@contextmanager
def bound(port: int, *, what: str, variable: str, host: str = HOST) -> Generator[socket.socket, None, None]:
    """`listening_socket`, closed at the end of the block."""
    with listening_socket(port, what=what, variable=variable, host=host) as listener:
        yield listener


def listening_socket(port: int, *, what: str, variable: str, host: str = HOST) -> socket.socket:
    """A listening socket.

    Args:
        port: 0 takes a free one.
        what: wants to listen, for the error.
        variable: holds the port, for the error.
        host: IP address of this machine.

    Raises:
        PortTaken: another program listens on `port`.
    """
    # With the protocol left out asyncio does not see that it is TCP and leaves Nagle's algorithm on: 40 ms a request.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        # Only listening makes sure of the port: two sockets may be bound to it, one can listen.
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise PortTaken(
            f"{what} cannot listen on {host}:{port}: {error.strerror or 'the port is taken'}.",
            kept="Nothing was started.",
            next_step=f"Choose another port (--port or {variable}), or stop the program that uses this one.",
        ) from error
    return listener


async def run(
    settings: Settings,
    config: uvicorn.Config,
    listener: socket.socket,
    *,
    kind: str,
    on_listening: Callable[[str], None],
    on_stop: Callable[[], None] = lambda: None,
    scheme: str = "http",
) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        kind: of the note that is left while it listens.
        on_listening: told the address once it listens.
        on_stop: called when it is asked to stop, before it waits for the answers under way.
        scheme: http, or https where the configuration has a certificate.
    """
    server = Server(config)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        # A second signal does not wait for the answers under way.
        server.force_exit = server.should_exit
        server.should_exit = True
        on_stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    host, number = listener.getsockname()[:2]
    shown = HOST if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host  # noqa: S104 - not listened on
    url = f"{scheme}://{shown}:{number}"
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    listening = asyncio.create_task(server.listening.wait())
    await asyncio.wait({serving, listening}, return_when=asyncio.FIRST_COMPLETED)
    listening.cancel()
    if server.listening.is_set():
        with left(settings, ProcessNote.of_this_process(kind, url=url)):
            on_listening(url)
            await serving
    else:
        await serving
