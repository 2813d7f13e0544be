"""Misbehaviour on request, for tests of clients: what real servers do now and then, at will."""

from dataclasses import dataclass, field
from typing import Literal

# "hydra" is JSON-LD with the prefix `hydra:`, "member" the same without it (as newer servers do), "plain" bare lists.
type Shape = Literal["plain", "hydra", "member"]


@dataclass
class Faults:
    """All off by default. Fields may be changed while the server runs.

    Attributes:
        busy_every: every so many requests are answered 429; 0 = none.
        busy_retry_after: seconds that such an answer says in Retry-After; None = it does not say.
        broken_every: every so many requests are answered 502; 0 = none.
        token_uses: a token is refused as expired after so many uses; 0 = as long as it lives.
        duplicates: lists name each message twice.
        number_events: events carry a number where a resource should be.
        delay: seconds until a message that has come is shown, in lists and events.
        drop_stream_after: a stream of events ends after so many; 0 = never.
        shape: this one, whatever the client accepts.
        requests: how many requests there were.
    """

    busy_every: int = 0
    busy_retry_after: int | None = 1
    broken_every: int = 0
    token_uses: int = 0
    duplicates: bool = False
    number_events: bool = False
    delay: float = 0.0
    drop_stream_after: int = 0
    shape: Shape | None = None
    requests: int = 0
    _uses: dict[str, int] = field(default_factory=dict[str, int], repr=False)

    def refused(self) -> int | None:
        """Count a request; the status it is refused with, or None."""
        self.requests += 1
        if self.busy_every and self.requests % self.busy_every == 0:
            return 429
        if self.broken_every and self.requests % self.broken_every == 0:
            return 502
        return None

    def used_up(self, token: str) -> bool:
        """Count a use of a token; whether it was one too many."""
        if not self.token_uses:
            return False
        self._uses[token] = self._uses.get(token, 0) + 1
        return self._uses[token] > self.token_uses
