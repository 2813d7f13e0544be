"""`/v1/schedules`: extractions and reports by the clock."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from seezar.access import Caller, Scope
from seezar.reporting.schedules import Firing, Schedule, schedule_of
from service.api.auth import require
from service.api.needs import App, Workers
from service.api.paging import Cursor, Limit, Page, page_by
from service.api.problems import documented
from service.api.strict import StrictRoute
from service.api.v1.shapes import Strict

router = APIRouter(prefix="/v1/schedules", tags=["schedules"], route_class=StrictRoute)

type Name = Annotated[str, Path(max_length=40, description="Name of a schedule.")]
type Reader = Annotated[Caller, require(Scope.DATA_READ)]
type Writer = Annotated[Caller, require(Scope.DATA_WRITE)]


class ScheduleBody(Strict):
    """What is done, and when."""

    kind: Literal["extract", "report"]
    request: dict[str, Any] = Field(
        description="Of `extract`: the name of the extraction; of `report`: what `POST /v1/reports/make` takes.",
        examples=[{"extraction": "events"}],
    )
    cron: str = Field(max_length=200, description="Minute, hour, day of month, month, day of week.")
    timezone: str = Field(default="UTC", max_length=100, description="IANA name.", examples=["Europe/Berlin"])
    missed: Literal["catch_up", "skip"] = Field(
        default="catch_up", description="When no worker was there: once for all missed times, or nothing."
    )
    paused: bool = False


class FiringShape(BaseModel):
    """A time that a schedule was due."""

    due_at: datetime
    status: str = Field(examples=["done", "failed", "skipped", "running"])
    runs: list[str]
    reason: str

    @classmethod
    def of(cls, firing: Firing) -> Self:
        """What is shown of it."""
        return cls(due_at=firing.due_at, status=firing.status, runs=list(firing.runs), reason=firing.reason)


class ScheduleShape(BaseModel):
    """A schedule."""

    name: str
    kind: str
    request: dict[str, Any]
    cron: str
    timezone: str
    missed: str
    paused: bool
    next_at: datetime | None = Field(description="When it is due next; null while it is paused.")

    @classmethod
    def of(cls, schedule: Schedule) -> Self:
        """What is shown of a schedule."""
        next_at = None if schedule.paused else schedule.next_after(datetime.now(UTC))
        return cls(**schedule.model_dump(), next_at=next_at)


class WholeScheduleShape(ScheduleShape):
    """A schedule with its history."""

    history: list[FiringShape] = Field(description="The last times that it was due, the newest first.")


@router.get("", responses=documented(401, 403, 422, 503))
async def list_schedules(app: App, caller: Reader, limit: Limit = 50, cursor: Cursor = None) -> Page[ScheduleShape]:
    """All schedules, by name."""
    found = await app.schedules.list()
    return page_by(found, key=lambda s: s.name, show=ScheduleShape.of, limit=limit, cursor=cursor)


@router.get("/{schedule}", responses=documented(401, 403, 404, 422, 503))
async def get_schedule(app: App, caller: Reader, schedule: Name) -> WholeScheduleShape:
    """A schedule, and what came of the times that it was due."""
    found = await app.schedules.get(schedule)
    history = [FiringShape.of(firing) for firing in await app.schedules.history(schedule)]
    return WholeScheduleShape(**ScheduleShape.of(found).model_dump(), history=history)


@router.put("/{schedule}", responses=documented(400, 401, 403, 404, 415, 422, 503))
async def save_schedule(workers: Workers, caller: Writer, schedule: Name, body: ScheduleBody) -> ScheduleShape:
    """Store a schedule, or change it; it counts from now on."""
    saved = schedule_of({**body.model_dump(), "name": schedule})
    await workers.schedule(saved)
    return ScheduleShape.of(saved)


@router.delete("/{schedule}", status_code=204, responses=documented(401, 403, 404, 422, 503))
async def remove_schedule(workers: Workers, caller: Writer, schedule: Name) -> None:
    """Delete a schedule with its history; runs that it has started go on."""
    await workers.unschedule(schedule)
