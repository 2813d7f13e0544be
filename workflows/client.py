"""How every other process asks for work: queue a run, attach to it, watch it. Nothing is done here."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any, Self

from dbos import DBOSClient, EnqueueOptions

from seezar.accounts import Run, RunEvent
from seezar.accounts.records import result_without_end
from seezar.application import Application
from seezar.errors import InvalidInput, RunTimedOut
from seezar.settings import Settings, get_settings
from workflows import engine
from workflows.ground import WORKER_READY, ensure_running
from workflows.names import (
    APPLICATION_VERSION,
    CHECK_SESSION,
    LOCK_READY,
    OPEN_PAGE,
    QUEUE_BROWSER,
    QUEUE_SIGN_IN,
    SIGN_IN,
    SIGN_OUT,
)

# How often a waiting client makes sure that a worker is still there.
_CHECK_S = 3.0
# How long to let a run close that has written its result.
_CLOSING_S = 0.05


class Client:
    """Asks the workers. Bound to the event loop that connected it.

    `application` gives the stores: accounts, sessions, runs, pages, mailboxes, knowledge.
    """

    def __init__(self, application: Application, dbos: DBOSClient) -> None:
        self.application = application
        self._dbos = dbos

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

    async def sign_in(self, account: str, *, fresh: bool = False, timeout: float | None = None) -> str:
        """Queue a sign-in, or attach to the one of this account that is under way; returns the run id.

        Args:
            fresh: do not use the stored session.
            timeout: deadline of the run, seconds; the setting when None.

        Raises:
            AccountUnknown: no such account.
        """
        await self.application.accounts.get(account)
        options = {"fresh": fresh, "timeout": timeout}
        # One at a time for an account: two at once would fight over the site's session and its codes.
        return await self._enqueue(SIGN_IN, QUEUE_SIGN_IN, account, options, once=f"account:{account}")

    async def sign_out(self, account: str) -> str:
        """Queue a sign-out; returns the run id.

        Raises:
            AccountUnknown: no such account.
        """
        await self.application.accounts.get(account)
        return await self._enqueue(SIGN_OUT, QUEUE_BROWSER, account)

    async def check_session(self, account: str) -> str:
        """Queue a question to the site whether the stored session still works; returns the run id.

        Raises:
            AccountUnknown: no such account.
        """
        await self.application.accounts.get(account)
        return await self._enqueue(CHECK_SESSION, QUEUE_BROWSER, account)

    async def open_page(self, account: str, url: str | None = None) -> str:
        """Queue a visit to `url` (or the account's verify URL); returns the run id.

        Raises:
            AccountUnknown: no such account.
        """
        await self.application.accounts.get(account)
        return await self._enqueue(OPEN_PAGE, QUEUE_BROWSER, account, url)

    async def result(self, run_id: str, *, timeout: float | None = None) -> dict[str, Any]:
        """The result of a run once it has ended.

        Raises:
            RunUnknown: no such run.
            RunTimedOut: it goes on in the worker.
            WorkerUnavailable: the worker is gone and no other could be started.
        """
        async for _ in self.follow(run_id, timeout=timeout):
            pass
        run = await self.application.runs.get(run_id)
        return run.result or {"status": run.status, "reason": run.reason}

    async def follow(self, run_id: str, *, timeout: float | None = None) -> AsyncIterator[RunEvent]:
        """The timeline of a run, live, to its end. A worker that died meanwhile is replaced.

        Raises: as `result`.
        """
        keeper = asyncio.create_task(self._keep_worker())
        try:
            async for event in self.application.runs.follow(run_id, timeout=timeout):
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
        run = await self.application.runs.get(run_id)
        if not run.finished:
            await self._dbos.cancel_workflow_async(run_id)
            reason = "Cancelled on request."
            await self.application.runs.event(run_id, "done", reason)
            result = result_without_end(run, "cancelled", reason)
            await self.application.runs.finish(run_id, "cancelled", reason=reason, result=result)
        return await self.application.runs.get(run_id)

    async def resume(self, run_id: str) -> Run:
        """Take up a cancelled run where it stopped. Its deadline is the one that it had.

        Raises:
            RunUnknown: no such run.
            InvalidInput: it was not cancelled, or another run of its account is under way.
        """
        runs = self.application.runs
        run = await runs.get(run_id)
        if run.status != "cancelled":
            what = f"has ended ({run.status})" if run.finished else "is under way"
            raise InvalidInput(
                f"The run {run_id} {what}; only a cancelled run can be resumed.",
                kept="It was left as it is.",
                next_step="To do it again, ask for a new run.",
            )
        if not await runs.reopen(run_id):
            raise InvalidInput(
                f"Another run of the account {run.account!r} is under way.",
                kept=f"The run {run_id} stays cancelled.",
                next_step="Resume it when the other one has ended.",
            )
        await runs.event(run_id, "resume", "Taken up again on request")
        await self._dbos.resume_workflow_async(run_id)
        return await runs.get(run_id)

    async def _enqueue(self, workflow: str, queue: str, account: str, *arguments: Any, once: str | None = None) -> str:
        run_id = f"{workflow.replace('_', '-')}-{account}-{secrets.token_hex(6)}"
        options: EnqueueOptions = {
            "workflow_name": workflow,
            "queue_name": queue,
            "workflow_id": run_id,
            "app_version": APPLICATION_VERSION,
        }
        if once is not None:
            options["deduplication_id"] = once
            options["duplication_policy"] = "return-existing"
        while True:
            await self._ensure_worker()
            handle = await self._dbos.enqueue_async(options, account, *arguments)
            got = handle.get_workflow_id()
            await self.application.runs.create(got, kind=workflow, account=account)
            if got == run_id or not (await self.application.runs.get(got)).finished:
                return got
            # Its result is written but DBOS has not yet closed it: attaching would answer with what was, not with what
            # is.
            await asyncio.sleep(_CLOSING_S)

    async def _ensure_worker(self) -> None:
        if not await self.application.database.one(WORKER_READY, LOCK_READY):
            await asyncio.to_thread(ensure_running, self.application.settings)

    async def _keep_worker(self) -> None:
        while True:
            await asyncio.sleep(_CHECK_S)
            await self._ensure_worker()
