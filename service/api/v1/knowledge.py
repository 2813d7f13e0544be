"""`/v1/knowledge`: pages that are kept, and found again."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from seezar.access import Caller, Scope
from service.api.auth import require
from service.api.needs import App
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


@router.post("/documents", status_code=201, responses=documented(400, 401, 403, 404, 415, 422, 503))
async def keep(app: App, caller: Annotated[Caller, require(Scope.KNOWLEDGE_WRITE)], body: KeepBody) -> DocumentShape:
    """Keep a page that was opened, so that it can be found later."""
    saved = await app.knowledge.save(await app.pages.get(body.page_id))
    return DocumentShape(id=saved.id, passages=saved.passages, new=saved.new)
