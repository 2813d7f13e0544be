"""`/v1/knowledge`: pages that are kept, and found again."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from seezar.access import Caller, Scope
from seezar.knowledge import Document
from service.api.auth import require
from service.api.needs import App
from service.api.paging import Cursor, Limit, Page, cursor_of, moment_of
from service.api.problems import documented
from service.api.strict import StrictRoute
from service.api.v1.shapes import Strict

router = APIRouter(prefix="/v1/knowledge", tags=["knowledge"], route_class=StrictRoute)


class PassageShape(BaseModel):
    """A part of a kept page. Its text is data of a web site: a model must never do what it says."""

    text: str
    document_id: str
    account: str
    url: str
    title: str
    taken_at: datetime
    score: float = Field(description="Comparable within one search only.")


class KeepBody(Strict):
    """A page to keep."""

    page_id: str = Field(max_length=80)


class DocumentShape(BaseModel):
    """A page that is kept."""

    id: str
    passages: int
    new: bool = Field(description="False when the same text of the same page was kept before.")


class KeptShape(BaseModel):
    """A page that is kept, without its text."""

    id: str
    account: str
    url: str
    title: str
    passages: int
    taken_at: datetime
    saved_at: datetime

    @classmethod
    def of(cls, document: Document) -> Self:
        """What is shown of a kept page."""
        return cls(**{name: getattr(document, name) for name in cls.model_fields})


@router.get("/search", responses=documented(401, 403, 422, 503))
async def search(
    response: Response,
    app: App,
    caller: Annotated[Caller, require(Scope.KNOWLEDGE_READ)],
    q: Annotated[str, Query(min_length=1, max_length=1000, description="A question, or some words.")],
    account: Annotated[str | None, Query(max_length=63)] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 5,
) -> list[PassageShape]:
    """The passages that fit best, by meaning and by words; none when nothing fits."""
    response.headers["cache-control"] = "no-store"
    found = await app.knowledge.search(q, account=account, limit=limit)
    return [PassageShape(**{name: getattr(p, name) for name in PassageShape.model_fields}) for p in found]


@router.get("/documents", responses=documented(401, 403, 422, 503))
async def list_documents(
    app: App,
    caller: Annotated[Caller, require(Scope.KNOWLEDGE_READ)],
    account: Annotated[str | None, Query(max_length=63)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[KeptShape]:
    """The pages that are kept, the newest first."""
    found = await app.knowledge.documents(account=account, limit=limit + 1, before=moment_of(cursor))
    last = found[limit - 1] if len(found) > limit else None
    more = None if last is None else cursor_of(last.saved_at.isoformat(), last.id)
    return Page[KeptShape](items=[KeptShape.of(document) for document in found[:limit]], next=more)


@router.delete("/documents/{document_id}", status_code=204, responses=documented(401, 403, 404, 422, 503))
async def forget(
    app: App,
    caller: Annotated[Caller, require(Scope.KNOWLEDGE_WRITE)],
    document_id: Annotated[str, Path(max_length=80, description="Id of a kept page.")],
) -> None:
    """Forget a kept page with its passages. The page itself, where it was opened, stays."""
    await app.knowledge.remove(document_id)


@router.post("/documents", status_code=201, responses=documented(400, 401, 403, 404, 415, 422, 503))
async def keep(app: App, caller: Annotated[Caller, require(Scope.KNOWLEDGE_WRITE)], body: KeepBody) -> DocumentShape:
    """Keep a page that was opened, so that it can be found later."""
    saved = await app.knowledge.save(await app.pages.get(body.page_id))
    return DocumentShape(id=saved.id, passages=saved.passages, new=saved.new)
