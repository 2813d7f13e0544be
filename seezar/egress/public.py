"""The gate for an address that a caller names: a webhook, say. It must be on the internet, or named by the owner."""

import re
from typing import Final
from urllib.parse import urlsplit

from seezar.domains import ip_address
from seezar.egress.addresses import side_of
from seezar.egress.errors import HostUnreachable
from seezar.egress.hosts import Destination, PrivateHosts, destination
from seezar.egress.policy import private_address
from seezar.egress.resolving import Resolve, SystemResolver, addresses_of
from seezar.errors import InvalidInput

_PORTS: Final = {"https": 443, "http": 80}
# What programs read differently, or leave out (WHATWG URL): a backslash is a slash to a browser.
_ODD: Final = re.compile(r"[\x00-\x20\x7f\\]")


class PublicGate:
    """Lets through to every public address, and to those inside that are named.

    Args:
        private: addresses inside that may be reached.
    """

    def __init__(self, private: PrivateHosts | None = None) -> None:
        self._private = private or PrivateHosts()

    async def route(self, where: Destination, resolve: Resolve) -> tuple[str, ...]:
        """The addresses, checked, at which `where` may be connected to.

        Raises:
            EgressRefused: one of them is not public.
            HostUnreachable: its name leads nowhere.
        """
        addresses = await addresses_of(where.host, resolve)
        for text in addresses:
            address = ip_address(text)
            if address is None:
                raise HostUnreachable(where.host, "dns_error")
            if side_of(address) == "public" or self._private.holds(address):
                continue
            if side_of(address) == "inside" and self._private.names_host(where.host):
                continue
            raise private_address(where.host)
        return addresses


def destination_of(url: str) -> Destination:
    """The destination of an http or https URL.

    Raises:
        InvalidInput: it is no such URL, carries a user name, or has characters that programs read differently.
        EgressRefused: its host is written in a way that programs read differently.
    """
    try:
        parts = urlsplit(url)
        port = _PORTS.get(parts.scheme)
    except ValueError:
        parts, port = urlsplit(""), None
    if port is None or not parts.netloc or "@" in parts.netloc or _ODD.search(url):
        raise InvalidInput("It is not a web address.", next_step="Give it as https://host/path, without a user name.")
    return destination(parts.netloc, default_port=port)


async def check_public_url(
    url: str, *, private_hosts: PrivateHosts | None = None, resolve: Resolve | None = None
) -> Destination:
    """Check a URL that a caller names, before it is stored: where it leads now. `GatedTransport` checks it again when
    it is used, and connects to what it checked.

    Args:
        private_hosts: addresses inside that may be named (`Settings.private_host_list`).
        resolve: asks for the addresses of a name; the system's by default.

    Returns:
        Where it leads.

    Raises:
        InvalidInput: it is no http or https URL, or carries a user name.
        EgressRefused: its host leads inside, or is written in a way that programs read differently.
        HostUnreachable: its name leads nowhere.
    """
    where = destination_of(url)
    await PublicGate(private_hosts).route(where, resolve or SystemResolver())
    return where
