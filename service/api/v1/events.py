"""`/v1/events`: what happens in all runs, live."""

from typing import Annotated

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from seezar.access import Caller, Scope
from service.api.auth import require
from service.api.events import MEDIA_TYPE, all_events, wants_stream
from service.api.problems import documented, problem

router = APIRouter(prefix="/v1/events", tags=["runs"])


@router.get(
    "",
    response_class=Response,
    responses={
        200: {"description": "Server-sent events.", "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}},
        **documented(401, 403, 406, 422, 503),
    },
)
async def events(request: Request, caller: Annotated[Caller, require(Scope.RUNS_READ)]) -> Response:
    """The events of all runs from now on, or from behind `Last-Event-ID`; some may then come a second time."""
    if not wants_stream(request):
        return problem(406, f"Only as {MEDIA_TYPE}.", code="not_acceptable", next_step=f"Send Accept: {MEDIA_TYPE}.")
    return all_events(request)
