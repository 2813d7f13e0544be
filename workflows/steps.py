"""What the steps of several workflows have in common."""

from typing import Any

from seezar.errors import DatabaseUnavailable
from seezar.signin.credentials import Report
from seezar.telemetry.spans import spans
from workflows.runtime import runtime


def _database_away(error: BaseException) -> bool:
    return isinstance(error, DatabaseUnavailable)


# A database that is starting again is waited for; what a step has done to a site is never done again this way.
PATIENT: dict[str, Any] = {
    "retries_allowed": True,
    "max_attempts": 8,
    "interval_seconds": 0.5,
    "backoff_rate": 1.7,
    "should_retry": _database_away,
}


def reporter(run_id: str) -> Report:
    """Writes to the timeline of a run."""
    runs = runtime().application.runs

    async def report(step: str, message: str, **detail: Any) -> None:
        spans.event(step, {"message": message})
        await runs.event(run_id, step, message, **detail)

    return report
