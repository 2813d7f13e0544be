"""Names to addresses, once: what is checked is what is connected to."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from seezar.domains import ip_address
from seezar.egress.errors import HostUnreachable

type Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""The addresses of a name. Raises OSError when it has none."""

_LOOPBACK: Final = ("127.0.0.1", "::1")
_PATIENCE_S: Final = 5.0
# A page opens many connections to the same few hosts. No longer: a site moves by changing its addresses.
_KEPT_S: Final = 10.0
_KEPT: Final = 512


class SystemResolver:
    """Asks as every program of this machine does (`getaddrinfo`), and remembers for a few seconds."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, tuple[str, ...]]] = {}

    async def __call__(self, name: str) -> Sequence[str]:
        """The addresses of `name`."""
        until, addresses = self._known.get(name, (0.0, ()))
        now = time.monotonic()
        if until < now:
            found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
            addresses = tuple(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[name] = (now + _KEPT_S, addresses)
        return addresses


async def addresses_of(host: str, resolve: Resolve) -> tuple[str, ...]:
    """The addresses of `host`, which is a normal form; an address is its own.

    `localhost` and the names below it are this machine, whatever anybody else says (RFC 6761 §6.3).

    Raises:
        HostUnreachable: it has none, or nobody answers in time.
    """
    if ip_address(host) is not None:
        return (host,)
    if host == "localhost" or host.endswith(".localhost"):
        return _LOOPBACK
    try:
        async with asyncio.timeout(_PATIENCE_S):
            found = tuple(await resolve(host))
    except TimeoutError:
        raise HostUnreachable(host, "dns_timeout", late=True) from None
    except (OSError, UnicodeError):
        raise HostUnreachable(host, "dns_error") from None
    if not found:
        raise HostUnreachable(host, "dns_error")
    return found
