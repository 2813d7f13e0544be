"""Host names: normal form, registrable domain, same site. The public suffix list is that of `publicsuffixlist`."""

import ipaddress
from functools import lru_cache

import idna
from publicsuffixlist import PublicSuffixList

_MAX_HOST = 253  # RFC 1035 §2.3.4, without the trailing dot


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@lru_cache(maxsize=4096)
def normal_host(host: str) -> str | None:
    """Lower-case ASCII form of a host name (IDNA 2008, UTS 46 mapping) or IP address; None when it is neither."""
    host = host.strip().rstrip(".").lower()
    if not host:
        return None
    address = ip_address(host)
    if address is not None:
        return address.compressed
    try:
        ascii_host = host if host.isascii() else idna.encode(host, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return None
    labels = ascii_host.split(".")
    if len(ascii_host) > _MAX_HOST or not all(_is_label(label) for label in labels):
        return None
    return ascii_host


def _is_label(label: str) -> bool:
    if not 0 < len(label) <= 63 or label[0] == "-" or label[-1] == "-":
        return False
    return all(ch.isalnum() or ch in "-_" for ch in label)


def ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a host part spells (with or without brackets), or None."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def is_network(text: str) -> bool:
    """Whether it is an IP address or a CIDR block."""
    try:
        ipaddress.ip_network(text.strip().strip("[]"), strict=False)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """True for `localhost`, names under it (RFC 6761 §6.3), and loopback addresses."""
    name = normal_host(host)
    if name is None:
        return False
    address = ip_address(name)
    if address is not None:
        return address.is_loopback
    return name == "localhost" or name.endswith(".localhost")


@lru_cache(maxsize=4096)
def registrable_domain(host: str) -> str | None:
    """The part of a host that one owner registers (`a.b.co.uk` → `b.co.uk`); an IP address or a bare public suffix is
    its own; None when the host is not a host name.
    """
    name = normal_host(host)
    if name is None or ip_address(name) is not None:
        return name
    return _suffixes().privatesuffix(name) or name


def is_public_suffix(host: str) -> bool:
    """Whether names directly below `host` belong to different owners (`com`, `co.uk`, `github.io`)."""
    name = normal_host(host)
    return name is not None and ip_address(name) is None and _suffixes().privatesuffix(name) is None


def same_site(host: str, other: str) -> bool:
    """Whether two hosts have the same registrable domain. Names that are no host names are never the same site."""
    domain = registrable_domain(host)
    return domain is not None and domain == registrable_domain(other)


def host_of_site(site: str) -> str | None:
    """Host of a site given as host, `host:port`, or URL; None when there is none."""
    rest = site.strip()
    if "://" in rest:
        rest = rest.split("://", 1)[1]
    rest = rest.split("/", 1)[0].split("?", 1)[0].split("#", 1)[0].rpartition("@")[2]
    if rest.startswith("["):
        return normal_host(rest.partition("]")[0] + "]")
    if rest.count(":") == 1:
        rest = rest.partition(":")[0]
    return normal_host(rest)
