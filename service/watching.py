"""Watching a run from a command: its timeline as it grows, and how it ended."""

from typing import TYPE_CHECKING, Any

from seezar.errors import RunTimedOut, SeezarError

if TYPE_CHECKING:
    from seezar.accounts import Run
    from workflows.client import Client

# A run may have had to queue before its own time began.
_QUEUED_S = 60.0


async def watched(client: "Client", run: "Run", *, timeout: float, after: int = 0) -> dict[str, Any]:
    """Print the timeline of a run until it has ended or waits for a person; returns its result.

    A run that is not finished in time is a result, not an error: it goes on.

    Args:
        timeout: seconds to watch.
        after: only events behind the one of this id.
    """
    from service.timeline import Timeline

    try:
        await Timeline().show(client.follow(run.id, timeout=timeout, after=after))
        return await client.result(run.id)
    except SeezarError as error:
        run = await client.application.runs.get(run.id)
        status = error.status if isinstance(error, RunTimedOut) or not run.finished else run.status
        known = {"status": status, "attempts": run.attempts, "model_calls": run.model_calls, "reason": str(error)}
        return {**known, "account": run.account, "run_id": run.id}


def patience(client: "Client") -> float:
    """Seconds in which a run should be done that nobody has given another deadline."""
    return client.application.settings.sign_in_timeout + _QUEUED_S
