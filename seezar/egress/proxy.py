"""The allow-list proxy of a worker: the only way out of its browsers."""

import asyncio
from contextlib import suppress

from seezar.egress.connection import ClientConnection
from seezar.egress.identities import Identities, Identity
from seezar.egress.limits import CHUNK, Limits
from seezar.egress.policy import EgressPolicy
from seezar.egress.resolving import Resolve, SystemResolver


class EgressProxy:
    """An HTTP proxy on loopback. Every connection shows the credentials of an identity, and reaches what the policy
    that is bound to it allows.

    Args:
        resolve: asks for the addresses of a name; the system's by default.
        limits: how much and how long it bears.
    """

    def __init__(self, *, resolve: Resolve | None = None, limits: Limits | None = None) -> None:
        self._resolve = resolve or SystemResolver()
        self._limits = limits or Limits()
        self._identities = Identities()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    @property
    def server(self) -> str | None:
        """Its address for a browser; None while it does not listen."""
        if self._server is None or not self._server.is_serving():
            return None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> str:
        """Listen, if it does not yet; returns the address."""
        if self.server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=CHUNK)
        assert self.server is not None
        return self.server

    async def close(self) -> None:
        """Stop listening and cut all connections. Whoever still has the address reaches nothing."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        await _cut(self._open)

    def new_identity(self) -> Identity:
        """Credentials for one browser context. Until a policy is bound it reaches nothing.

        Raises:
            RuntimeError: the proxy does not listen.
        """
        if self.server is None:
            raise RuntimeError("the proxy does not listen")
        return self._identities.new(self.server)

    def bind(self, identity: Identity, policy: EgressPolicy | None) -> None:
        """Let an identity reach what `policy` allows, from now on."""
        identity.policy = policy

    async def release(self, identity: Identity) -> None:
        """Forget an identity and cut its connections."""
        self._identities.remove(identity)
        identity.policy = None
        await _cut(identity.connections)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        connection = ClientConnection(reader, writer, self._identities, self._resolve, self._limits)
        try:
            await connection.run(task)
        except asyncio.CancelledError:
            # Cut on purpose; streams would log it.
            pass
        finally:
            self._open.discard(task)


async def _cut(tasks: "set[asyncio.Task[None]]") -> None:
    for task in list(tasks):
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, return_exceptions=True)
