"""`/v1/models`: the model pool: who can be asked, who cannot and until when."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from seezar.access import Caller, Scope
from service.api.auth import require
from service.api.needs import App
from service.api.problems import documented

router = APIRouter(prefix="/v1/models", tags=["models"])


class DeploymentShape(BaseModel):
    """A model at a provider."""

    name: str
    group: str = Field(description="What it is asked for.", examples=["fast"])
    model: str
    available: bool
    missing: list[str] = Field(description="Variables that are not set; then it is not in the pool.")
    idle_because: str | None = Field(description="Why it is not asked now.")
    idle_until: datetime | None
    requests_today: int
    tokens_today: int


@router.get("", responses=documented(401, 403, 503))
async def list_models(app: App, caller: Annotated[Caller, require(Scope.MODELS_READ)]) -> list[DeploymentShape]:
    """All deployments, group by group; those without a key last."""
    from seezar.models.overview import standings

    return [
        DeploymentShape(
            name=row.deployment.name,
            group=row.deployment.group,
            model=row.deployment.model,
            available=not row.missing and row.idle is None,
            missing=list(row.missing),
            idle_because=None if row.idle is None else row.idle.reason,
            idle_until=None if row.idle is None else datetime.fromtimestamp(row.idle.until, UTC),
            requests_today=row.today.requests,
            tokens_today=row.today.tokens,
        )
        for row in await standings(app.models)
    ]
