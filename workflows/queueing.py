"""Putting work into the queues: one sign-in an account, and the answer of a person to the run that waits for it.

The row of the run comes first and says who is first; the workflow is queued after it.
"""

import secrets
from typing import Any

from dbos import DBOSClient, EnqueueOptions
from sqlalchemy.exc import DBAPIError

from seezar.accounts import Run
from seezar.accounts.questions import REPLACED, answer_number, attaches
from seezar.application import Application
from seezar.errors import DatabaseUnavailable
from workflows.names import (
    ANSWER_SIGN_IN,
    APPLICATION_VERSION,
    QUEUE_BROWSER,
    QUEUE_SIGN_IN,
    SIGN_IN,
)


class Queueing:
    """Queues runs; used by clients and, for what it does by itself, by the worker."""

    def __init__(self, application: Application, dbos: DBOSClient) -> None:
        self._app = application
        self._dbos = dbos

    async def sign_in(self, account: str, *, fresh: bool = False, timeout: float | None = None) -> str:
        """Queue a sign-in or attach to the one of the account that is under way; returns the run id.

        A run that waits for a person is attached to or replaced: `seezar.accounts.questions.attaches` decides.

        Args:
            fresh: do not use the stored session.
            timeout: deadline of the run, seconds; the setting when None.
        """
        runs = self._app.runs
        while True:
            run_id = _new_id(SIGN_IN, account)
            # One at a time for an account: two at once would fight over the site's session and its codes.
            if await runs.create(run_id, kind=SIGN_IN, account=account):
                await self._queue_new(SIGN_IN, QUEUE_SIGN_IN, run_id, account, {"fresh": fresh, "timeout": timeout})
                return run_id
            under_way = await runs.open_sign_in(account)
            if under_way is None:
                # It has just ended.
                continue
            if not under_way.waiting or attaches(under_way, fresh=fresh):
                return under_way.id
            await self._app.questions.end(under_way.id, reason=REPLACED)

    async def start(self, workflow: str, account: str, *arguments: Any) -> str:
        """Queue a run of the browser queue; returns its id."""
        run_id = _new_id(workflow, account)
        await self._app.runs.create(run_id, kind=workflow, account=account)
        await self._queue_new(workflow, QUEUE_BROWSER, run_id, account, *arguments)
        return run_id

    async def answer(self, run_id: str, value: str | None) -> Run:
        """Answer the question of a run, which then goes on; returns the run.

        Raises:
            RunUnknown, NotWaiting, AnsweredAlready, QuestionExpired, InvalidInput: as `Questions.answer`.
        """
        run = await self._app.questions.answer(run_id, value)
        await self.go_on(run)
        return run

    async def go_on(self, run: Run) -> None:
        """Queue the workflow that works on the answer of a run; one that was queued before is left alone."""
        assert run.account is not None
        await self._queue(
            ANSWER_SIGN_IN, QUEUE_SIGN_IN, run.workflow_id, run.account, run.id, answer_number(run.workflow_id)
        )

    async def _queue_new(self, workflow: str, queue: str, run_id: str, *arguments: Any) -> None:
        try:
            await self._queue(workflow, queue, run_id, *arguments)
        except BaseException:
            await self._app.runs.discard(run_id)
            raise

    async def _queue(self, workflow: str, queue: str, workflow_id: str, *arguments: Any) -> None:
        options: EnqueueOptions = {
            "workflow_name": workflow,
            "queue_name": queue,
            "workflow_id": workflow_id,
            "app_version": APPLICATION_VERSION,
        }
        try:
            await self._dbos.enqueue_async(options, *arguments)
        except DBAPIError as error:
            # Its own text quotes the statement.
            raise DatabaseUnavailable(
                f"The queue cannot be reached ({type(error.orig).__name__}).",
                kept="Everything that was stored is still there.",
                next_step="Check that the database runs (seezar doctor) and try again.",
            ) from None


def _new_id(workflow: str, account: str) -> str:
    return f"{workflow.replace('_', '-')}-{account}-{secrets.token_hex(6)}"
