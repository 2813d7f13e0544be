"""How many requests a client may make: a bucket of tokens for each."""

import time
from collections import OrderedDict

# More clients than this at once, and those that were quiet longest are forgotten, which only lets them begin anew.
_CLIENTS = 1024


class Rate:
    """Lets a client make `per_second` requests a second, as many at once.

    Args:
        per_second: None = no limit.
    """

    def __init__(self, per_second: float | None) -> None:
        self._per_second = per_second
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, client: str) -> bool:
        """Count a request of a client; False when it is one too many."""
        if self._per_second is None:
            return True
        now = time.monotonic()
        left, at = self._buckets.pop(client, (self._per_second, now))
        left = min(self._per_second, left + (now - at) * self._per_second)
        allowed = left >= 1
        self._buckets[client] = (left - 1 if allowed else left, now)
        if len(self._buckets) > _CLIENTS:
            self._buckets.popitem(last=False)
        return allowed
