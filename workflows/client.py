"""How every other process asks for work: queue a run, attach to it, watch it. Nothing is done here."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from typing import Any, Self

from dbos import DBOSClient
from sqlalchemy.exc import DBAPIError

from seezar.accounts import Run, RunEvent
from seezar.accounts.adoptions import PARKED
from seezar.accounts.records import result_of_waiting, result_without_end
from seezar.application import Application
from seezar.errors import DatabaseUnavailable, InvalidInput, RunTimedOut
from seezar.extraction.definitions import definition_of
from seezar.reporting.requests import ReportRequest
from seezar.reporting.schedules import Schedule
from seezar.settings import Settings, get_settings
from seezar.telemetry.spans import RUN_ID, spans, trace_id
from workflows import engine
from workflows.adoption import is_stranded, take_up
from workflows.clock import put
from workflows.ground import WORKER_READY, ensure_running
from workflows.names import (
    ACT_ON_PAGE,
    CHECK_SESSION,
    DOWNLOAD,
    EXTRACT,
    EXTRACT_FROM_PAGE,
    LOCK_READY,
    OPEN_PAGE,
    READ_ROWS,
    REPORT,
    SIGN_IN,
    SIGN_OUT,
)
from workflows.queueing import Queueing, queue_of
from workflows.trying_again import arguments_for

_log = logging.getLogger("seezar.client")

# How often a waiting client makes sure that a worker is still there.
_CHECK_S = 3.0


class Client:
    """Asks the workers. Bound to the event loop that connected it.

    `application` gives the stores: accounts, sessions, runs, pages, mailboxes, knowledge.
    """

    def __init__(self, application: Application, dbos: DBOSClient) -> None:
        self.application = application
        self._dbos = dbos
        self._queueing = Queueing(application, dbos)

    @classmethod
    async def connect(
        cls, settings: Settings | None = None, *, name: str = "seezar-client", worker: bool = True
    ) -> Self:
        """Bring up database and worker where they are missing, and connect.

        Args:
            settings: those of this process when None.
            name: shown in `pg_stat_activity`; starts with `seezar-client`, which keeps the worker alive.
            worker: False when only the database is needed.

        Raises:
            DatabaseUnavailable, DatabaseTooNew, SettingsInvalid, KeyUnusable, WorkerUnavailable: see there.
        """
        settings = settings or get_settings()
        url = await asyncio.to_thread(ensure_running, settings, worker=worker)
        application = await Application.open(settings, url, application_name=name)
        return cls(application, engine.client(url))

    async def close(self) -> None:
        """Close the connections; runs go on."""
        await asyncio.to_thread(self._dbos.destroy)
        await self.application.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def sign_in(
        self, account: str, *, fresh: bool = False, timeout: float | None = None, key: str | None = None
    ) -> str:
        """Queue a sign-in, or attach to the one of this account that is under way; returns the run id.

        A run that waits for a person is attached to when its code or approval is about to come, else replaced.

        Args:
            fresh: do not use the stored session.
            timeout: deadline of the run, seconds; the setting when None.
            key: names this request, as every starter takes it: repeated with the same key, it is the same run, also in
                another process, and after the run has ended.

        Raises:
            AccountUnknown: no such account.
            QueueFull: as many runs as may be are queued.
            IdempotencyConflict: the key was used for another request.
            InvalidInput: that cannot be a key.
        """
        await self.application.accounts.get(account)
        await self._ensure_worker()
        return await self._queueing.sign_in(account, fresh=fresh, timeout=timeout, key=key)

    async def answer(self, run_id: str, value: str | None = None, *, key: str | None = None) -> Run:
        """Answer the question of a run that waits for a person; it goes on. Returns the run.

        Args:
            value: the code that was asked for; None for an approval that was given, terms that are accepted, or a
                captcha or passkey that was dealt with. Stored encrypted, deleted once it has been used.
            key: names this answer: repeated with the same key, it is attached to, in whatever state the run is then.

        Raises:
            RunUnknown: no such run.
            NotWaiting: it asks nothing, or has ended.
            AnsweredAlready: an answer is on its way.
            QuestionExpired: nobody is waited for any longer.
            InvalidInput: the value cannot be what was asked for; the run still waits.
            IdempotencyConflict: the key was used for something else.
        """
        await self._ensure_worker()
        return await self._queueing.answer(run_id, value, key=key)

    async def sign_out(self, account: str, *, local: bool = False, key: str | None = None) -> str:
        """Queue a sign-out; returns the run id.

        Args:
            local: only forget the stored session; the site is not told.

        Raises: as `sign_in`.
        """
        return await self._start(SIGN_OUT, account, {"local": local}, key=key)

    async def check_session(self, account: str, *, key: str | None = None) -> str:
        """Queue a question to the site whether the stored session still works; returns the run id.

        Raises: as `sign_in`.
        """
        return await self._start(CHECK_SESSION, account, key=key)

    async def open_page(
        self, account: str, url: str | None = None, *, foreign: bool = False, key: str | None = None
    ) -> str:
        """Queue a visit to `url` (or the account's verify URL); returns the run id.

        Args:
            foreign: a person has said that `url`, which is on no origin of the account, may be opened: without the
                session, and as far as the account's browser may go.

        Raises: as `sign_in`.
        """
        return await self._start(OPEN_PAGE, account, url, *([True] if foreign else []), key=key)

    async def act_on_page(
        self, account: str, instruction: str, url: str | None = None, *, agreed: str = "", key: str | None = None
    ) -> str:
        """Queue one action on the page `url` (or the account's verify URL), told in words; returns the run id.

        Args:
            agreed: what a person has said may be done: the `reason` of a run that ended as `needs_confirmation`.

        Raises: as `sign_in`.
        """
        return await self._start(ACT_ON_PAGE, account, instruction, url, *([agreed] if agreed else []), key=key)

    async def extract_from_page(
        self, account: str, question: str, url: str | None = None, *, key: str | None = None
    ) -> str:
        """Queue a question about the page `url` (or the account's verify URL); returns the run id.

        Raises: as `sign_in`.
        """
        return await self._start(EXTRACT_FROM_PAGE, account, question, url, key=key)

    async def download(
        self, account: str, what: str, url: str | None = None, *, agreed: str = "", key: str | None = None
    ) -> str:
        """Queue the download of what is called `what` on the page `url` (or the account's verify URL); returns the run
        id.

        Args:
            agreed: as of `act_on_page`.

        Raises: as `sign_in`.
        """
        return await self._start(DOWNLOAD, account, what, url, *([agreed] if agreed else []), key=key)

    async def read_rows(
        self, account: str, fields: dict[str, Any], url: str | None = None, *, key: str | None = None
    ) -> str:
        """Queue the reading of rows from the page `url` (or the account's verify URL); returns the run id.

        Args:
            fields: JSON Schema of a row, as in a definition of an extraction.

        Raises:
            InvalidInput: it is no such schema.
            AccountUnknown, QueueFull, IdempotencyConflict: as `sign_in`.
        """
        definition_of({"name": "rows", "accounts": [account], "schema": fields})
        return await self._start(READ_ROWS, account, fields, url, key=key)

    async def extract(self, name: str, account: str, *, key: str | None = None) -> str:
        """Queue a run of an extraction for one of its accounts, or attach to the one under way; returns the run id.

        Raises:
            ExtractionUnknown: no such extraction.
            InvalidInput: the extraction is not for this account.
            AccountUnknown, QueueFull, IdempotencyConflict: as `sign_in`.
        """
        stored = await self.application.extractions.get(name)
        if account not in stored.definition.accounts:
            raise InvalidInput(
                f"The extraction {name!r} is not for the account {account!r}.",
                kept="Nothing was started.",
                next_step=f"Its accounts: {', '.join(stored.definition.accounts)}.",
            )
        await self.application.accounts.get(account)
        await self._ensure_worker()
        return await self._queueing.extract(account, name, key=key)

    async def report(self, request: ReportRequest, *, key: str | None = None) -> str:
        """Queue the making of a report, for which rows that are too old are read anew first; returns the run id.

        Raises:
            ExtractionUnknown: no such extraction.
            AccountUnknown, QueueFull, IdempotencyConflict: as `sign_in`.
        """
        stored = await self.application.extractions.get(request.extraction)
        return await self._start(REPORT, stored.definition.accounts[0], request.model_dump(mode="json"), key=key)

    async def reembed(self, collection: str, model: str, *, key: str | None = None) -> str:
        """Queue the re-embedding of a collection, or attach to the one under way; returns the run id.

        Raises:
            CollectionUnknown: no such collection.
            InvalidInput: it has vectors of this model, or the model cannot be asked here.
            QueueFull, IdempotencyConflict: as `sign_in`.
        """
        found = await self.application.collections.get(collection)
        self.application.knowledge.embedder(model)
        if found.model == model:
            raise InvalidInput(f"The collection {collection!r} has vectors of {model!r}.", kept="Nothing was started.")
        await self._ensure_worker()
        return await self._queueing.reembed(collection, model, key=key)

    async def schedule(self, schedule: Schedule) -> None:
        """Store a schedule under its name, or change the one that was there; it counts from now on.

        Raises:
            ExtractionUnknown: what is to be read is not here.
            DatabaseUnavailable: the clock cannot be reached; the next worker that starts tells it.
        """
        await self.application.schedules.save(schedule)
        with _clock_reached("It is stored; the next worker that starts takes it up."):
            await put(self._dbos, schedule)

    async def unschedule(self, name: str) -> None:
        """Delete a schedule with its history; runs that it has started go on.

        Raises:
            ScheduleUnknown: there is none of this name.
        """
        await self.application.schedules.remove(name)
        with _clock_reached("It is deleted; the next worker that starts takes that up."):
            await self._dbos.delete_schedule_async(name)

    async def result(
        self, run_id: str, *, timeout: float | None = None, on_event: Callable[[RunEvent], None] | None = None
    ) -> dict[str, Any]:
        """The result of a run once it has ended, or waits for a person: then with `question`.

        Args:
            timeout: seconds to wait.
            on_event: is called with each event of its timeline, from the first one on.

        Raises:
            RunUnknown: no such run.
            RunTimedOut: it goes on in the worker.
            WorkerUnavailable: the worker is gone and no other could be started.
        """
        async for event in self.follow(run_id, timeout=timeout):
            if on_event is not None:
                on_event(event)
        run = await self.application.runs.get(run_id)
        if run.waiting:
            return result_of_waiting(run)
        return run.result or result_without_end(run, run.status, run.reason)

    async def follow(self, run_id: str, *, timeout: float | None = None, after: int = 0) -> AsyncIterator[RunEvent]:
        """The timeline of a run, live, to its end or its question. A worker that died meanwhile is replaced.

        Args:
            timeout: seconds to watch.
            after: only events behind the one of this id.

        Raises: as `result`.
        """
        await self._note_trace(run_id)
        keeper = asyncio.create_task(self._keep_worker())
        try:
            async for event in self.application.runs.follow(run_id, timeout=timeout, after=after):
                yield event
                if keeper.done():
                    keeper.result()
        except RunTimedOut:
            if keeper.done() and (error := keeper.exception()) is not None:
                raise error from None
            raise
        finally:
            keeper.cancel()

    async def cancel(self, run_id: str) -> Run:
        """Cancel a run; what it stored before stays. A run that has ended is left alone.

        Raises:
            RunUnknown: no such run.
        """
        runs, reason = self.application.runs, "Cancelled on request."
        run = await runs.get(run_id)
        if await self.application.questions.end(run_id, reason=reason, status="cancelled") or run.finished:
            if not run.finished:
                await self.application.audit.note("run.cancel", run.account, run=run_id)
            return await runs.get(run_id)
        # Read again: an answer may have set another workflow to work.
        run = await runs.get(run_id)
        await self.application.audit.note("run.cancel", run.account, run=run_id)
        await self._dbos.cancel_workflow_async(run.workflow_id)
        await runs.event(run_id, "done", reason)
        await runs.finish(run_id, "cancelled", reason=reason, result=result_without_end(run, "cancelled", reason))
        return await runs.get(run_id)

    async def resume(self, run_id: str) -> Run:
        """Take up a run that was cancelled or parked where it stopped, its question included. One whose deadline has
        passed has all of its time again. One that waits for a version that no worker has begins anew, under the present
        one.

        Raises:
            RunUnknown: no such run.
            InvalidInput: it is none of these, or another run of its account is under way.
        """
        runs = self.application.runs
        run = await runs.get(run_id)
        if await is_stranded(self.application, run) is not None and await take_up(
            self.application, self._dbos, self._queueing, run
        ):
            await self._ensure_worker()
            return await runs.get(run_id)
        if run.status not in ("cancelled", PARKED):
            what = f"has ended ({run.status})" if run.finished else "is under way"
            raise InvalidInput(
                f"The run {run_id} {what}; only one that was cancelled or parked can be resumed.",
                kept="It was left as it is.",
                next_step="To do it again, ask for a new run.",
            )
        if not await runs.reopen(run_id):
            raise InvalidInput(
                f"Another run of the account {run.account!r} is under way.",
                kept=f"The run {run_id} stays {run.status}.",
                next_step="Resume it when the other one has ended.",
            )
        await self.application.audit.note("run.resume", run.account, run=run_id)
        await runs.event(run_id, "resume", "Taken up again on request")
        if run.question is None:
            found = await self._dbos.list_workflows_async(
                workflow_ids=[run.workflow_id], status=["SUCCESS", "ERROR"], load_input=False, load_output=False
            )
            if found and await runs.arguments(run_id) is not None:
                # It came to a run that was cancelled already, and so has ended: another begins.
                await self._dbos.delete_workflow_async(run.workflow_id)
            # It was cancelled before its workflow was queued, perhaps; one that is there is left alone.
            await self._queueing.go_on(run)
            await self._dbos.resume_workflow_async(run.workflow_id, queue_name=queue_of(run.kind))
        return await runs.get(run_id)

    async def retry(self, run_id: str, step: str | None = None, *, key: str | None = None) -> Run:
        """Try a run that has failed once more, as a new run of its account; both timelines then name the other one.

        Args:
            step: where the new run begins: of a sign-in `open_and_submit` (when None), its first browser life, or
                `begin`, which asks the site first whether the stored session works; every other kind has one step.
            key: as of `sign_in`.

        Returns:
            The new run, or the sign-in of the account that is under way.

        Raises:
            RunUnknown: no such run.
            InvalidInput: it is under way, it has succeeded, or there is no such step to begin with.
            AccountUnknown, QueueFull, IdempotencyConflict: as `sign_in`.
        """
        runs = self.application.runs
        run = await runs.get(run_id)
        arguments = arguments_for(run, step, await runs.arguments(run_id))
        if run.account is not None:
            await self.application.accounts.get(run.account)
        await self._ensure_worker()
        under_way = None
        if run.account is None:
            new = await self._queueing.reembed(*arguments, key=key)
        elif run.kind == SIGN_IN:
            under_way = await runs.open_sign_in(run.account)
            new = await self._queueing.sign_in(run.account, **arguments[0], key=key)
        elif run.kind == EXTRACT:
            new = await self._queueing.extract(run.account, *arguments, key=key)
        else:
            new = await self._queueing.start(run.kind, run.account, *arguments, key=key)
        # A sign-in that somebody else has asked for tries nothing again.
        attached = under_way is not None and under_way.id == new
        if not attached and not any(event.detail.get("retried_as") == new for event in await runs.events(run_id)):
            await runs.event(new, "retry", f"Tries the run {run_id} once more", retries=run_id)
            await runs.event(run_id, "retry", f"Tried once more: {new}", retried_as=new)
        return await runs.get(new)

    async def _start(self, workflow: str, account: str, *arguments: Any, key: str | None = None) -> str:
        await self.application.accounts.get(account)
        await self._ensure_worker()
        return await self._queueing.start(workflow, account, *arguments, key=key)

    async def _note_trace(self, run_id: str) -> None:
        """Whoever waits for a run finds it, also when somebody else had asked for it in another trace."""
        if (span := spans.current()) is None:
            return
        run = await self.application.runs.get(run_id)
        span.set_attribute(RUN_ID, run_id)
        if run.trace_id not in (None, trace_id(spans.carrier())):
            spans.link(run.traceparent, {RUN_ID: run_id})

    async def _ensure_worker(self) -> None:
        if not await self.application.database.one(WORKER_READY, LOCK_READY):
            await asyncio.to_thread(ensure_running, self.application.settings)

    async def _keep_worker(self) -> None:
        while True:
            await asyncio.sleep(_CHECK_S)
            try:
                await self._ensure_worker()
            except DatabaseUnavailable as error:
                # It may be starting again; a database that stays away is told by whoever reads from it.
                _log.info("%s", error)


@contextmanager
def _clock_reached(kept: str) -> Generator[None]:
    """Around what is told to DBOS's clock, whose own errors quote statements."""
    try:
        yield
    except DBAPIError as error:
        raise DatabaseUnavailable(
            f"The clock cannot be reached ({type(error.orig).__name__}).",
            kept=kept,
            next_step="Check that the database runs: seezar doctor.",
        ) from None
