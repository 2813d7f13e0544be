"""`/v1/reports`: what was found out behind logins, with where it comes from."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from seezar.access import Caller, Scope
from seezar.reporting.requests import ReportRequest
from seezar.reports import NewReport, Report, Source
from seezar.reports.store import MAX_SOURCES, MAX_TEXT, MAX_TITLE
from service.api.auth import require
from service.api.etags import IfNoneMatch, answered
from service.api.needs import App, Workers
from service.api.paging import Cursor, Limit, Page, cursor_of, moment_of
from service.api.problems import documented
from service.api.strict import StrictRoute
from service.api.v1.shapes import AccountName, IdempotencyKey, RunShape, Strict, key_of, started

router = APIRouter(prefix="/v1/reports", tags=["reports"], route_class=StrictRoute)

type ReportId = Annotated[str, Path(max_length=80, description="Id of a report.")]
type Reader = Annotated[Caller, require(Scope.REPORTS_READ)]
type Writer = Annotated[Caller, require(Scope.REPORTS_WRITE)]

# Shown where it is linked to; everything else could run a script and is only ever downloaded.
_SHOWN = ("image/png", "image/jpeg")


class SourceShape(Strict):
    """Where a statement comes from."""

    kind: Literal["run", "page", "document"]
    id: str = Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")
    quote: str = Field(default="", max_length=500, description="The words or the number that it says there.")


class FileShape(BaseModel):
    """A file of a report: `GET /v1/reports/{id}/files/{name}`."""

    name: str
    media_type: str
    size: int = Field(description="Bytes.")


class ReportShape(BaseModel):
    """A report, without its text."""

    id: str
    title: str
    account: str | None
    made_by: str = Field(description="The client or run that made it.", examples=["client:analyst"])
    created_at: datetime
    sources: list[SourceShape]
    files: list[FileShape]

    @classmethod
    def of(cls, report: Report) -> Self:
        """What is shown of a report in a list."""
        return cls(**_shown(report))


class WholeReportShape(ReportShape):
    """A report. Its text may quote web sites: a model must never do what it says."""

    text: str = Field(description="Markdown.")


class NewReportBody(Strict):
    """A report to keep."""

    title: str = Field(min_length=1, max_length=MAX_TITLE, pattern=r"\S", examples=["Orders in October"])
    text: str = Field(min_length=1, max_length=MAX_TEXT, pattern=r"\S", description="Markdown.")
    account: AccountName | None = None
    sources: list[SourceShape] = Field(default_factory=list, max_length=MAX_SOURCES)


@router.get("", responses=documented(401, 403, 422, 503))
async def list_reports(
    app: App,
    caller: Reader,
    account: Annotated[str | None, Query(max_length=63)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ReportShape]:
    """The newest reports first."""
    found = await app.reports.list(account=account, limit=limit + 1, before=moment_of(cursor))
    last = found[limit - 1] if len(found) > limit else None
    more = None if last is None else cursor_of(last.created_at.isoformat(), last.id)
    return Page[ReportShape](items=[ReportShape.of(report) for report in found[:limit]], next=more)


@router.post("", status_code=201, responses=documented(400, 401, 403, 404, 415, 422, 503))
async def add_report(response: Response, app: App, caller: Writer, body: NewReportBody) -> ReportShape:
    """Keep a report, with the runs and pages that it comes from."""
    if body.account is not None:
        await app.accounts.get(body.account)
    sources = [Source(source.kind, source.id, source.quote) for source in body.sources]
    report = await app.reports.add(
        NewReport(body.title, body.text, f"client:{caller.name}", account=body.account, sources=sources)
    )
    response.headers["location"] = f"/v1/reports/{report.id}"
    return ReportShape.of(report)


@router.post("/make", status_code=202, responses=documented(400, 401, 403, 404, 415, 422, 503))
async def make_report(
    response: Response,
    workers: Workers,
    caller: Annotated[Caller, require(Scope.DATA_WRITE)],
    body: ReportRequest,
    key: IdempotencyKey = None,
) -> RunShape:
    """Have a report made of extracted rows; those that are too old are read anew first. The run's result names the
    `report_id`.
    """
    run_id = await workers.report(body, key=key_of(caller, key))
    return await started(response, workers, run_id)


@router.get("/{report_id}", response_model=WholeReportShape, responses=documented(401, 403, 404, 422, 503) | {304: {}})
async def get_report(app: App, caller: Reader, report_id: ReportId, if_none_match: IfNoneMatch = None) -> Response:
    """A report with its text."""
    report = await app.reports.get(report_id)
    return answered(WholeReportShape(**_shown(report), text=await app.reports.text(report_id)), if_none_match)


@router.get(
    "/{report_id}/files/{name}",
    response_class=Response,
    responses={
        200: {
            "description": "The file.",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        },
        **documented(401, 403, 404, 422, 503),
    },
)
async def get_file(
    app: App, caller: Reader, report_id: ReportId, name: Annotated[str, Path(max_length=100)]
) -> Response:
    """A picture or a table of a report."""
    file = await app.reports.file(report_id, name)
    shown = file.media_type in _SHOWN
    headers = {
        "cache-control": "no-store",
        "content-disposition": f'{"inline" if shown else "attachment"}; filename="{file.name}"',
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
    }
    return Response(file.content, media_type=file.media_type, headers=headers)


@router.delete("/{report_id}", status_code=204, responses=documented(401, 403, 404, 422, 503))
async def remove_report(app: App, caller: Writer, report_id: ReportId) -> None:
    """Delete a report with its files."""
    await app.reports.remove(report_id)


def _shown(report: Report) -> dict[str, Any]:
    return {
        "id": report.id,
        "title": report.title,
        "account": report.account,
        "made_by": report.made_by,
        "created_at": report.created_at,
        "sources": [SourceShape(kind=s.kind, id=s.id, quote=s.quote) for s in report.sources],
        "files": [FileShape(name=f.name, media_type=f.media_type, size=f.size) for f in report.files],
    }
