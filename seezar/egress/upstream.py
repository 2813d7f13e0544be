"""A connection to a host that was checked."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import h11

from seezar.egress.errors import HostUnreachable
from seezar.egress.hosts import Destination
from seezar.egress.limits import CHUNK, Limits


class Upstream:
    """A connection to `where`, for one request after the other, or as a tunnel."""

    def __init__(
        self, where: Destination, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: Limits
    ) -> None:
        self._where = where
        self._reader = reader
        self._writer = writer
        self._limits = limits
        self.http = h11.Connection(h11.CLIENT, max_incomplete_event_size=limits.header_bytes)

    def serves(self, where: Destination) -> bool:
        """Whether another request for `where` can be sent on it."""
        return where == self._where and self.http.our_state is h11.IDLE and not self._reader.at_eof()

    async def send(self, *events: h11.Event) -> None:
        """Send parts of a request, as fast as they are taken."""
        self._writer.write(b"".join(part for event in events if (part := self.http.send(event))))
        await self._writer.drain()

    async def next_event(self) -> h11.Event | type[h11.PAUSED]:
        """The next part of the answer.

        Raises:
            TimeoutError: nothing came for long.
            EOFError: it was closed before a byte of an answer.
            h11.RemoteProtocolError: what came is no answer, or was cut off.
        """
        while True:
            event = self.http.next_event()
            if event is not h11.NEED_DATA:
                return event  # pyright: ignore[reportReturnType]
            async with asyncio.timeout(self._limits.answer_s):
                data = await self._reader.read(CHUNK)
            if not data and self.http.their_state is h11.SEND_RESPONSE and not self.http.trailing_data[0]:
                raise EOFError
            self.http.receive_data(data)

    def begin_again(self) -> None:
        """After a whole answer: have it ready for the next request, if both sides keep it open."""
        if self.http.our_state is h11.DONE and self.http.their_state is h11.DONE:
            self.http.start_next_cycle()

    async def tunnel(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, early: bytes, sent: Callable[[], None]
    ) -> None:
        """Copy both ways until both are done, or nothing has come for long; one side may end before the other.

        Args:
            early: what the client has sent already.
            sent: called whenever the client sends something.
        """
        if early:
            self._writer.write(early)
        late = self.http.trailing_data[0]
        if late:
            writer.write(late)
        clock = _Clock()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(reader, self._writer, clock, self._limits.idle_s, sent))
                group.create_task(_copy(self._reader, writer, clock, self._limits.idle_s, lambda: None))
        except* (OSError, TimeoutError):
            # What came of it so far is not all: no end that looks like a proper one.
            self._writer.transport.abort()
            writer.transport.abort()

    def close(self) -> None:
        """Close it, whatever is under way."""
        self._writer.close()


class _Clock:
    """When the last byte came, in either direction."""

    def __init__(self) -> None:
        self.last = asyncio.get_running_loop().time()


async def _copy(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    clock: _Clock,
    idle_s: float,
    copied: Callable[[], None],
) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            async with asyncio.timeout_at(clock.last + idle_s):
                data = await reader.read(CHUNK)
        except TimeoutError:
            # The other direction may have been busy meanwhile.
            if loop.time() - clock.last < idle_s:
                continue
            raise
        clock.last = loop.time()
        copied()
        if not data:
            break
        writer.write(data)
        await writer.drain()
    with suppress(OSError):
        writer.write_eof()


async def open_upstream(where: Destination, addresses: tuple[str, ...], limits: Limits) -> Upstream:
    """Connect to the first of `addresses` that takes it.

    Raises:
        HostUnreachable: none does.
    """
    error = "connection_refused"
    try:
        async with asyncio.timeout(limits.connect_s):
            for address in addresses:
                try:
                    reader, writer = await asyncio.open_connection(address, where.port, limit=CHUNK)
                except ConnectionRefusedError:
                    error = "connection_refused"
                except OSError:
                    error = "destination_ip_unroutable"
                else:
                    return Upstream(where, reader, writer, limits)
    except TimeoutError:
        raise HostUnreachable(where.host, "connection_timeout", late=True) from None
    raise HostUnreachable(where.host, error)
