"""Whose connection it is: each browser context shows credentials of its own, and a policy is bound to them."""

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from seezar.egress.policy import EgressPolicy

if TYPE_CHECKING:
    from asyncio import Task


@dataclass(eq=False)
class Identity:
    """One browser context. Without a policy it may reach nothing.

    Attributes:
        server: address of the proxy.
        username: what it shows.
        password: what proves it.
    """

    server: str
    username: str
    password: str = field(repr=False)
    policy: EgressPolicy | None = None
    connections: "set[Task[None]]" = field(default_factory=set["Task[None]"], repr=False)


class Identities:
    """The contexts that may come."""

    def __init__(self) -> None:
        self._known: dict[str, Identity] = {}

    def new(self, server: str) -> Identity:
        """One more, with credentials that nobody can guess."""
        identity = Identity(server, secrets.token_hex(8), secrets.token_urlsafe(24))
        self._known[identity.username] = identity
        return identity

    def remove(self, identity: Identity) -> None:
        """It may not come any more."""
        self._known.pop(identity.username, None)

    def shown(self, authorization: bytes) -> Identity | None:
        """Whose credentials the value of a Proxy-Authorization header holds; None when nobody's."""
        scheme, _, encoded = authorization.partition(b" ")
        if scheme.lower() != b"basic":
            return None
        try:
            username, _, password = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        identity = self._known.get(username)
        if identity is None or not hmac.compare_digest(password.encode(), identity.password.encode()):
            return None
        return identity
