"""`/v1/runs`: what was asked for, how it goes, and its events as they happen."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field, SecretStr
from starlette.requests import Request
from starlette.responses import Response

from seezar.access import Caller, Scope
from seezar.accounts.selecting import RunFilter
from seezar.errors import InvalidInput
from service.api.auth import require
from service.api.etags import IfNoneMatch, answered
from service.api.events import run_events
from service.api.needs import App, Workers
from service.api.paging import Cursor, Limit, Page, cursor_of, moment_of
from service.api.problems import documented
from service.api.strict import StrictRoute
from service.api.v1.shapes import EventShape, IdempotencyKey, RunShape, Strict, key_of

router = APIRouter(prefix="/v1/runs", tags=["runs"], route_class=StrictRoute)

type RunId = Annotated[str, Path(max_length=200, description="Id of a run.")]
type Reader = Annotated[Caller, require(Scope.RUNS_READ)]
type Writer = Annotated[Caller, require(Scope.RUNS_WRITE)]


class AnswerBody(Strict):
    """The answer of a person to a run that waits."""

    value: SecretStr | None = Field(
        default=None,
        max_length=200,
        description="The code that was asked for; left out for an approval, terms, a captcha or a passkey.",
    )


class RetryBody(Strict):
    """Where a run is tried again."""

    step: str | None = Field(default=None, max_length=60, description="`begin` or `open_and_submit`, of a sign-in.")


@router.get("", responses=documented(401, 403, 422, 503))
async def list_runs(
    app: App,
    caller: Reader,
    account: Annotated[str | None, Query(max_length=63)] = None,
    kind: Annotated[str | None, Query(max_length=60)] = None,
    status: Annotated[
        str | None, Query(max_length=60, description="queued, running, waiting (for a person), finished, or a word.")
    ] = None,
    since: Annotated[datetime | None, Query(description="Asked for since then, with time zone.")] = None,
    trace: Annotated[str | None, Query(pattern=r"^[0-9a-f]{32}$")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[RunShape]:
    """The newest runs first."""
    if since is not None and since.tzinfo is None:
        raise InvalidInput(
            "`since` has no time zone.", kept="Nothing was done.", next_step="Write it with Z or +02:00."
        )
    only = RunFilter(account, kind, status, since, trace)
    runs = await app.runs.list(limit=limit + 1, only=only, before=moment_of(cursor))
    more = cursor_of(runs[limit - 1].created_at.isoformat(), runs[limit - 1].id) if len(runs) > limit else None
    return Page[RunShape](items=[RunShape.of(run) for run in runs[:limit]], next=more)


@router.get("/{run_id}", response_model=RunShape, responses=documented(401, 403, 404, 422, 503) | {304: {}})
async def get_run(app: App, caller: Reader, run_id: RunId, if_none_match: IfNoneMatch = None) -> Response:
    """A run as it is now, with its result once it has ended."""
    return answered(RunShape.of(await app.runs.get(run_id)), if_none_match)


@router.get(
    "/{run_id}/events",
    response_model=list[EventShape],
    responses={
        200: {
            "description": "The timeline as JSON, or live for `Accept: text/event-stream`.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **documented(401, 403, 404, 422, 503),
    },
)
async def events(
    request: Request,
    app: App,
    caller: Reader,
    run_id: RunId,
    after: Annotated[int, Query(ge=0, le=2**62, description="Only events behind the one of this id.")] = 0,
) -> Response:
    """The timeline of a run.

    As server-sent events it is live: each has its `id`, a client that was cut off names the last one in
    `Last-Event-ID`, and the last event, `end`, holds the run.
    """
    return await run_events(request, app, run_id, after)


@router.post("/{run_id}/answer", responses=documented(400, 401, 403, 404, 409, 410, 415, 422, 503))
async def answer(
    workers: Workers, caller: Writer, run_id: RunId, body: AnswerBody, key: IdempotencyKey = None
) -> RunShape:
    """Answer the question of a run that waits for a person; it goes on. A code is stored encrypted until it is used."""
    value = None if body.value is None else body.value.get_secret_value()
    return RunShape.of(await workers.answer(run_id, value, key=key_of(caller, key)))


@router.post("/{run_id}/cancel", responses=documented(401, 403, 404, 422, 503))
async def cancel(workers: Workers, caller: Writer, run_id: RunId) -> RunShape:
    """Cancel a run; what it stored before stays. One that has ended is left alone."""
    return RunShape.of(await workers.cancel(run_id))


@router.post("/{run_id}/resume", responses=documented(401, 403, 404, 422, 503))
async def resume(workers: Workers, caller: Writer, run_id: RunId) -> RunShape:
    """Take up a run that was cancelled or parked where it stopped."""
    return RunShape.of(await workers.resume(run_id))


@router.post("/{run_id}/retry", status_code=202, responses=documented(400, 401, 403, 404, 409, 415, 422, 503))
async def retry(
    response: Response,
    workers: Workers,
    caller: Writer,
    run_id: RunId,
    body: RetryBody | None = None,
    key: IdempotencyKey = None,
) -> RunShape:
    """Try a run that has failed once more, as a new run."""
    run = await workers.retry(run_id, body.step if body else None, key=key_of(caller, key))
    response.headers["location"] = f"/v1/runs/{run.id}"
    return RunShape.of(run)
