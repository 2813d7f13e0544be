"""`/v1/confirmations`: what programs ask for and a person has to say yes to."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from seezar.access import Caller, Scope
from seezar.access.confirmations import Confirmation
from seezar.audit import actor
from service.api.auth import require
from service.api.needs import App
from service.api.problems import documented
from service.api.strict import StrictRoute
from service.api.v1.shapes import Strict

router = APIRouter(prefix="/v1/confirmations", tags=["confirmations"], route_class=StrictRoute)

type Person = Annotated[Caller, require(Scope.CONFIRM)]
type Id = Annotated[str, Path(max_length=64)]


class ConfirmationShape(BaseModel):
    """A question to a person."""

    id: str
    action: str = Field(description="What would be done.", examples=["export the session of"])
    subject: str = Field(examples=["staging-admin"])
    client_id: str = Field(description="The program that asks.")
    asked_at: datetime
    expires_at: datetime
    status: Literal["pending", "confirmed", "rejected", "used", "expired"]
    decided_by: str | None
    decided_at: datetime | None

    @classmethod
    def of(cls, confirmation: Confirmation) -> Self:
        """What is shown of a question."""
        return cls(**{name: getattr(confirmation, name) for name in cls.model_fields})


class DecisionBody(Strict):
    """Yes or no."""

    confirm: bool


@router.get("", responses=documented(401, 403, 422, 503))
async def list_confirmations(
    app: App,
    caller: Person,
    pending: bool = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[ConfirmationShape]:
    """The newest first."""
    return [ConfirmationShape.of(c) for c in await app.access.confirmations.list(pending=pending, limit=limit)]


@router.get("/{confirmation_id}", responses=documented(401, 403, 422, 503))
async def get_confirmation(app: App, caller: Person, confirmation_id: Id) -> ConfirmationShape:
    """A question."""
    return ConfirmationShape.of(await app.access.confirmations.get(confirmation_id))


@router.post("/{confirmation_id}", responses=documented(400, 401, 403, 415, 422, 503))
async def decide(app: App, caller: Person, confirmation_id: Id, body: DecisionBody) -> ConfirmationShape:
    """Say yes or no, once. The program then repeats its request with the header `Confirmation`."""
    return ConfirmationShape.of(await app.access.confirmations.decide(confirmation_id, body.confirm, by=actor()))
