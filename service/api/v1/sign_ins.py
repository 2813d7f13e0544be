"""`/v1/sign-ins`: sign an account in."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from seezar.access import Caller, Scope
from service.api.auth import require
from service.api.needs import Workers
from service.api.problems import documented
from service.api.strict import StrictRoute
from service.api.v1.shapes import AccountName, IdempotencyKey, RunShape, Strict, key_of, started

router = APIRouter(prefix="/v1/sign-ins", tags=["sign-ins"], route_class=StrictRoute)


class SignInBody(Strict):
    """Who signs in."""

    account: AccountName
    fresh: bool = Field(default=False, description="Do not use the stored session.")
    timeout: float | None = Field(default=None, gt=0, le=3600, description="Deadline of the run, seconds.")


@router.post("", status_code=202, responses=documented(400, 401, 403, 404, 415, 422, 503))
async def sign_in(
    response: Response,
    workers: Workers,
    caller: Annotated[Caller, require(Scope.SIGNIN)],
    body: SignInBody,
    key: IdempotencyKey = None,
) -> RunShape:
    """Queue a sign-in, or attach to the one of this account that is under way. Follow it at the `Location`."""
    run_id = await workers.sign_in(body.account, fresh=body.fresh, timeout=body.timeout, key=key_of(caller, key))
    return await started(response, workers, run_id)
