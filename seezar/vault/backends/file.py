"""`file:/PATH`: a file on the machine that uses the secret, as Docker and Kubernetes mount them."""

import asyncio
from pathlib import Path

from seezar.errors import BackendUnavailable, InvalidInput, SecretMissing

_LARGEST = 64 * 1024
# Mounted by Docker for everybody in the container, which is the service alone.
_MOUNTED = Path("/run/secrets")


class FileBackend:
    """Private files.

    Args:
        home: of this seezar; its own files hold keys that belong to no site.
    """

    scheme = "file"

    def __init__(self, home: Path) -> None:
        self._home = home

    def check(self, rest: str) -> None:
        """See `SecretBackend.check`."""
        path = Path(rest)
        if not path.is_absolute() or path.resolve().is_relative_to(self._home.resolve()):
            raise InvalidInput(
                "That is no file that can hold a secret of a site.",
                kept="Nothing was stored.",
                next_step="Give it as file:/PATH, with a whole path that is not in the home of seezar.",
            )

    async def fetch(self, rest: str) -> str:
        """See `SecretBackend.fetch`."""
        self.check(rest)
        try:
            return await asyncio.to_thread(_read, Path(rest))
        except FileNotFoundError:
            raise SecretMissing(f"The file {rest} does not exist.", next_step="Put it there again.") from None
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise BackendUnavailable(
                f"The file {rest} cannot be read: {reason}.", kept="Nothing was used.", next_step="Correct it."
            ) from None


def _read(path: Path) -> str:
    with path.open("rb") as file:
        real = path.resolve()
        mode = real.stat().st_mode & 0o777
        if mode & 0o077 and not real.is_relative_to(_MOUNTED):
            raise BackendUnavailable(
                f"The file {path} may be read by others (mode {mode:04o}).",
                kept="It was not used.",
                next_step=f"Make it private: chmod 600 {path}.",
            )
        # One more than is taken shows that there is more.
        content = file.read(_LARGEST + 1)
    return content.decode().removesuffix("\n").removesuffix("\r")
