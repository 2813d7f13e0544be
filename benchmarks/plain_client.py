"""A client that costs next to nothing."""

import asyncio
from urllib.parse import urlsplit


class PlainClient:
    """The least that speaks HTTP/1.1 to one server over kept connections: it must not be what is slow.

    httpx looks at each of its connections for every request, and takes ten times as long as the server.
    """

    def __init__(self, root: str, token: str | None = None) -> None:
        parts = urlsplit(root)
        self._address = (parts.hostname or "", parts.port or 0)
        self._lines = ["host: 127.0.0.1", *([f"authorization: Bearer {token}"] if token else [])]
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def asked(self, path: str, *more: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection on which `path` was asked for."""
        # The server closes those that were not used for some seconds.
        while self._free and self._free[-1][0].at_eof():
            self._free.pop()[1].close()
        stream, sink = self._free.pop() if self._free else await asyncio.open_connection(*self._address)
        sink.write("\r\n".join([f"GET {path} HTTP/1.1", *self._lines, *more, "", ""]).encode())
        return stream, sink

    async def get(self, path: str) -> int:
        """The status of the answer, which is read to its end."""
        stream, sink = await self.asked(path)
        try:
            head = (await stream.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            await stream.readexactly(int(head.partition("content-length:")[2].split("\r\n")[0]))
        except BaseException:
            sink.close()
            raise
        if "connection: close" in head:
            sink.close()
        else:
            self._free.append((stream, sink))
        return int(head.split()[1])

    def close(self) -> None:
        """Close what is open."""
        for _, sink in self._free:
            sink.close()
