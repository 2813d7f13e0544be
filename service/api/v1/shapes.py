"""Shapes that more than one subject uses."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import Header, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from seezar.access import Caller
from seezar.accounts import Run, RunEvent
from workflows.client import Client

NAME = r"^[a-z0-9][a-z0-9._-]{0,62}$"

type AccountName = Annotated[
    str, StringConstraints(pattern=NAME), Field(description="Name of an account.", examples=["staging-admin"])
]
type IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Names this request: repeated with the same key, it is the same run, whatever has become of it.",
    ),
]


class Strict(BaseModel):
    """The body of a request: a field that is not known is refused, not dropped."""

    model_config = ConfigDict(extra="forbid", str_max_length=10_000)


class RunShape(BaseModel):
    """A run: one durable execution."""

    id: str = Field(examples=["sign-in-staging-admin-5f0c2a2b9d1e"])
    kind: str = Field(examples=["sign_in"])
    account: str | None
    status: str = Field(description="queued, running, or how it ended or waits.", examples=["signed_in"])
    finished: bool
    question: str | None = Field(description="What a person is asked, while it waits for one.", examples=["code"])
    reason: str
    result: dict[str, Any] | None
    attempts: int
    model_calls: int
    position: int | None = Field(description="Place in the queue, 1 for the next one.")
    worker: str | None
    trace_id: str | None
    created_at: datetime
    started_at: datetime | None
    asked_at: datetime | None
    deadline: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, run: Run) -> Self:
        """What is shown of a run."""
        names = set(cls.model_fields) - {"question"}
        values = {name: getattr(run, name) for name in names}
        return cls(**values, question=run.question if run.waiting else None)


class EventShape(BaseModel):
    """A line of a run's timeline."""

    id: int
    run_id: str
    at: datetime
    step: str = Field(examples=["submit"])
    message: str
    detail: dict[str, Any]
    attempt: int | None
    worker: str | None

    @classmethod
    def of(cls, event: RunEvent) -> Self:
        """What is shown of an event."""
        return cls(**{name: getattr(event, name) for name in cls.model_fields})


def key_of(caller: Caller, key: str | None) -> str | None:
    """The key of a request, apart from those of other clients."""
    return None if key is None else f"api:{caller.client_id}:{key}"


async def shown(client: Client, run_id: str) -> RunShape:
    """A run as it is now."""
    return RunShape.of(await client.application.runs.get(run_id))


async def started(response: Response, client: Client, run_id: str) -> RunShape:
    """A run that was started, and in the answer's `Location` where to follow it."""
    response.headers["location"] = f"/v1/runs/{run_id}"
    return await shown(client, run_id)
