"""What one identity may reach, and what its site declares while it is browsed."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from seezar.domains import ip_address, same_site
from seezar.egress.addresses import Side, side_of
from seezar.egress.csp import declared_hosts
from seezar.egress.decisions import Decisions, Way
from seezar.egress.errors import EgressRefused, HostUnreachable, Why
from seezar.egress.hosts import WEB_PORTS, Destination, HostPattern, PrivateHosts
from seezar.egress.resolving import Resolve, addresses_of
from seezar.vault.origins import origin_of

# How long a connection to a host that nobody knows yet is held while a document of the site, which may declare it, is
# on its way.
HELD_S: Final = 1.0
# The browser tells of a document that it asks for; the connections of that document may be here before.
_TOLD_S: Final = 0.25
_MOST_DECLARED: Final = 500


class EgressPolicy:
    """What one identity may reach. With nothing in it, nothing.

    Args:
        origins: registered for the account.
        hosts: allowed for it by its owner besides.
        private: addresses inside that anybody here may reach.

    Attributes:
        decisions: what was decided so far.
    """

    def __init__(
        self,
        *,
        origins: Iterable[str] = (),
        hosts: Iterable[HostPattern] = (),
        private: PrivateHosts | None = None,
    ) -> None:
        self.decisions = Decisions()
        self._origins = frozenset(_destination(origin) for origin in origins)
        self._ports = {*WEB_PORTS, *(origin.port for origin in self._origins)}
        self._hosts = tuple(hosts)
        self._private = private or PrivateHosts()
        self._declared: dict[HostPattern, None] = {}
        # Documents of the site that were asked for and not answered.
        self._arriving: set[object] = set()
        self._arrived = asyncio.Event()
        # When the site was last asked for anything, loop time; and what was held for that reason once.
        self._used_at = 0.0
        self._held: set[Destination] = set()
        # Where the name of an origin led first, and whether that was this machine. One that has led outside never leads
        # inside, nor the other way round.
        self._places: dict[str, tuple[Side, bool]] = {}

    def add_origin(self, url: str) -> None:
        """Allow one more origin, of our own."""
        self._origins |= {_destination(url)}

    def origin_used(self) -> None:
        """Something is sent to a registered origin; it may be that a document is asked for."""
        self._used_at = asyncio.get_running_loop().time()

    def document_asked(self, document: object, url: str) -> None:
        """A page asks for a document; `document` is any object that stands for the request."""
        if self.is_origin(url):
            self._arriving.add(document)

    def document_answered(self, document: object, url: str, policies: Sequence[str] = ()) -> None:
        """A document was answered, or failed.

        Args:
            policies: values of its Content-Security-Policy headers. What is not of a registered origin is not heeded.
        """
        if policies and self.is_origin(url):
            for pattern in declared_hosts(policies):
                if len(self._declared) < _MOST_DECLARED:
                    self._declared[pattern] = None
        if document in self._arriving:
            self._arriving.discard(document)
            arrived, self._arrived = self._arrived, asyncio.Event()
            arrived.set()

    def is_origin(self, url: str) -> bool:
        """Whether `url` is on a registered origin."""
        parts = urlsplit(url)
        try:
            port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
        except ValueError:
            return False
        return Destination((parts.hostname or "").strip("[]"), port) in self._origins

    async def route(self, where: Destination, resolve: Resolve) -> tuple[str, ...]:
        """The addresses, checked, at which `where` may be connected to.

        Raises:
            EgressRefused: it may not be.
            HostUnreachable: its name leads nowhere.
        """
        try:
            way = self.way(where) or await self._way_after_arrival(where)
            if way is None:
                raise self._not_allowed(where)
            addresses = await addresses_of(where.host, resolve)
            for text in addresses:
                self._check(where, way, text)
        except EgressRefused as error:
            self.decisions.refuse(where, error.why)
            raise
        except HostUnreachable as error:
            self.decisions.fail(where.host, error.error)
            raise
        self.decisions.allow(where.host, way)
        if way == "origin":
            self.origin_used()
        return addresses

    def way(self, where: Destination) -> Way | None:
        """By which rule `where` may be reached, if its addresses are fit; None when it may not."""
        if where in self._origins:
            return "origin"
        if where.port in self._ports and any(same_site(where.host, origin.host) for origin in self._origins):
            return "same_site"
        if any(pattern.allows(where) for pattern in self._hosts):
            return "allowed"
        if any(pattern.allows(where) for pattern in self._declared):
            return "declared"
        return None

    async def _way_after_arrival(self, where: Destination) -> Way | None:
        loop = asyncio.get_running_loop()
        deadline, way = loop.time() + HELD_S, None
        while way is None:
            left = (deadline if self._arriving else min(deadline, self._soon(where))) - loop.time()
            if left <= 0:
                break
            with suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), left)
            way = self.way(where)
        return way

    def _soon(self, where: Destination) -> float:
        """Until when a document may still be told of that the site was asked for."""
        asked_before = where in self._held
        if len(self._held) < _MOST_DECLARED:
            self._held.add(where)
        return 0.0 if asked_before else self._used_at + _TOLD_S

    def _not_allowed(self, where: Destination) -> EgressRefused:
        known = any(same_site(where.host, origin.host) for origin in self._origins)
        known = known or any(pattern.covers(where.host) for pattern in (*self._hosts, *self._declared))
        if known:
            return EgressRefused(where.host, "port", f"Port {where.port} of {where.host} is not allowed.")
        return EgressRefused(where.host, "not_allowed", f"{where.host} is not allowed for this account.")

    def _check(self, where: Destination, way: Way, text: str) -> None:
        address = ip_address(text)
        if address is None:
            raise HostUnreachable(where.host, "dns_error")
        side = side_of(address)
        place = (side, address.is_loopback)
        stays = way == "origin" and self._places.setdefault(where.host, place) == place
        # The owner has written this very address.
        if (way == "origin" and where.address is not None) or self._private.holds(address):
            return
        if stays and side != "never":
            return
        if way != "origin" and side == "public":
            return
        if side == "inside" and self._private.names_host(where.host):
            return
        raise private_address(where.host)


def private_address(host: str) -> EgressRefused:
    """The error for a name that leads inside."""
    why: Why = "private_address"
    return EgressRefused(
        host,
        why,
        f"{host} leads to an address inside this network, or to none that a site is at.",
        next_step="If that is meant, name the host or its address in SEEZAR_PRIVATE_HOSTS.",
    )


def _destination(origin: str) -> Destination:
    parts = urlsplit(origin_of(origin))
    return Destination((parts.hostname or "").strip("[]"), parts.port or {"http": 80, "https": 443}[parts.scheme])
