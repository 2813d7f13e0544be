"""`/v1/audit`: who did what to which account when."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from seezar.access import Caller, Scope
from seezar.audit import Entry
from seezar.audit.verifying import noted_heads, verify
from service.api.auth import require
from service.api.needs import App
from service.api.paging import Limit, Page
from service.api.problems import documented

router = APIRouter(prefix="/v1/audit", tags=["audit"])

type Reader = Annotated[Caller, require(Scope.AUDIT_READ)]


class EntryShape(BaseModel):
    """A row of the audit log."""

    number: int
    at: datetime
    actor: str = Field(examples=["client:deploy-bot", "local:ops", "worker:worker-1"])
    action: str = Field(examples=["session.export"])
    subject: str | None = Field(description="Account, run, client or mailbox.")
    detail: dict[str, Any]

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """What is shown of a row."""
        return cls(**{name: getattr(entry, name) for name in cls.model_fields})


class VerdictShape(BaseModel):
    """What a walk through the log found."""

    intact: bool
    rows: int
    head: str | None = Field(description="Code of the last row that fits.")
    broken_at: int | None
    problem: str


@router.get("", responses=documented(401, 403, 422, 503))
async def list_entries(
    response: Response,
    app: App,
    caller: Reader,
    subject: Annotated[str | None, Query(max_length=320, description="Only of this account, run or client.")] = None,
    limit: Limit = 50,
    cursor: Annotated[int | None, Query(ge=1, le=2**62, description="`next` of the page before.")] = None,
) -> Page[EntryShape]:
    """The newest rows first."""
    response.headers["cache-control"] = "no-store"
    rows = await app.audit.list(subject=subject, before=cursor, limit=limit + 1)
    more = str(rows[limit - 1].number) if len(rows) > limit else None
    return Page[EntryShape](items=[EntryShape.of(row) for row in rows[:limit]], next=more)


@router.get("/verify", responses=documented(401, 403, 503))
async def verify_log(response: Response, app: App, caller: Reader) -> VerdictShape:
    """Walk through the log: does every row fit the one before it, and is what was noted in this home still there?"""
    response.headers["cache-control"] = "no-store"
    found = await verify(app.audit, heads=noted_heads(app.settings.home))
    return VerdictShape(
        intact=found.intact,
        rows=found.rows,
        head=None if found.head is None else found.head.mac,
        broken_at=found.broken_at,
        problem=found.problem,
    )
