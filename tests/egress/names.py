"""Names of a test's own, and clients that write raw bytes to the proxy."""

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from seezar.egress import EgressPolicy, EgressProxy, HostPattern, Limits, PrivateHosts
from seezar.egress.identities import Identity


@dataclass
class Names:
    """Answers for names as a test says; an entry that is a list of lists is another answer each time."""

    known: dict[str, list[str] | list[list[str]]] = field(default_factory=dict[str, "list[str] | list[list[str]]"])
    asked: list[str] = field(default_factory=list[str])

    async def __call__(self, name: str) -> Sequence[str]:
        """The addresses of `name`."""
        self.asked.append(name)
        answer = self.known.get(name)
        if answer is None:
            raise OSError(f"no such name: {name}")
        if answer and isinstance(answer[0], list):
            times = sum(one == name for one in self.asked)
            return answer[min(times, len(answer)) - 1]
        return [one for one in answer if isinstance(one, str)]


def policy(*origins: str, hosts: Sequence[str] = (), private: Sequence[str] = ()) -> EgressPolicy:
    """What one identity may reach."""
    return EgressPolicy(
        origins=origins, hosts=[HostPattern.parse(host) for host in hosts], private=PrivateHosts.parse(private)
    )


@dataclass
class Way:
    """A proxy and an identity of it."""

    proxy: EgressProxy
    identity: Identity

    @property
    def port(self) -> int:
        """Where the proxy listens."""
        return int(self.identity.server.rpartition(":")[2])

    @property
    def credentials(self) -> str:
        """The header that shows them."""
        pair = f"{self.identity.username}:{self.identity.password}"
        return f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}"

    async def connect(self) -> "Raw":
        """A connection to the proxy."""
        return Raw(*await asyncio.open_connection("127.0.0.1", self.port))

    async def ask(self, *lines: str, body: bytes = b"") -> bytes:
        """What the proxy answers, to the end, to a request with credentials."""
        raw = await self.connect()
        await raw.send(*lines, self.credentials, "", body=body)
        return await raw.rest()

    async def get(self, url: str) -> bytes:
        """What comes back for a GET."""
        return await self.ask(f"GET {url} HTTP/1.1", "Host: x", "Connection: close")


@dataclass
class Raw:
    """A connection, byte by byte."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *lines: str, body: bytes = b"") -> None:
        """Send lines, the last of which is the empty one, and what follows them."""
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode("latin-1") + body)
        await self.writer.drain()

    async def head(self) -> bytes:
        """The head of an answer."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def rest(self) -> bytes:
        """Everything until the end; a reset is an end, too."""
        got = b""
        try:
            while data := await self.reader.read(65536):
                got += data
        except ConnectionError:
            pass
        self.writer.close()
        return got


@asynccontextmanager
async def way_out(
    bound: EgressPolicy | None, names: Names | None = None, limits: Limits | None = None
) -> AsyncIterator[Way]:
    """A proxy with one identity."""
    proxy = EgressProxy(resolve=names or Names(), limits=limits)
    await proxy.start()
    identity = proxy.new_identity()
    proxy.bind(identity, bound)
    try:
        yield Way(proxy, identity)
    finally:
        await proxy.close()


def status(answer: bytes) -> int:
    """Of the first answer in what came; 0 for nothing."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0
