"""Who calls, and what they send."""

import json
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request

from seezar.mail.hosted import HostedAccount
from service.api.mail.faults import Faults
from service.api.mail.problems import Unauthorised

if TYPE_CHECKING:
    from service.api.mail.app import MailApi


def mail_api(request: Request) -> "MailApi":
    """What the routes work with."""
    return request.app.state.api


def bearer(request: Request) -> str:
    """The token of a request.

    Raises:
        Unauthorised: it has none.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorised("JWT Token not found")
    return token.strip()


async def _caller(request: Request) -> HostedAccount:
    token = bearer(request)
    faults: Faults = request.app.state.faults
    if faults.used_up(token):
        raise Unauthorised("Expired JWT Token")
    account = await mail_api(request).hosted.by_token(token)
    if account is None:
        raise Unauthorised("Invalid JWT Token")
    return account


# The account that a request is made for.
type Caller = Annotated[HostedAccount, Depends(_caller)]


async def json_object(request: Request, *media_types: str) -> dict[str, Any]:
    """The JSON object in the body of a request.

    Raises:
        HTTPException: 415 for a content type that is not one of `media_types`, 400 for no JSON object.
    """
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent not in media_types:
        known = '", "'.join(media_types)
        raise HTTPException(
            415, f'The content-type "{sent[:100]}" is not supported. Supported MIME types are "{known}".'
        )
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise HTTPException(400, "Syntax error") from None
    if not isinstance(body, dict):
        raise HTTPException(400, "A JSON object is expected.")
    return body
