"""A request and its answer, handed on part by part; what is between the browser and the proxy only, stays there."""

import asyncio
from collections.abc import Iterable
from typing import Final, Literal

import h11

from seezar.egress.hosts import Destination
from seezar.egress.limits import CHUNK
from seezar.egress.upstream import Upstream

# Meant for the next hop (RFC 9110, section 7.6.1); what Connection names is added to it.
_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authorization",
        b"proxy-authenticate",
        b"te",
        b"trailer",
    }
)
# Only the proxy says what the proxy did.
_OURS: Final = frozenset({b"proxy-status"})

type Outcome = Literal["next", "end", "switch"]


class ClientGone(ConnectionError):
    """Whoever asked waits for no answer any more."""


def join(*parts: bytes | None) -> bytes:
    """What h11 gives to send."""
    return b"".join(part for part in parts if part)


def forward_headers(request: h11.Request, where: Destination) -> list[tuple[bytes, bytes]]:
    """The headers of a request as the site is to see them: the host of the address that was asked for is the host."""
    upgrade = is_websocket(request)
    kept = [(b"Host", where.authority.encode("ascii"))]
    kept += [pair for pair in _end_to_end(request.headers, upgrade=upgrade) if pair[0] != b"host"]
    return kept


def is_websocket(request: h11.Request) -> bool:
    """Whether it asks to go on as a WebSocket (RFC 6455, section 4.1)."""
    return any(name == b"upgrade" and value.strip().lower() == b"websocket" for name, value in request.headers)


def _end_to_end(headers: Iterable[tuple[bytes, bytes]], *, upgrade: bool) -> list[tuple[bytes, bytes]]:
    # h11 gives the names in lower case.
    headers = list(headers)
    named = {
        token.strip().lower() for name, value in headers if name == b"connection" for token in value.split(b",")
    } - {b"upgrade"}
    dropped = _HOP | _OURS | named | (set[bytes]() if upgrade else {b"upgrade"})
    kept = [(name, value) for name, value in headers if name not in dropped]
    return [*kept, (b"Connection", b"Upgrade")] if upgrade else kept


async def relay_request(
    client: h11.Connection,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    upstream: Upstream,
    request: h11.Request,
) -> Outcome:
    """Send `request` with its body, and its answer back.

    Returns:
        `next` when another request may come on the same connection; `switch` when both sides go on as a WebSocket.

    Raises:
        ClientGone: the client went away.
        TimeoutError, EOFError, h11.RemoteProtocolError: as `Upstream.next_event`.
        OSError: a connection broke.
    """
    await upstream.send(request)
    body = asyncio.create_task(_send_body(client, reader, upstream))
    answer = asyncio.create_task(_send_answer(client, writer, upstream))
    try:
        await asyncio.wait({body, answer}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            # It ends only by an error: the client went away, or sends what is no body.
            await body
        outcome = await answer
    finally:
        for task in (body, answer):
            task.cancel()
        await asyncio.gather(body, answer, return_exceptions=True)
    if outcome != "next" or client.their_state is not h11.DONE or client.our_state is not h11.DONE:
        return "end" if outcome == "next" else outcome
    upstream.begin_again()
    return "next"


async def _send_body(client: h11.Connection, reader: asyncio.StreamReader, upstream: Upstream) -> None:
    taken = True
    while True:
        event = client.next_event()
        if isinstance(event, h11.Data | h11.EndOfMessage):
            try:
                if taken:
                    await upstream.send(event)
            except OSError:
                # A site may answer and close before it has read everything: the answer says why.
                taken = False
            if isinstance(event, h11.EndOfMessage):
                break
        elif event is h11.NEED_DATA:
            client.receive_data(await reader.read(CHUNK))
        else:
            break
    # Nothing is to come before the answer; that the client goes away is noticed here.
    while data := await reader.read(CHUNK):
        client.receive_data(data)
    raise ClientGone


async def _send_answer(client: h11.Connection, writer: asyncio.StreamWriter, upstream: Upstream) -> Outcome:
    while True:
        event = await upstream.next_event()
        if isinstance(event, h11.InformationalResponse):
            if event.status_code != 101:
                continue
            # h11 lets it pass only where the browser has asked for it.
            headers = _end_to_end(event.headers, upgrade=True)
            writer.write(join(client.send(h11.InformationalResponse(status_code=101, headers=headers))))
            await writer.drain()
            return "switch"
        if isinstance(event, h11.Response):
            if event.status_code == 407:
                # It would take the browser's credentials for refused.
                raise h11.RemoteProtocolError("a site is no proxy")
            head = h11.Response(
                status_code=event.status_code,
                headers=_end_to_end(event.headers, upgrade=False),
                reason=event.reason,
            )
            writer.write(join(client.send(head)))
        elif isinstance(event, h11.Data):
            writer.write(join(client.send(h11.Data(event.data))))
        elif isinstance(event, h11.EndOfMessage):
            writer.write(join(client.send(h11.EndOfMessage())))
            await writer.drain()
            return "next"
        else:
            return "end"
        await writer.drain()
