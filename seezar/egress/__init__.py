"""The way out of the browsers: an allow-list proxy, what each identity may reach, and the same gate for httpx."""

from seezar.egress.errors import EgressRefused, EgressUnreachable, HostUnreachable
from seezar.egress.hosts import HostPattern, PrivateHosts
from seezar.egress.limits import Limits
from seezar.egress.policy import EgressPolicy
from seezar.egress.proxy import EgressProxy
from seezar.egress.public import PublicGate, check_public_url
from seezar.egress.transport import GatedTransport, gated_client

__all__ = [
    "EgressPolicy",
    "EgressProxy",
    "EgressRefused",
    "EgressUnreachable",
    "GatedTransport",
    "HostPattern",
    "HostUnreachable",
    "Limits",
    "PrivateHosts",
    "PublicGate",
    "check_public_url",
    "gated_client",
]
