"""Time as a thing that can be handed in, so that a test can let a code expire without waiting for it."""

import time
from typing import Protocol


class Clock(Protocol):
    """Gives the time of the playground."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        return time.time()


class ManualClock:
    """Stands still until it is advanced.

    Args:
        start: seconds since the epoch, UTC; the present when left out.
    """

    def __init__(self, start: float | None = None) -> None:
        self._now = time.time() if start is None else start

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`."""
        self._now += seconds
