"""Which deployment is asked next: tiers in their order, in a tier whoever was asked longest ago, nobody who rests."""

import time
from collections import deque
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

from seezar.models.ledger import Known, Usage, next_day, next_month
from seezar.models.pool import Deployment, Pool, Quota

_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Idle:
    """Why a deployment is not asked now, and until when (epoch seconds)."""

    reason: str
    until: float


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a quota: `used` of `most`, until `resets_at` (epoch seconds)."""

    quota: str
    unit: str
    most: int
    used: int
    resets_at: float


class Choice:
    """Chooses among the deployments of a pool.

    Args:
        pool: what may be asked.
        clock: epoch seconds.
    """

    def __init__(self, pool: Pool, *, clock: Callable[[], float] = time.time) -> None:
        self.pool = pool
        self._clock = clock
        self._asked: dict[str, deque[float]] = {}
        # Those that failed before and are asked again to see: one request each, the others go elsewhere.
        self._on_trial: set[str] = set()

    def next(
        self, groups: Sequence[str], known: Known, tried: Container[str], *, model: str | None = None
    ) -> Deployment | None:
        """The deployment to ask, of the first of `groups` that has one; None when there is none.

        Args:
            groups: in the order in which they are asked.
            known: what is known of all deployments.
            tried: names of those that were asked already.
            model: only deployments of this one.
        """
        for group in groups:
            fitting = [d for d in self.pool.of(group) if d.name not in tried and model in (None, d.model)]
            ready = [d for d in fitting if self.idle(d, known) is None]
            if ready:
                return min(ready, key=lambda d: (d.order, self._last(d.name)))
        return None

    def idle(self, deployment: Deployment, known: Known) -> Idle | None:
        """Why a deployment cannot be asked now; None when it can."""
        now, rest = self._clock(), known.rests.get(deployment.name)
        if rest is not None and rest.until > now:
            return Idle(rest.kind, rest.until)
        if rest is not None and deployment.name in self._on_trial:
            return Idle("on trial", now)
        return self._spent(deployment.quota, known) or self._crowded(deployment)

    def begin(self, deployment: Deployment, known: Known) -> None:
        """A request to the deployment begins."""
        for window in {deployment.name, deployment.quota.name}:
            asked = self._asked.setdefault(window, deque())
            asked.append(self._clock())
            self._forget(asked)
        if deployment.name in known.rests:
            self._on_trial.add(deployment.name)

    def end(self, deployment: Deployment) -> None:
        """The request has ended, however it did."""
        self._on_trial.discard(deployment.name)

    def _last(self, name: str) -> float:
        asked = self._asked.get(name)
        return asked[-1] if asked else 0.0

    def limits(self, quota: Quota, known: Known) -> list[Limit]:
        """What is used of a quota, by all deployments that have it in common."""
        names, now = self.pool.under(quota.name), self._clock()
        today = sum((known.today.get(name, Usage()) for name in names), Usage())
        month = sum((known.month.get(name, Usage()) for name in names), Usage())
        limits = (
            ("requests a month", quota.requests_per_month, month.requests, next_month),
            ("requests a day", quota.requests_per_day, today.requests, next_day),
            ("tokens a day", quota.tokens_per_day, today.tokens, next_day),
        )
        return [Limit(quota.name, unit, most, used, anew(now)) for unit, most, used, anew in limits if most is not None]

    def _spent(self, quota: Quota, known: Known) -> Idle | None:
        for limit in self.limits(quota, known):
            if limit.used >= limit.most:
                return Idle(f"{limit.most:,} {limit.unit} spent", limit.resets_at)
        return None

    def _crowded(self, deployment: Deployment) -> Idle | None:
        asked, most = self._asked.get(deployment.quota.name), deployment.quota.requests_per_minute
        if asked is None or most is None:
            return None
        self._forget(asked)
        recent = [at for at in asked if at > self._clock() - _MINUTE_S]
        return Idle("requests of the minute spent", recent[0] + _MINUTE_S) if len(recent) >= most else None

    def _forget(self, asked: deque[float]) -> None:
        """Those that are older than a minute; the last one stays, which tells whose turn it is."""
        while len(asked) > 1 and asked[0] <= self._clock() - _MINUTE_S:
            asked.popleft()
