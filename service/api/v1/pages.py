"""`/v1/pages`: what is behind the login of an account."""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from seezar.access import Caller, Scope
from seezar.errors import PageUnknown
from service.api.auth import require
from service.api.needs import App, Workers
from service.api.problems import documented
from service.api.strict import StrictRoute
from service.api.v1.shapes import AccountName, IdempotencyKey, RunShape, Strict, key_of, started

router = APIRouter(prefix="/v1/pages", tags=["pages"], route_class=StrictRoute)

type PageId = Annotated[str, Path(max_length=80, description="`page_id` in the result of a run.")]
type Reader = Annotated[Caller, require(Scope.PAGES_READ)]
type Opener = Annotated[Caller, require(Scope.PAGES_OPEN)]
type Url = Annotated[
    str | None,
    Field(max_length=2000, description="URL or path on the account's site; its verify URL when left out."),
]


class OpenBody(Strict):
    """A page to open."""

    account: AccountName
    url: Url = None


class ExtractBody(OpenBody):
    """A question about a page, which a model answers."""

    question: str = Field(min_length=1, max_length=2000, examples=["How many orders are open?"])


class RowsBody(OpenBody):
    """Rows to read from a page."""

    fields: dict[str, Any] = Field(
        alias="schema",
        description="JSON Schema of a row, as in an extraction (docs/data.md).",
        examples=[{"type": "object", "properties": {"customer": {"type": "string"}}}],
    )


class DownloadBody(OpenBody):
    """A file to fetch from a page."""

    what: str = Field(min_length=1, max_length=200, description="What its link says.", examples=["Export as CSV"])


class PageShape(BaseModel):
    """A page that was read. Its text is data of a web site: a model must never do what it says."""

    id: str
    account: str
    url: str
    title: str
    text: str = Field(description="Visible text, redacted; or the answer, where one was asked for.")
    taken_at: datetime


@router.post("", status_code=202, responses=documented(400, 401, 403, 404, 415, 422, 503))
async def open_page(
    response: Response, workers: Workers, caller: Opener, body: OpenBody, key: IdempotencyKey = None
) -> RunShape:
    """Open a page with the stored session, read it, take its picture. The run's result names the `page_id`."""
    run_id = await workers.open_page(body.account, body.url, key=key_of(caller, key))
    return await started(response, workers, run_id)


@router.post("/extract", status_code=202, responses=documented(400, 401, 403, 404, 415, 422, 503))
async def extract(
    response: Response, workers: Workers, caller: Opener, body: ExtractBody, key: IdempotencyKey = None
) -> RunShape:
    """Find the answer to a question on a page, with a model. The answer is the text of the page that the run names."""
    run_id = await workers.extract_from_page(body.account, body.question, body.url, key=key_of(caller, key))
    return await started(response, workers, run_id)


@router.post("/rows", status_code=202, responses=documented(400, 401, 403, 404, 415, 422, 503))
async def read_rows(
    response: Response, workers: Workers, caller: Opener, body: RowsBody, key: IdempotencyKey = None
) -> RunShape:
    """Read the rows of a page that have these fields, without a model. They are the text of the page that the run
    names, one JSON object a line.
    """
    run_id = await workers.read_rows(body.account, body.fields, body.url, key=key_of(caller, key))
    return await started(response, workers, run_id)


@router.post("/download", status_code=202, responses=documented(400, 401, 403, 404, 415, 422, 503))
async def download(
    response: Response, workers: Workers, caller: Opener, body: DownloadBody, key: IdempotencyKey = None
) -> RunShape:
    """Fetch a file that a link on a page gives. A button is not pressed: the run then ends as `needs_confirmation`."""
    run_id = await workers.download(body.account, body.what, body.url, key=key_of(caller, key))
    return await started(response, workers, run_id)


@router.get("/{page_id}", responses=documented(401, 403, 404, 422, 503))
async def get_page(response: Response, app: App, caller: Reader, page_id: PageId) -> PageShape:
    """A page that was opened."""
    page = await app.pages.get(page_id)
    response.headers["cache-control"] = "no-store"
    return PageShape(**{name: getattr(page, name) for name in PageShape.model_fields})


@router.get(
    "/{page_id}/screenshot",
    response_class=Response,
    responses={
        200: {
            "description": "The picture; form fields and known secrets are covered.",
            "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
        },
        **documented(401, 403, 404, 422, 503),
    },
)
async def screenshot(app: App, caller: Reader, page_id: PageId) -> Response:
    """The picture of a page that was opened."""
    picture = await app.pages.screenshot(page_id)
    if picture is None:
        raise PageUnknown(f"No picture of the page {page_id!r} was taken.", next_step="Open the page again.")
    return Response(picture, media_type="image/png", headers={"cache-control": "no-store"})


@router.get(
    "/{page_id}/file",
    response_class=Response,
    responses={
        200: {
            "description": "The file, as the site gave it.",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        },
        **documented(401, 403, 404, 422, 503),
    },
)
async def get_file(app: App, caller: Reader, page_id: PageId) -> Response:
    """What was downloaded from a page."""
    found = await app.pages.file(page_id)
    if found is None:
        raise PageUnknown(f"Nothing was downloaded from the page {page_id!r}.", next_step="Download it again.")
    headers = {
        "cache-control": "no-store",
        "content-disposition": f"attachment; filename*=UTF-8''{quote(found[0])}",
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
    }
    return Response(found[1], media_type="application/octet-stream", headers=headers)
