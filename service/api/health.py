"""Whether the API can do its work."""

import asyncio
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from seezar.application import Application
from seezar.errors import SeezarError
from service.api.needs import application
from workflows.ground import worker_ready

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """What works."""

    status: Literal["ok", "unavailable"]
    database: bool = Field(description="It answers.")
    worker: bool = Field(description="One takes runs.")
    key: bool = Field(description="The master key is the one of the database.")


_RESPONSES: dict[int | str, dict[str, Any]] = {503: {"model": Health, "description": "Something does not."}}


@router.get("/health", response_model=Health, responses=_RESPONSES)
async def health(request: Request) -> Response:
    """Whether database, worker and key work; 503 unless all do."""
    return await _answer(await application(request))


@router.get("/ready", response_model=Health, responses=_RESPONSES)
async def ready(request: Request) -> Response:
    """Whether runs that are asked for now will be worked on; the same as `/health`, for probes that know two."""
    return await _answer(await application(request))


async def _answer(app: Application) -> Response:
    database = worker = key = False
    try:
        await app.vault.check_key()
        database = key = True
        worker = await asyncio.to_thread(worker_ready, app.database.url)
    except SeezarError as error:
        database = database or error.status == "key_unusable"
    well = database and worker and key
    shape = Health(status="ok" if well else "unavailable", database=database, worker=worker, key=key)
    return JSONResponse(shape.model_dump(), 200 if well else 503, {"cache-control": "no-store"})
