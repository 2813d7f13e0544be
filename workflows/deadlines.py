"""Runs that hang: their deadline is long past, and their workflow does not come to its end."""

import logging
import time

from dbos import DBOS

from seezar.accounts.records import result_without_end
from seezar.application import Application
from seezar.signin.lives import SignInLives

_log = logging.getLogger("seezar.worker")

# A run ends by itself at its deadline; so many seconds after it, that was seen to fail.
GRACE_S = 60.0


class Deadlines:
    """Ends the runs that hang, for as long as this worker is there."""

    def __init__(self, application: Application, lives: SignInLives) -> None:
        self._app = application
        self._lives = lives
        self._grace = GRACE_S
        self._since = time.monotonic()

    async def keep(self) -> list[str]:
        """Call it at every beat; returns the ids of the runs that were ended.

        Raises:
            DatabaseUnavailable: it does not answer.
        """
        # What a dead worker left has only just been taken up, and ends by itself.
        if time.monotonic() - self._since < self._grace:
            return []
        overdue = await self._app.runs.overdue(grace=self._grace)
        # One that was handed over waits for its turn, and is told of its deadline when it comes.
        queued = await self._queued([run.workflow_id for run in overdue])
        for run in overdue:
            if run.workflow_id in queued:
                continue
            _log.warning("the run %s hangs; it is ended", run.id)
            reason = (
                f"The run did not end by itself within {self._grace:.0f} s after its deadline, and was stopped. "
                "What it stored before is kept, and nothing more is sent to the site."
            )
            await DBOS.cancel_workflow_async(run.workflow_id)
            await self._app.attempts.close(run.id, "unknown")
            await self._app.runs.event(run.id, "done", f"unknown: {reason}")
            result = result_without_end(run, "unknown", reason)
            await self._app.runs.finish(run.id, "unknown", reason=reason, result=result)
            await self._lives.drop(run.id)
        return [run.id for run in overdue if run.workflow_id not in queued]

    async def _queued(self, workflows: list[str]) -> set[str]:
        if not workflows:
            return set()
        found = await DBOS.list_workflows_async(
            workflow_ids=workflows, status=["ENQUEUED", "DELAYED"], load_input=False, load_output=False
        )
        return {workflow.workflow_id for workflow in found}
