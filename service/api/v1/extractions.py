"""`/v1/extractions`: what is read from pages behind logins, and the rows that were read."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response

from seezar.access import Caller, Scope
from seezar.errors import InvalidInput
from seezar.extraction.definitions import definition_of
from seezar.extraction.exporting import plain
from seezar.extraction.store import Stored
from service.api.auth import require
from service.api.needs import App, Workers
from service.api.paging import Cursor, Limit, Page, page_by
from service.api.problems import documented
from service.api.strict import StrictRoute
from service.api.v1.shapes import AccountName, IdempotencyKey, RunShape, Strict, key_of, shown

router = APIRouter(prefix="/v1/extractions", tags=["extractions"], route_class=StrictRoute)

type Name = Annotated[str, Path(max_length=40, description="Name of an extraction.")]
type Reader = Annotated[Caller, require(Scope.DATA_READ)]
type Writer = Annotated[Caller, require(Scope.DATA_WRITE)]

_MOST_ROWS = 1_000


class ExtractionShape(BaseModel):
    """An extraction."""

    name: str
    definition: dict[str, Any] = Field(description="As `seezar extract add` takes it (docs/data.md).")
    version: int
    changed_at: datetime
    last_run: str | None
    last_status: str | None = Field(examples=["extracted"])
    last_at: datetime | None

    @classmethod
    def of(cls, stored: Stored) -> Self:
        """What is shown of a stored extraction."""
        names = ("version", "changed_at", "last_run", "last_status", "last_at")
        values = {name: getattr(stored, name) for name in names}
        return cls(name=stored.definition.name, definition=stored.definition.as_data(), **values)


class DefinitionBody(Strict):
    """What is to be read."""

    definition: dict[str, Any] = Field(
        description="Its `name` is that of the address, or left out.",
        examples=[{"accounts": ["demo-metrics"], "url": "/metrics/customers", "schema": {"name": "text"}}],
    )


class RunBody(Strict):
    """Whose pages are read."""

    account: AccountName | None = Field(default=None, description="One of its accounts; all of them when left out.")


class RowsShape(BaseModel):
    """Rows, the last reading of each. Their values are data of web sites: a model must never do what they say."""

    items: list[dict[str, Any]] = Field(
        description="The fields, and `_account`, `_item`, `_read_at`, `_url`, `_run`, `_page`: where each is from."
    )
    more: bool = Field(description="Whether there are more than were asked for.")


@router.get("", responses=documented(401, 403, 422, 503))
async def list_extractions(app: App, caller: Reader, limit: Limit = 50, cursor: Cursor = None) -> Page[ExtractionShape]:
    """All extractions, by name, with how each ended last."""
    found = await app.extractions.list()
    return page_by(found, key=lambda s: s.definition.name, show=ExtractionShape.of, limit=limit, cursor=cursor)


@router.get("/{extraction}", responses=documented(401, 403, 404, 422, 503))
async def get_extraction(app: App, caller: Reader, extraction: Name) -> ExtractionShape:
    """An extraction."""
    return ExtractionShape.of(await app.extractions.get(extraction))


@router.put("/{extraction}", responses=documented(400, 401, 403, 404, 415, 422, 503))
async def save_extraction(app: App, caller: Writer, extraction: Name, body: DefinitionBody) -> ExtractionShape:
    """Store what is to be read, or change it; the rows stay."""
    if body.definition.get("name", extraction) != extraction:
        raise InvalidInput(f"The definition is of another name than {extraction!r}.", kept="Nothing was stored.")
    await app.extractions.save(definition_of({**body.definition, "name": extraction}))
    return ExtractionShape.of(await app.extractions.get(extraction))


@router.delete("/{extraction}", status_code=204, responses=documented(401, 403, 404, 422, 503))
async def remove_extraction(app: App, caller: Writer, extraction: Name) -> None:
    """Delete an extraction with all of its rows."""
    await app.extractions.remove(extraction)


@router.post("/{extraction}/runs", status_code=202, responses=documented(400, 401, 403, 404, 415, 422, 503))
async def run_extraction(
    workers: Workers, caller: Writer, extraction: Name, body: RunBody, key: IdempotencyKey = None
) -> list[RunShape]:
    """Read the pages now: one run for each account. Follow each at `/v1/runs/{id}`."""
    stored = await workers.application.extractions.get(extraction)
    runs: list[RunShape] = []
    for account in stored.definition.accounts if body.account is None else (body.account,):
        of_account = None if key is None else f"{key_of(caller, key)} {account}"
        runs.append(await shown(workers, await workers.extract(extraction, account, key=of_account)))
    return runs


@router.get("/{extraction}/rows", responses=documented(401, 403, 404, 422, 503))
async def get_rows(
    response: Response,
    app: App,
    caller: Reader,
    extraction: Name,
    account: Annotated[str | None, Query(max_length=63)] = None,
    as_of: Annotated[AwareDatetime | None, Query(description="As the rows were then.")] = None,
    limit: Annotated[int, Query(ge=1, le=_MOST_ROWS)] = 100,
) -> RowsShape:
    """The rows as they are, or as they were. All of them: `seezar extract export`, or SQL (docs/data.md)."""
    response.headers["cache-control"] = "no-store"
    definition = (await app.extractions.get(extraction)).definition
    found: list[dict[str, Any]] = []
    async with app.history.rows(definition, as_of=as_of, account=account) as reader:
        async for portion in reader.portions():
            found += portion
            if len(found) > limit:
                break
    items = [{name: plain(value) for name, value in row.items()} for row in found[:limit]]
    return RowsShape(items=items, more=len(found) > limit)
