"""What a client holds for us between a question to its user and the answer, sealed under the key of the vault.

The server keeps nothing between two requests, so that any API process can take the answer to a question of another.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.request_state import InvalidRequestState, RequestStateSecurity

from seezar.errors import KeyUnusable
from seezar.vault import Cipher
from service.mcp.desk import Desk

_CONTEXT = "state of an MCP request"
# As long as a person may take to read a mail and type its code.
_LIFE_S = 600.0


def sealed_by(cipher: Callable[[], Cipher], desk: Desk) -> RequestStateSecurity:
    """The seal of the vault; only the client that was asked can use what it has sealed."""

    def asker(context: ServerRequestContext[Any, Any]) -> str:
        return desk.caller(context.request).client_id

    return RequestStateSecurity(codec=_Codec(cipher), ttl=_LIFE_S, bind_principal=asker)


class _Codec:
    """The SDK's idea of a seal."""

    def __init__(self, cipher: Callable[[], Cipher]) -> None:
        self._cipher = cipher

    def seal(self, payload: bytes) -> str:
        """Encrypted, as text of a URL."""
        return base64.urlsafe_b64encode(self._cipher().encrypt(payload, context=_CONTEXT)).decode()

    def unseal(self, token: str) -> bytes:
        """What was sealed.

        Raises:
            InvalidRequestState: it was not made here, or was changed.
        """
        try:
            return self._cipher().decrypt(base64.urlsafe_b64decode(token.encode("ascii")), context=_CONTEXT)
        except (KeyUnusable, binascii.Error, ValueError):
            raise InvalidRequestState("not sealed by us") from None
