"""A run stays in one trace: its workflow hangs below whatever asked for it, in every process and after a crash."""

import functools
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from dbos import DBOS

from seezar.accounts.traces import Execution, Traced
from seezar.errors import DatabaseUnavailable
from seezar.telemetry.spans import ACCOUNT, RUN_ID, SPAN_KIND, context_of, spans
from workflows.runtime import runtime


def traced_workflow[**P, R](workflow: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Around the body of a workflow, inside its span. Does nothing while no traces are recorded."""

    @functools.wraps(workflow)
    async def around(*args: P.args, **kwargs: P.kwargs) -> R:
        if not spans.on:
            return await workflow(*args, **kwargs)
        async with _execution():
            return await workflow(*args, **kwargs)

    return around


@asynccontextmanager
async def _execution() -> AsyncGenerator[None]:
    traces, traceparent = runtime().application.traces, spans.carrier()
    if traceparent is None:
        # Left out by sampling.
        yield
        return
    this = Execution(DBOS.workflow_id or "", traceparent, time.time_ns())
    run: Traced | None = None
    # A trace is never a reason to stop.
    with suppress(DatabaseUnavailable):
        run = await traces.begin(this)
    about = {RUN_ID: run.run_id, ACCOUNT: run.account, **run.asked_by} if run is not None else {}
    spans.note({SPAN_KIND: "CHAIN", **{name: value for name, value in about.items() if value is not None}})
    if run is not None and run.before is not None:
        _link(run.kind, this, run.before)
    try:
        with spans.about(about):
            yield
    finally:
        with suppress(DatabaseUnavailable):
            await traces.end(this)


def _link(kind: str, this: Execution, before: Execution) -> None:
    """The execution before this one: its span is linked, and told in its place when its worker died with it."""
    lost = before.workflow == this.workflow and not before.ended
    spans.link(before.traceparent, {"seezar.link": "taken up after its worker died" if lost else "goes on from"})
    context = context_of(before.traceparent)
    if lost and context is not None:
        spans.lost(kind, context, began=before.began, reason="Its worker died; the next one has taken it up.")
