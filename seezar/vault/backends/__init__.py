"""Secrets that are kept elsewhere: an account holds where, and the value is asked for each time that it is used.

What is asked is never stored. The origins that a secret may be used on are kept here, whoever keeps the secret.
"""

from collections.abc import Iterable
from typing import Protocol, Self

from seezar.errors import BackendUnavailable, InvalidInput
from seezar.settings import Settings
from seezar.vault.backends.environment import EnvironmentBackend
from seezar.vault.backends.file import FileBackend
from seezar.vault.backends.hashicorp import HashicorpBackend

__all__ = ["Backends", "SecretBackend"]

# More is no password.
_LONGEST = 4096
_FORMS = "env:NAME, file:/PATH or vault:MOUNT/data/PATH#FIELD"


class SecretBackend(Protocol):
    """A place where secrets are kept."""

    scheme: str
    """What its references begin with, before a colon."""

    def check(self, rest: str) -> None:
        """Make sure that what stands behind the colon can be meant; asks nobody.

        Raises:
            InvalidInput: it cannot.
        """
        ...

    async def fetch(self, rest: str) -> str:
        """The value.

        Raises:
            SecretMissing: there is none.
            BackendUnavailable: the place cannot be asked, or refuses.
        """
        ...


class Backends:
    """The places that this seezar knows."""

    def __init__(self, backends: Iterable[SecretBackend] = ()) -> None:
        self._backends = {backend.scheme: backend for backend in backends}

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Those that can be used with `settings`."""
        return cls([EnvironmentBackend(), FileBackend(settings.home), HashicorpBackend(settings)])

    def check(self, reference: str) -> None:
        """Make sure that `reference` has one of the forms; asks nobody.

        Raises:
            InvalidInput: it has none of them.
        """
        backend, rest = self._find(reference)
        if backend is None or not rest or not reference.isprintable() or len(reference) > _LONGEST:
            # It is not repeated: a password may have been given in its place.
            raise InvalidInput(
                "That is no reference to a secret.", kept="Nothing was stored.", next_step=f"The forms are {_FORMS}."
            )
        backend.check(rest)

    async def fetch(self, reference: str) -> str:
        """The value that `reference` names.

        Raises:
            SecretMissing: there is none.
            BackendUnavailable: the place cannot be asked, or what it holds is no password.
        """
        backend, rest = self._find(reference)
        if backend is None:
            raise BackendUnavailable("This seezar has no way to the place where the secret is kept.")
        value = await backend.fetch(rest)
        if not value or len(value) > _LONGEST or "\0" in value:
            raise BackendUnavailable(
                f"What {reference} holds is empty, too long, or no text.",
                kept="It was not used.",
                next_step="Correct it there.",
            )
        return value

    def _find(self, reference: str) -> tuple[SecretBackend | None, str]:
        scheme, _, rest = reference.partition(":")
        return self._backends.get(scheme), rest
