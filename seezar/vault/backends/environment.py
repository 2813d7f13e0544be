"""`env:NAME`: an environment variable of the process that uses the secret, which is the worker."""

import os
import re

from seezar.errors import InvalidInput, SecretMissing

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Our own settings hold keys that belong to no site.
_OURS = "SEEZAR_"


class EnvironmentBackend:
    """Environment variables."""

    scheme = "env"

    def check(self, rest: str) -> None:
        """See `SecretBackend.check`."""
        if not _NAME.fullmatch(rest) or rest.upper().startswith(_OURS):
            raise InvalidInput(
                "That is no variable that can hold a secret of a site.",
                kept="Nothing was stored.",
                next_step=f"Give it as env:NAME; names that begin with {_OURS} are settings.",
            )

    async def fetch(self, rest: str) -> str:
        """See `SecretBackend.fetch`."""
        value = os.environ.get(rest, "")
        if not value:
            raise SecretMissing(
                f"The environment variable {rest} is not set where the worker runs.",
                next_step="Set it there, and start the worker again.",
            )
        return value
