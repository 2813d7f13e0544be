"""Putting work into the queues: one sign-in an account, and the answer of a person to the run that waits for it.

The row of the run comes first and says who is first, in which order, and what was asked for; the workflow is queued
after it, by a worker where the caller has died in between.
"""

import secrets
from typing import Any

from dbos import DBOSClient, EnqueueOptions
from sqlalchemy.exc import DBAPIError

from seezar.accounts import Run
from seezar.accounts.idempotency_keys import checked_key, digest_of
from seezar.accounts.questions import REPLACED, answer_number, attaches
from seezar.accounts.records import INTERACTIVE, SCHEDULED
from seezar.application import Application
from seezar.errors import DatabaseUnavailable, QueueFull
from seezar.telemetry.spans import ACCOUNT, RUN_ID, asked_by, context_below, spans
from workflows.names import (
    ANSWER_SIGN_IN,
    APPLICATION_VERSION,
    EXTRACT,
    QUEUE_BROWSER,
    QUEUE_EXTRACT,
    QUEUE_REPORT,
    QUEUE_SIGN_IN,
    REEMBED,
    REPORT,
    SIGN_IN,
)


class Queueing:
    """Queues runs; used by clients and, for what it does by itself, by the worker.

    What the worker asks for by itself is `scheduled`: it comes after what people ask for, and is never refused.
    """

    def __init__(self, application: Application, dbos: DBOSClient) -> None:
        self._app = application
        self._dbos = dbos

    async def sign_in(
        self,
        account: str,
        *,
        fresh: bool = False,
        timeout: float | None = None,
        key: str | None = None,
        scheduled: bool = False,
    ) -> str:
        """Queue a sign-in or attach to the one of the account that is under way; returns the run id.

        A run that waits for a person is attached to or replaced: `seezar.accounts.questions.attaches` decides.

        Args:
            fresh: do not use the stored session.
            timeout: deadline of the run, seconds; the setting when None.
            key: the same key with the same request is the same run, whatever has become of it.

        Raises:
            QueueFull: as many runs as may be are queued.
            IdempotencyConflict: the key was used for another request.
        """
        runs, options = self._app.runs, {"fresh": fresh, "timeout": timeout}
        named = _named(key, SIGN_IN, account, options)
        while True:
            if named is not None and (known := await self._app.idempotency_keys.run_of(*named)) is not None:
                return known
            # One at a time for an account: two at once would fight over the site's session and its codes.
            full: QueueFull | None = None
            try:
                run_id = await self._new(SIGN_IN, account, options, named=named, scheduled=scheduled)
                if run_id is not None:
                    return run_id
            except QueueFull as error:
                full = error
            under_way = await runs.open_sign_in(account)
            if under_way is None:
                if full is not None:
                    raise full
                # It has just ended.
                continue
            if not under_way.waiting or attaches(under_way, fresh=fresh):
                if named is None or await self._app.idempotency_keys.attach(*named, under_way.id):
                    return under_way.id
                continue
            await self._app.questions.end(under_way.id, reason=REPLACED)

    async def start(
        self, workflow: str, account: str, *arguments: Any, key: str | None = None, scheduled: bool = False
    ) -> str:
        """Queue a run of the browser queue; returns its id.

        Args:
            key: as of `sign_in`.

        Raises:
            QueueFull, IdempotencyConflict, InvalidInput: as `sign_in`.
        """
        named = _named(key, workflow, account, *arguments)
        while True:
            if named is not None and (known := await self._app.idempotency_keys.run_of(*named)) is not None:
                return known
            run_id = await self._new(workflow, account, *arguments, named=named, scheduled=scheduled)
            if run_id is not None:
                return run_id

    async def extract(self, account: str, name: str, *, key: str | None = None, scheduled: bool = False) -> str:
        """Queue a run of an extraction or attach to the one of this account that is under way; returns the run id.

        Args:
            name: of the extraction.
            key: as of `sign_in`.

        Raises:
            QueueFull, IdempotencyConflict, InvalidInput: as `sign_in`.
        """
        named = _named(key, EXTRACT, account, name)
        while True:
            if named is not None and (known := await self._app.idempotency_keys.run_of(*named)) is not None:
                return known
            run_id = await self._new(EXTRACT, account, name, named=named, scheduled=scheduled)
            if run_id is not None:
                return run_id
            under_way = await self._app.runs.open_extraction(account, name)
            if under_way is not None and (
                named is None or await self._app.idempotency_keys.attach(*named, under_way.id)
            ):
                return under_way.id

    async def reembed(self, collection: str, model: str, *, key: str | None = None) -> str:
        """Queue the re-embedding of a collection or attach to the one under way; returns the run id.

        Args:
            key: as of `sign_in`.

        Raises:
            QueueFull, IdempotencyConflict, InvalidInput: as `sign_in`.
        """
        named = _named(key, REEMBED, None, collection, model)
        while True:
            if named is not None and (known := await self._app.idempotency_keys.run_of(*named)) is not None:
                return known
            run_id = await self._new(REEMBED, None, collection, model, named=named, scheduled=False)
            if run_id is not None:
                return run_id
            under_way = await self._app.runs.open_reembedding(collection)
            if under_way is not None and (
                named is None or await self._app.idempotency_keys.attach(*named, under_way.id)
            ):
                return under_way.id

    async def answer(self, run_id: str, value: str | None, *, key: str | None = None) -> Run:
        """Answer the question of a run, which then goes on; returns the run.

        Args:
            key: names this answer: repeated with the same key it is the same one, whatever has become of the run.

        Raises:
            RunUnknown, NotWaiting, AnsweredAlready, QuestionExpired, InvalidInput, IdempotencyConflict: as
                `Questions.answer`.
        """
        # Without the value: not even a digest of a code is kept.
        run = await self._app.questions.answer(run_id, value, key=_named(key, ANSWER_SIGN_IN, run_id))
        if not (run.finished or run.waiting):
            await self.go_on(run)
        return run

    async def go_on(self, run: Run) -> bool:
        """Queue the workflow that is to work on a run; one that was queued before is left alone.

        Returns:
            False when that cannot be: the run is of an older version, which did not write down what was asked for.
        """
        if run.workflow_id != run.id:
            number = answer_number(run.workflow_id)
            await self._queue(ANSWER_SIGN_IN, run, run.account, run.id, number)
            return True
        arguments = await self._app.runs.arguments(run.id)
        if arguments is None:
            return False
        await self._queue(run.kind, run, run.account, *arguments)
        return True

    async def _new(
        self, workflow: str, account: str | None, *arguments: Any, named: tuple[str, str] | None, scheduled: bool
    ) -> str | None:
        # What belongs to no account is named by what it is about.
        run_id = f"{workflow.replace('_', '-')}-{account or arguments[0]}-{secrets.token_hex(6)}"
        about = {RUN_ID: run_id, **({} if account is None else {ACCOUNT: account})}
        # Short, and so told before anything can happen to this process: the run hangs below it.
        with spans.span(f"queue {workflow}", about, kind="PRODUCER"):
            traceparent = spans.carrier()
            priority = await self._app.runs.create(
                run_id,
                kind=workflow,
                account=account,
                arguments=arguments,
                priority=SCHEDULED if scheduled else INTERACTIVE,
                most=0 if scheduled else self._app.settings.max_queued,
                key=named,
                trace=None if traceparent is None else {"traceparent": traceparent, **asked_by()},
            )
            if priority is None:
                return None
            try:
                await self._put(workflow, queue_of(workflow), run_id, priority, traceparent, account, *arguments)
            except BaseException:
                await self._app.runs.discard(run_id)
                raise
        return run_id

    async def _queue(self, workflow: str, run: Run, *arguments: Any) -> None:
        queue = QUEUE_SIGN_IN if workflow == ANSWER_SIGN_IN else queue_of(workflow)
        await self._put(workflow, queue, run.workflow_id, run.priority, run.traceparent, *arguments)

    async def _put(
        self, workflow: str, queue: str, workflow_id: str, priority: int, traceparent: str | None, *arguments: Any
    ) -> None:
        options: EnqueueOptions = {
            "workflow_name": workflow,
            "queue_name": queue,
            "workflow_id": workflow_id,
            "app_version": APPLICATION_VERSION,
            "priority": priority,
        }
        if spans.on and (context := context_below(traceparent)) is not None:
            # Stored with the workflow, which goes on with it also when it is taken up again.
            options["otel_context"] = context
        try:
            await self._dbos.enqueue_async(options, *arguments)
        except DBAPIError as error:
            # Its own text quotes the statement.
            raise DatabaseUnavailable(
                f"The queue cannot be reached ({type(error.orig).__name__}).",
                kept="Everything that was stored is still there.",
                next_step="Check that the database runs (seezar doctor) and try again.",
            ) from None


def queue_of(workflow: str) -> str:
    """The queue of a kind of runs."""
    return {SIGN_IN: QUEUE_SIGN_IN, EXTRACT: QUEUE_EXTRACT, REPORT: QUEUE_REPORT, REEMBED: QUEUE_REPORT}.get(
        workflow, QUEUE_BROWSER
    )


def _named(key: str | None, workflow: str, account: str | None, *arguments: Any) -> tuple[str, str] | None:
    """The key and what it stands for, as the tables have it."""
    return None if key is None else (checked_key(key), digest_of(workflow, account, arguments))
