"""Mail addresses: normal form, and readable random local parts."""

import secrets

from seezar.domains import normal_host
from seezar.errors import InvalidInput

_MAX_LOCAL = 64  # RFC 5321 §4.5.3.1.1

# 48 × 48 word pairs and 31^6 tails are 41 bits: an address made for one login cannot be guessed, yet can be read aloud.
_FIRST = (
    "amber brisk calm clear coral cosy crisp dusky early fern fleet fresh gentle glad golden hazel high keen kind "
    "late light lively lucky mellow merry mild misty neat noble opal plain proud quick quiet ruby russet sage "
    "silver soft solid still sunny swift tidal tidy vivid warm young"
)
_SECOND = (
    "acorn aspen badger beacon birch brook canyon cedar comet condor crane dale delta falcon fjord garden glade "
    "grove harbor heron island jasper kestrel lagoon lantern lark maple meadow otter owl pebble pine pond puffin "
    "quarry raven reef ridge robin spruce summit thistle tulip valley willow wren yarrow zephyr"
)
_TAIL = "23456789abcdefghjkmnpqrstuvwxyz"


def random_local_part() -> str:
    """For example `calm-otter-7k2qx9`."""
    tail = "".join(secrets.choice(_TAIL) for _ in range(6))
    return f"{secrets.choice(_FIRST.split())}-{secrets.choice(_SECOND.split())}-{tail}"


def normal_address(address: str) -> str:
    """Lower-case form of an address with its domain in ASCII.

    Raises:
        InvalidInput: not of the form `local@domain`.
    """
    local, at, domain = address.strip().rpartition("@")
    host = normal_host(domain) if domain else None
    if not at or host is None:
        raise InvalidInput(f"{address!r} is not a mail address.", next_step="Give it as name@domain.")
    return f"{normal_local_part(local)}@{host}"


def normal_local_part(local: str) -> str:
    """Lower-case local part.

    Raises:
        InvalidInput: empty, too long, or with characters that no unquoted local part has.
    """
    local = local.strip().lower()
    allowed = all(ch.isalnum() or ch in "!#$%&'*+-/=?^_`{|}~." for ch in local)
    if not local or not allowed or len(local.encode()) > _MAX_LOCAL or ".." in f".{local}.":
        raise InvalidInput(
            f"{local!r} cannot stand before the @ of an address.",
            next_step="Use letters, digits, dots and hyphens, at most 64 characters.",
        )
    return local
