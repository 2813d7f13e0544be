"""Hosts as the gate compares them: one spelling of each, and patterns of what is allowed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, Self

from seezar.domains import ip_address, is_public_suffix, normal_host
from seezar.egress.addresses import Address
from seezar.egress.errors import EgressRefused
from seezar.errors import InvalidInput

WEB_PORTS: Final = (80, 443)
ANY_PORT: Final = 0
"""Port of a pattern that was written as `host:*`."""
# WHATWG URL §3.5: a host whose last label is a number is an IPv4 address, in whatever way it is written.
_NUMBER: Final = re.compile(r"(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?\Z")
_PORT: Final = re.compile(r"[0-9]{1,5}\Z")
_LONGEST: Final = 300


@dataclass(frozen=True)
class Destination:
    """Where a connection is to go. `host` is a name in its normal form or an IP address without brackets."""

    host: str
    port: int

    @property
    def address(self) -> Address | None:
        """The address that `host` spells; None for a name."""
        return ip_address(self.host)

    @property
    def authority(self) -> str:
        """As in a Host header of HTTP."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port == 80 else f"{shown}:{self.port}"


def destination(authority: str, *, default_port: int | None = None) -> Destination:
    """The destination that `host[:port]` names.

    Raises:
        EgressRefused: it is no host and port, carries a user name, or is an address in a spelling that programs read
            differently (decimal, octal, hexadecimal, shortened, with a zone).
    """
    host, port = split_port(authority)
    number = default_port if port is None else int(port) if _PORT.match(port) else None
    if number is None or not 0 < number < 65536:
        raise _unclear()
    return Destination(host_of(host), number)


def host_of(text: str) -> str:
    """The normal form of a host part.

    Raises:
        EgressRefused: as `destination`.
    """
    bracketed = text.startswith("[") and text.endswith("]")
    bare = text[1:-1] if bracketed else text
    if len(text) > _LONGEST or not bare or bare.strip() != bare or "%" in bare or bare.endswith(".."):
        raise _unclear()
    name = normal_host(bare)
    if name is None or (":" in name) != bracketed:
        raise _unclear()
    if _NUMBER.search(name.rpartition(".")[2]) and ip_address(name) is None:
        raise _unclear()
    return name


def split_port(authority: str) -> tuple[str, str | None]:
    """Host part (with the brackets of an IPv6 address) and port part, if there is one."""
    head, colon, port = authority.rpartition(":")
    return (head, port) if colon and "]" not in port else (authority, None)


def _unclear() -> EgressRefused:
    return EgressRefused("", "unclear_host", "The host is not written in a way that every program reads alike.")


@dataclass(frozen=True)
class HostPattern:
    """A host that is allowed, or all hosts below it: `cdn.example.net`, `*.example.net`, each with `:port` or `:*`.

    Without a port it is the ports of the web, 80 and 443.
    """

    host: str
    below: bool
    port: int | None

    @classmethod
    def parse(cls, text: str, *, any_suffix: bool = False) -> Self:
        """Read a pattern.

        Args:
            any_suffix: also take all hosts below a suffix that owners share.

        Raises:
            InvalidInput: it is none, or allows all hosts below a suffix that many owners share (`*.com`).
        """
        host, port = split_port(text.strip())
        below = host.startswith("*.")
        number = None if port is None else ANY_PORT if port == "*" else int(port) if _PORT.match(port) else -1
        try:
            name = host_of(host[2:] if below else host)
        except EgressRefused:
            name = ""
        shared = below and (ip_address(name) is not None or (is_public_suffix(name) and not any_suffix))
        if not name or shared or (number is not None and not 0 <= number < 65536) or port == "0":
            raise InvalidInput(
                f"{text.strip()[:100]!r} is not a host that can be allowed.",
                kept="Nothing was changed.",
                next_step="Give it as cdn.example.net or *.example.net, with :port if it is not 80 or 443.",
            )
        return cls(name, below, number)

    def __str__(self) -> str:
        shown = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else ":*" if self.port == ANY_PORT else f":{self.port}"
        return f"{'*.' if self.below else ''}{shown}{port}"

    def covers(self, host: str) -> bool:
        """Whether it is about `host`, whatever the port."""
        return host.endswith(f".{self.host}") if self.below else host == self.host

    def allows(self, where: Destination) -> bool:
        """Whether `where` is allowed by it."""
        ports = WEB_PORTS if self.port is None else (self.port,)
        return self.covers(where.host) and (self.port == ANY_PORT or where.port in ports)


@dataclass(frozen=True)
class PrivateHosts:
    """Which addresses inside may be reached, by name or by address: `SEEZAR_PRIVATE_HOSTS`."""

    names: tuple[HostPattern, ...] = ()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Self:
        """Read host names, patterns, addresses and CIDR blocks.

        Raises:
            InvalidInput: one is neither.
        """
        names: list[HostPattern] = []
        networks: list[IPv4Network | IPv6Network] = []
        for entry in entries:
            try:
                networks.append(ip_network(entry.strip().strip("[]"), strict=False))
            except ValueError:
                # The inside of a network has suffixes of its own (`*.corp`).
                names.append(HostPattern.parse(entry, any_suffix=True))
        return cls(tuple(names), tuple(networks))

    def names_host(self, host: str) -> bool:
        """Whether `host` was named, so that it may lead inside."""
        return any(pattern.covers(host) for pattern in self.names)

    def holds(self, address: Address) -> bool:
        """Whether `address` was named, or a block that it is in."""
        return any(address in network for network in self.networks)
