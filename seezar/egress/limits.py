"""How much and how long the proxy bears."""

from dataclasses import dataclass
from typing import Final

CHUNK: Final = 256 * 1024
"""Bytes that are read at a time, and that wait for a slow reader at most."""


@dataclass(frozen=True)
class Limits:
    """Limits of the proxy.

    Attributes:
        header_bytes: of a request or an answer, its first line included.
        connections: of one identity at the same time. Chromium opens 32 to a proxy, and one more for each WebSocket.
        header_s: until a request that has begun is there.
        idle_s: without a byte, in a tunnel or between requests.
        connect_s: until a host takes a connection, all of its addresses together.
        answer_s: without a byte of an answer.
    """

    header_bytes: int = 64 * 1024
    connections: int = 256
    header_s: float = 30.0
    idle_s: float = 300.0
    connect_s: float = 15.0
    answer_s: float = 300.0
