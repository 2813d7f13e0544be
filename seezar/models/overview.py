"""The model pool as people are shown it: who can be asked, who cannot and until when, what is left of each quota."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from seezar.models.choice import Idle, Limit
from seezar.models.failures import Failure
from seezar.models.ledger import Usage
from seezar.models.pool import Deployment
from seezar.models.router import ModelRouter


@dataclass(frozen=True, slots=True)
class Standing:
    """One deployment.

    Attributes:
        missing: variables that are not set; then it is not in the pool.
        idle: why it is not asked now, and until when.
        today: what it was asked today (UTC).
    """

    deployment: Deployment
    missing: tuple[str, ...]
    idle: Idle | None
    today: Usage


@dataclass(frozen=True, slots=True)
class Trial:
    """What one deployment said when it was asked: `text`, or why not; `seconds` as the caller waited."""

    deployment: Deployment
    seconds: float
    text: str
    failure: Failure | None


async def standings(router: ModelRouter) -> list[Standing]:
    """All deployments of the file, group by group, tier by tier; those without a key last."""
    known = await router.ledger.known()
    rows = [
        Standing(d, (), router.choice.idle(d, known), known.today.get(d.name, Usage())) for d in router.pool.deployments
    ]
    return rows + [Standing(d, router.pool.missing(d), None, Usage()) for d in router.pool.left_out]


async def limits(router: ModelRouter) -> list[Limit]:
    """What is used of the quotas of the deployments that can be asked."""
    known = await router.ledger.known()
    quotas = {deployment.quota.name: deployment.quota for deployment in router.pool.deployments}
    return [limit for name in sorted(quotas) for limit in router.choice.limits(quotas[name], known)]


async def trials(router: ModelRouter, only: str | None = None) -> AsyncIterator[Trial]:
    """Ask each deployment for a word, whether it rests or not; what it says is noted like any other answer.

    Args:
        only: a group or the name of a deployment.

    Raises:
        ModelRequestForbidden: requests are switched off.
    """
    asked: set[str] = set()
    for deployment in router.pool.deployments:
        if deployment.is_offline or deployment.name in asked or not deployment.is_chat:
            continue
        if only is not None and only not in (deployment.group, deployment.name):
            continue
        asked.add(deployment.name)
        began = time.monotonic()
        text, failure = await router.probe(deployment)
        yield Trial(deployment, time.monotonic() - began, text, failure)
