"""Whether the API can do its work."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response

from seezar.application import Application
from seezar.errors import SeezarError
from workflows.ground import worker_ready

router = APIRouter(tags=["health"])


@router.get("/health")
async def health(request: Request, response: Response) -> dict[str, Any]:
    """`{"status", "database", "worker"}`; 503 unless the database answers and a worker takes runs."""
    application: Application = request.app.state.application
    database = worker = False
    try:
        await application.database.one("SELECT 1")
        database = True
        worker = await asyncio.to_thread(worker_ready, application.database.url)
    except SeezarError:
        pass
    if not (database and worker):
        response.status_code = 503
    return {"status": "ok" if database and worker else "unavailable", "database": database, "worker": worker}
