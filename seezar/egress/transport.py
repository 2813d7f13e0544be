"""httpx through the gate: names are resolved once, every address is checked, and a checked one is connected to."""

import ssl
from typing import Any, Final, Protocol

import httpx

from seezar.egress.errors import HostUnreachable
from seezar.egress.hosts import Destination, destination
from seezar.egress.resolving import Resolve, SystemResolver

_PORTS: Final = {"https": 443, "http": 80}


class Gate(Protocol):
    """Says at which addresses a destination may be connected to: `EgressPolicy`, `PublicGate`."""

    async def route(self, where: Destination, resolve: Resolve) -> tuple[str, ...]:
        """The checked addresses; raises EgressRefused or HostUnreachable."""
        ...


class GatedTransport(httpx.AsyncBaseTransport):
    """Sends requests to checked addresses only. Redirects come through it as well, when a client follows them.

    Args:
        gate: asked for each request.
        verify: the certificates that are trusted.
        resolve: asks for the addresses of a name; the system's by default.
    """

    def __init__(self, gate: Gate, *, verify: ssl.SSLContext, resolve: Resolve | None = None) -> None:
        self._gate = gate
        self._verify = verify
        self._resolve = resolve or SystemResolver()
        # One for each name: connections are kept by address, and a certificate is good for one name only.
        self._transports: dict[tuple[str, str, int], httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request.

        Raises:
            EgressRefused: its host may not be reached; nothing was sent.
            httpx.HTTPError: it could not be sent, or was not answered.
        """
        scheme = request.url.scheme
        authority = request.url.netloc.decode("ascii")
        where = destination(authority, default_port=_PORTS.get(scheme))
        try:
            addresses = await self._gate.route(where, self._resolve)
        except HostUnreachable as error:
            raise httpx.ConnectError(str(error), request=request) from None
        transport = self._transports.get((scheme, where.host, where.port))
        if transport is None:
            transport = httpx.AsyncHTTPTransport(verify=self._verify, trust_env=False)
            self._transports[scheme, where.host, where.port] = transport
        return await self._send(transport, request, where, addresses)

    async def _send(
        self,
        transport: httpx.AsyncHTTPTransport,
        request: httpx.Request,
        where: Destination,
        addresses: tuple[str, ...],
    ) -> httpx.Response:
        name = request.url.host
        for number, address in enumerate(addresses, start=1):
            sent = httpx.Request(
                request.method,
                request.url.copy_with(host=address),
                # With the Host header that httpx has made of the name.
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": where.host if where.address is None else name},
            )
            try:
                return await transport.handle_async_request(sent)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise httpx.ConnectError("no address", request=request)

    async def aclose(self) -> None:
        """Close the connections."""
        for transport in self._transports.values():
            await transport.aclose()
        self._transports.clear()


def gated_client(
    gate: Gate, *, verify: ssl.SSLContext, resolve: Resolve | None = None, **options: Any
) -> httpx.AsyncClient:
    """A client that goes through the gate, follows no redirect, and uses no proxy of the environment.

    Args:
        gate: asked for each request.
        verify: the certificates that are trusted.
        resolve: asks for the addresses of a name; the system's by default.
        options: of `httpx.AsyncClient` (timeout, headers).
    """
    return httpx.AsyncClient(
        transport=GatedTransport(gate, verify=verify, resolve=resolve),
        trust_env=False,
        follow_redirects=False,
        **options,
    )
