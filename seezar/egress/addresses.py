"""What an IP address stands for: the internet, the inside of a network, or nothing that a site is ever at."""

import ipaddress
from typing import Final, Literal

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address
type Side = Literal["public", "inside", "never"]

_ORDER: Final[tuple[Side, ...]] = ("never", "inside", "public")
# Whoever asks there as this machine is told its credentials: link-local (169.254.169.254 and fe80::/10) is refused as
# a whole, these are the ones elsewhere (AWS over IPv6, Alibaba Cloud, Oracle Cloud, Azure's host).
_METADATA: Final = frozenset(
    ipaddress.ip_address(text) for text in ("fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16")
)
# Prefixes that carry an IPv4 address in their last 32 bits: NAT64 (RFC 6052), and IPv4-compatible (RFC 4291 §2.5.5.1).
_LAST_32: Final = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))
# NAT64 for use inside a network (RFC 8215): where the IPv4 address stands depends on its prefix.
_LOCAL_NAT64: Final = ipaddress.ip_network("64:ff9b:1::/48")
_THIS_NETWORK: Final = ipaddress.ip_network("0.0.0.0/8")
_SITE_LOCAL: Final = ipaddress.ip_network("fec0::/10")


def side_of(address: Address) -> Side:
    """Where `address` leads: `inside` is loopback, private and shared (CGNAT) space; `never` is link-local, metadata
    services, multicast, broadcast, unspecified and reserved space. An IPv4 address inside an IPv6 one counts as well.
    """
    sides = {_side(one) for one in (address, *embedded(address))}
    return next(side for side in _ORDER if side in sides)


def embedded(address: Address) -> tuple[ipaddress.IPv4Address, ...]:
    """The IPv4 addresses that an IPv6 one carries: mapped, compatible, NAT64, 6to4 and Teredo."""
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    # ::1 and :: are addresses of their own.
    if any(address in network for network in _LAST_32) and int(address) > 1:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(one for one in found if one is not None)


def _side(address: Address) -> Side:
    if address in _METADATA or address.is_link_local or address.is_multicast or address.is_unspecified:
        return "never"
    if isinstance(address, ipaddress.IPv4Address):
        if address in _THIS_NETWORK or address.is_reserved:
            return "never"
        return "public" if address.is_global else "inside"
    if address.ipv4_mapped is not None or any(address in network for network in _LAST_32):
        # What it carries decides; ::1 carries nothing.
        return "inside" if address.is_loopback else "public"
    if address.sixtofour is not None or address.teredo is not None:
        return "public"
    if address in _LOCAL_NAT64 or address in _SITE_LOCAL:
        return "inside"
    return "public" if address.is_global else "inside"
