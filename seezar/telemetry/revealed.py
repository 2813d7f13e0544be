"""The secret values that this process has had in its hands: what must stand in nothing that it sends away."""

import threading
from collections import OrderedDict

from seezar.redaction import Redactor

# Enough for every account that one worker has at work at the same time, with its codes; the oldest go first.
_MOST = 256


class RevealedSecrets:
    """Remembers values while somebody listens; costs nothing before."""

    def __init__(self) -> None:
        self._always: dict[str, str] = {}
        self._values: OrderedDict[str, str] = OrderedDict()
        self._redactor: Redactor | None = None
        self._lock = threading.Lock()
        self.listening = False

    def known(self, name: str, value: str) -> None:
        """A secret of this process itself, such as the key of a model provider: it is never forgotten."""
        with self._lock:
            self._always[value] = name
            self._redactor = None

    def note(self, name: str, value: str) -> None:
        """A secret was decrypted, generated or received.

        Args:
            name: what it is: password, totp, code.
        """
        if not self.listening:
            return
        with self._lock:
            if value not in self._values:
                self._redactor = None
            self._values[value] = name
            self._values.move_to_end(value)
            while len(self._values) > _MOST:
                self._values.popitem(last=False)
                self._redactor = None

    def redactor(self) -> Redactor:
        """Replaces all of them."""
        with self._lock:
            if self._redactor is None:
                numbered = enumerate((self._values | self._always).items())
                self._redactor = Redactor({f"{name}-{number}": value for number, (value, name) in numbered})
            return self._redactor


revealed = RevealedSecrets()
"""Those of this process."""
