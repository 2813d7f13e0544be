"""Counts failures in a sliding window, for the 429 answers."""

import math
from collections.abc import Hashable

from playground.clock import Clock


class FailureLimiter:
    """Remembers when something failed, by key."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[Hashable, list[float]] = {}

    def record(self, key: Hashable) -> None:
        """Note one failure, now."""
        self._failures.setdefault(key, []).append(self._clock.now())

    def clear(self, key: Hashable) -> None:
        """Forget the failures of this key."""
        self._failures.pop(key, None)

    def retry_after(self, key: Hashable, *, allowed: int, window: float) -> int:
        """Whole seconds until the key may try again; 0 when it may now.

        Args:
            key: as given to `record`.
            allowed: failures within `window` that close the door.
            window: seconds that a failure counts.
        """
        now = self._clock.now()
        recent = [at for at in self._failures.get(key, []) if at > now - window]
        if not recent:
            self.clear(key)
            return 0
        self._failures[key] = recent
        if len(recent) < allowed:
            return 0
        return max(1, math.ceil(recent[-allowed] + window - now))
