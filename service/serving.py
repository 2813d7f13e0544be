"""How a command serves HTTP on loopback: the port is taken first, signals end it, and its note says where it is."""

import asyncio
import errno
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvicorn

from seezar.errors import PortTaken
from seezar.settings import Settings
from service.notes import ProcessNote, left

HOST = "127.0.0.1"


class Server(uvicorn.Server):
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


@contextmanager
def bound(port: int, *, what: str, variable: str) -> Generator[socket.socket, None, None]:
    """A listening socket at 127.0.0.1, closed at the end of the block.

    Args:
        port: 0 takes a free one.
        what: wants to listen, for the error.
        variable: holds the port, for the error.

    Raises:
        PortTaken: another program listens on `port`.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    with listener:
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, port))
            # Only listening makes sure of the port: two sockets may be bound to it, one can listen.
            listener.listen(128)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            raise PortTaken(
                f"{what} cannot listen on {HOST}:{port}: {error.strerror or 'the port is taken'}.",
                kept="Nothing was started.",
                next_step=f"Choose another port (--port or {variable}), or stop the program that uses this one.",
            ) from error
        yield listener


async def run(
    settings: Settings,
    config: uvicorn.Config,
    listener: socket.socket,
    *,
    kind: str,
    on_listening: Callable[[str], None],
    on_stop: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        kind: of the note that is left while it listens.
        on_listening: told the address once it listens.
        on_stop: called when it is asked to stop, before it waits for the answers under way.
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
    url = f"http://{HOST}:{listener.getsockname()[1]}"
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
