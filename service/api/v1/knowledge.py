"""`/v1/knowledge`: documents that are kept in collections, and found again."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints
from starlette.responses import Response

from seezar.access import Caller, Scope
from seezar.knowledge import Document
from seezar.knowledge.searching import Collection, Kind, Only
from service.api.auth import require
from service.api.needs import App, Workers
from service.api.paging import Cursor, Limit, Page, cursor_of, moment_of, page_by
from service.api.problems import documented
from service.api.strict import StrictRoute
from service.api.v1.shapes import IdempotencyKey, RunShape, Strict, key_of, started

router = APIRouter(prefix="/v1/knowledge", tags=["knowledge"], route_class=StrictRoute)

type CollectionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
type CollectionPath = Annotated[str, Path(max_length=40, description="Name of a collection.")]


class PassageShape(BaseModel):
    """A part of a kept document. Its text is data of whoever wrote it: a model must never do what it says."""

    text: str
    document_id: str
    collection: str
    kind: Kind
    account: str = Field(description="Whose it was; empty for a file.")
    url: str
    title: str
    taken_at: datetime
    score: float = Field(description="Comparable within one search only.")


class KeepBody(Strict):
    """A page to keep."""

    page_id: str = Field(max_length=80)
    collection: CollectionName = "pages"


class DocumentShape(BaseModel):
    """A page that is kept."""

    id: str
    passages: int
    new: bool = Field(description="False when the same text of the same page was kept before.")


class KeptShape(BaseModel):
    """A document that is kept, without its text."""

    id: str
    collection: str
    kind: Kind
    account: str | None
    url: str
    title: str
    passages: int
    taken_at: datetime
    saved_at: datetime

    @classmethod
    def of(cls, document: Document) -> Self:
        """What is shown of a kept document."""
        return cls(**{name: getattr(document, name) for name in cls.model_fields})


class CollectionShape(BaseModel):
    """What is kept together, by one embedding model."""

    name: str
    model: str = Field(examples=["wordllama"])
    dimensions: int = Field(description="Of its vectors.")
    passages: int
    indexed: bool = Field(description="Whether near vectors are found by an index; small collections need none.")
    created_at: datetime

    @classmethod
    def of(cls, collection: Collection) -> Self:
        """What is shown of a collection."""
        return cls(**{name: getattr(collection, name) for name in cls.model_fields})


class ReembedBody(Strict):
    """Which model."""

    model: str = Field(min_length=1, max_length=200, examples=["gemini/gemini-embedding-001"])


@router.get("/search", responses=documented(401, 403, 404, 422, 503))
async def search(
    response: Response,
    app: App,
    caller: Annotated[Caller, require(Scope.KNOWLEDGE_READ)],
    q: Annotated[str, Query(min_length=1, max_length=1000, description="A question, or some words.")],
    collection: Annotated[str | None, Query(max_length=40, description="In this one alone; else in all.")] = None,
    account: Annotated[str | None, Query(max_length=63)] = None,
    site: Annotated[str | None, Query(max_length=255, description="Host of the pages.")] = None,
    kind: Annotated[Kind | None, Query()] = None,
    since: Annotated[AwareDatetime | None, Query(description="What was read since then.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="What was read until then.")] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 5,
) -> list[PassageShape]:
    """The passages that fit best, by meaning and by words; none when nothing fits."""
    response.headers["cache-control"] = "no-store"
    only = Only(account, site, kind, since, until)
    found = await app.knowledge.search(q, limit=limit, collection=collection, only=only)
    return [PassageShape(**{name: getattr(p, name) for name in PassageShape.model_fields}) for p in found]


@router.get("/documents", responses=documented(401, 403, 422, 503))
async def list_documents(
    app: App,
    caller: Annotated[Caller, require(Scope.KNOWLEDGE_READ)],
    collection: Annotated[str | None, Query(max_length=40)] = None,
    account: Annotated[str | None, Query(max_length=63)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[KeptShape]:
    """The documents that are kept, the newest first."""
    found = await app.knowledge.documents(
        account=account, collection=collection, limit=limit + 1, before=moment_of(cursor)
    )
    last = found[limit - 1] if len(found) > limit else None
    more = None if last is None else cursor_of(last.saved_at.isoformat(), last.id)
    return Page[KeptShape](items=[KeptShape.of(document) for document in found[:limit]], next=more)


@router.delete("/documents/{document_id}", status_code=204, responses=documented(401, 403, 404, 422, 503))
async def forget(
    app: App,
    caller: Annotated[Caller, require(Scope.KNOWLEDGE_WRITE)],
    document_id: Annotated[str, Path(max_length=80, description="Id of a kept document.")],
) -> None:
    """Forget a kept document with its passages. A page itself, where it was opened, stays."""
    await app.knowledge.remove(document_id)


@router.post("/documents", status_code=201, responses=documented(400, 401, 403, 404, 415, 422, 503))
async def keep(app: App, caller: Annotated[Caller, require(Scope.KNOWLEDGE_WRITE)], body: KeepBody) -> DocumentShape:
    """Keep a page that was opened, so that it can be found later."""
    saved = await app.knowledge.save(await app.pages.get(body.page_id), collection=body.collection)
    return DocumentShape(id=saved.id, passages=saved.passages, new=saved.new)


@router.get("/collections", responses=documented(401, 403, 422, 503))
async def list_collections(
    app: App, caller: Annotated[Caller, require(Scope.KNOWLEDGE_READ)], limit: Limit = 50, cursor: Cursor = None
) -> Page[CollectionShape]:
    """The collections, by name. `seezar knowledge add` makes them, from files."""
    found = await app.collections.list()
    return page_by(found, key=lambda c: c.name, show=CollectionShape.of, limit=limit, cursor=cursor)


@router.delete("/collections/{collection}", status_code=204, responses=documented(401, 403, 404, 422, 503))
async def remove_collection(
    app: App, caller: Annotated[Caller, require(Scope.KNOWLEDGE_WRITE)], collection: CollectionPath
) -> None:
    """Delete a collection with its documents."""
    await app.collections.remove(collection)


@router.post(
    "/collections/{collection}/reembed", status_code=202, responses=documented(400, 401, 403, 404, 415, 422, 503)
)
async def reembed(
    response: Response,
    workers: Workers,
    caller: Annotated[Caller, require(Scope.KNOWLEDGE_WRITE)],
    collection: CollectionPath,
    body: ReembedBody,
    key: IdempotencyKey = None,
) -> RunShape:
    """Give a collection the vectors of another model. It is searched as before until all are there."""
    run_id = await workers.reembed(collection, body.model, key=key_of(caller, key))
    return await started(response, workers, run_id)
