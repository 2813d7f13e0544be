"""What the gate decided for one identity, for the timeline and for the reason of a run: hosts, never a path."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from seezar.egress.errors import Why
from seezar.egress.hosts import WEB_PORTS, Destination

type Way = Literal["origin", "same_site", "allowed", "declared"]
"""Why a host may be reached: an origin of the account, the same site, allowed by the owner, declared by the site."""

# A page can make up as many names as it likes.
_MOST: Final = 100
_SHOWN: Final = 20


@dataclass
class Refused:
    """What was refused of one host: how often, by which rules, and what it was to be (script, image …)."""

    count: int = 0
    why: set[Why] = field(default_factory=set[Why])
    kinds: set[str] = field(default_factory=set[str])


class Decisions:
    """The decisions of one policy."""

    def __init__(self) -> None:
        self.allowed: dict[str, Way] = {}
        self.refused: dict[str, Refused] = {}
        self.unreachable: dict[str, str] = {}
        self.beyond = 0
        self._kinds: dict[str, set[str]] = {}
        self._told: Counter[str] = Counter()
        self._told_allowed: set[str] = set()

    def wanted(self, host: str, kind: str) -> None:
        """A page wants something of `kind` (Playwright's resource types) from `host`."""
        if host in self._kinds or len(self._kinds) < _MOST:
            self._kinds.setdefault(host, set()).add(kind)

    def allow(self, host: str, way: Way) -> None:
        """`host` was let through."""
        if len(self.allowed) < _MOST:
            self.allowed.setdefault(host, way)

    def refuse(self, where: Destination, why: Why) -> None:
        """`where` was refused; it is told with its port where that is none of the web's."""
        host = where.host if where.port in WEB_PORTS else where.authority
        if host not in self.refused and len(self.refused) >= _MOST:
            self.beyond += 1
            return
        refused = self.refused.setdefault(host, Refused(kinds=self._kinds.setdefault(where.host, set())))
        refused.count += 1
        refused.why.add(why)

    def fail(self, host: str, error: str) -> None:
        """`host` is allowed and could not be reached."""
        if len(self.unreachable) < _MOST:
            self.unreachable[host] = error

    def news(self) -> dict[str, Any]:
        """What is not told yet, for an event; empty when there is nothing. It counts as told from now on."""
        # That the account's own origins are let through is no news.
        allowed = [host for host, way in self.allowed.items() if way != "origin" and host not in self._told_allowed]
        self._told_allowed.update(allowed)
        counts = {host: refused.count - self._told[host] for host, refused in self.refused.items()}
        refused = [(host, count) for host, count in counts.items() if count]
        self._told.update(dict(refused))
        refused.sort(key=lambda entry: -entry[1])
        told: dict[str, Any] = {}
        if allowed:
            told["allowed"] = [{"host": host, "by": self.allowed[host]} for host in allowed[:_SHOWN]]
        if refused:
            told["refused"] = [
                {
                    "host": host,
                    "count": count,
                    "why": sorted(self.refused[host].why),
                    "kinds": sorted(self.refused[host].kinds),
                }
                for host, count in refused[:_SHOWN]
            ]
        more = max(0, len(refused) - _SHOWN) + self.beyond
        if more:
            told["more_refused"] = more
            self.beyond = 0
        return told
