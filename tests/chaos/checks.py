"""What must be true after every case, whatever was killed."""

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from playground.world import DemoAccount
from seezar.errors import DatabaseUnavailable, RunTimedOut
from tests.chaos.world import ChaosWorld

_QUIET_S = 30.0


@dataclass
class Found:
    """What one run has come to.

    Attributes:
        kills: while the run was under way.
        faults: what must not be.
        recovery_s: from each kill to the next line of its timeline.
        added_s: how much longer it took than an undisturbed run of its kind.
    """

    case: str
    run_id: str
    status: str
    seconds: float
    kills: int = 0
    passwords: int = 0
    extra_codes: int = 0
    extra_passwords: int = 0
    reused: int = 0
    duplicate_sessions: int = 0
    lost: int = 0
    faults: list[str] = field(default_factory=list[str])
    recovery_s: list[float] = field(default_factory=list[float])
    added_s: float | None = None


async def examine(
    chaos: ChaosWorld,
    account: DemoAccount,
    run_id: str,
    result: dict[str, Any],
    *,
    case: str,
    began: float,
    kills: Sequence[float],
    expected: str,
    usual_s: float | None = None,
) -> Found:
    """Judge a run that has ended.

    Args:
        began: when it was asked for, epoch seconds.
        kills: when something was killed while it was under way, epoch seconds.
        expected: the status that it must have.
        usual_s: seconds that an undisturbed run of its kind takes.
    """
    deeds = chaos.world.state.deeds(account.shape, account.username, since=began)
    count = {what: sum(deed.what == what for deed in deeds) for what in ("password", "mail", "reused")}
    seconds = time.time() - began
    found = Found(
        case=case,
        run_id=run_id,
        status=str(result["status"]),
        seconds=round(seconds, 3),
        kills=len(kills),
        passwords=count["password"],
        extra_codes=max(0, count["mail"] - 1),
        extra_passwords=max(0, count["password"] - 1),
        reused=count["reused"],
        added_s=None if usual_s is None else round(seconds - usual_s, 3),
    )
    if found.status != expected:
        found.lost = 1
        found.faults.append(f"it ended as {found.status}, not {expected}: {result.get('reason')}")
    if found.extra_codes > len(kills):
        found.faults.append(f"{found.extra_codes} more codes than one for {len(kills)} kills")
    if found.extra_passwords > len(kills):
        found.faults.append(f"the password was sent {count['password']} times with {len(kills)} kills")
    if found.reused:
        found.faults.append("a code was used twice")
    _sessions(chaos, account.name, run_id, found, expected)
    _refused(chaos, run_id, [deed.at for deed in deeds if deed.what == "password"], found)
    found.recovery_s = await _recoveries(chaos, run_id, kills)
    return found


async def outcome(chaos: ChaosWorld, run_id: str, *, timeout: float = 150.0) -> dict[str, Any]:
    """The result of a run. A database that is starting again is asked again; one that never ends is told as such."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            return await chaos.world.client.result(run_id, timeout=max(0.1, deadline - time.monotonic()))
        except RunTimedOut:
            return {"status": "never ended", "reason": f"nothing within {timeout:.0f} s"}
        except DatabaseUnavailable as error:
            if time.monotonic() > deadline:
                return {"status": "never ended", "reason": str(error)}
            await asyncio.sleep(0.2)


def _sessions(chaos: ChaosWorld, account: str, run_id: str, found: Found, expected: str) -> None:
    rows = chaos.witness("SELECT run_id FROM app.session WHERE account = %s", account)
    stored = chaos.witness("SELECT DISTINCT id FROM chaos.stored WHERE run_id = %s", run_id)
    wanted = 1 if expected == "signed_in" else 0
    found.duplicate_sessions = max(0, len(stored) - wanted)
    if len(stored) != wanted:
        found.faults.append(f"{len(stored)} sessions were stored for the run")
    if wanted and rows != [(run_id,)]:
        found.faults.append(f"the current session is not the one of the run: {rows}")


def _refused(chaos: ChaosWorld, run_id: str, sent: list[float], found: Found) -> None:
    noted = chaos.witness(
        "SELECT extract(epoch FROM min(at))::float8 FROM chaos.noted WHERE run_id = %s AND outcome = 'bad_credentials'",
        run_id,
    )[0][0]
    if isinstance(noted, float) and any(at > noted for at in sent):
        found.faults.append("the password was sent again after it had been refused")


async def _recoveries(chaos: ChaosWorld, run_id: str, kills: Sequence[float]) -> list[float]:
    events = [event.at.timestamp() for event in await chaos.world.application.runs.events(run_id)]
    nexts = [min((at for at in events if at > kill), default=None) for kill in kills]
    return [round(at - kill, 3) for at, kill in zip(nexts, kills, strict=True) if at is not None]


async def aftermath(chaos: ChaosWorld) -> list[str]:
    """What is left over although no run is under way: faults."""
    faults: list[str] = []
    if not await seen(lambda: not chaos.open_workflows(), timeout=_QUIET_S):
        left = chaos.open_workflows()
        faults.append(f"stuck in the queue: {', '.join(left)}")
    if orphans := await chaos.crew.orphans():
        faults.append(f"{len(orphans)} orphans: {', '.join(sorted({process.name() for process in orphans}))}")
    if contexts := await chaos.crew.leaked_contexts():
        faults.append(f"{contexts} browser contexts are still open")
    return faults


async def seen(condition: Callable[[], bool], *, timeout: float = 30.0) -> bool:
    """Wait until `condition` holds, so many seconds at most; returns whether it does."""
    deadline = time.monotonic() + timeout
    while not (holds := condition()) and time.monotonic() < deadline:  # noqa: ASYNC110 - it looks at files and processes
        await asyncio.sleep(0.05)
    return holds


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that `share` of all do not exceed."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def summary(found: Sequence[Found], faults: Sequence[str], *, kills: int) -> dict[str, Any]:
    """The figures of many runs.

    Args:
        faults: left over at the end.
        kills: all that were done.
    """
    recoveries = [seconds for one in found for seconds in one.recovery_s]
    added = [one.added_s for one in found if one.added_s is not None and one.kills]
    return {
        "runs": len(found),
        "kills": kills,
        "runs hit": sum(one.kills > 0 for one in found),
        "recoveries": len(recoveries),
        "extra codes": sum(one.extra_codes for one in found),
        "extra passwords": sum(one.extra_passwords for one in found),
        "duplicate sessions": sum(one.duplicate_sessions for one in found),
        "lost runs": sum(one.lost for one in found),
        "double uses of a code": sum(one.reused for one in found),
        "left over": len(faults),
        "other faults": sum(len(one.faults) for one in found),
        "recovery p50 s": statistics.median(recoveries) if recoveries else None,
        "recovery p95 s": percentile(recoveries, 0.95),
        "recovery max s": max(recoveries, default=None),
        "added p50 s": statistics.median(added) if added else None,
        "added p95 s": percentile(added, 0.95),
    }


ZEROS = ("duplicate sessions", "lost runs", "double uses of a code", "left over", "other faults")
"""The figures that must be zero."""


def rows(found: Sequence[Found]) -> list[dict[str, Any]]:
    """For a JSON file."""
    return [asdict(one) for one in found]
