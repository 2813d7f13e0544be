"""`POST /v1/token`: client credentials and refresh tokens (RFC 6749), and `/v1/token/revoke` (RFC 7009).

Errors here have the shape of RFC 6749 section 5.2, which every OAuth 2 library reads.
"""

import base64
import binascii
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote_plus

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from seezar.access import API_AUDIENCE, InvalidClient, ScopeMissing, TokenInvalid, TokenPair
from seezar.errors import InvalidInput, SeezarError
from service.api.needs import App
from service.api.problems import documented
from service.api.strict import parsed

router = APIRouter(prefix="/v1/token", tags=["token"])

_FORM = "application/x-www-form-urlencoded"
# `resource` (RFC 8707) is sent by clients of the Model Context Protocol; what a token is for is said by `audience`.
_GRANT = ("grant_type", "client_id", "client_secret", "refresh_token", "scope", "audience", "resource")
_FIELDS = (*_GRANT, "token", "token_type_hint")
_NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}


class TokenShape(BaseModel):
    """Tokens (RFC 6749 section 5.1)."""

    access_token: str = Field(description="Goes into `Authorization: Bearer …`.")
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a word of the protocol
    expires_in: int = Field(description="Seconds.", examples=[900])
    refresh_token: str | None = Field(description="Good for one use.")
    scope: str = Field(examples=["accounts:read signin"])


class OAuthError(BaseModel):
    """What went wrong (RFC 6749 section 5.2)."""

    error: str = Field(examples=["invalid_client"])
    error_description: str


def _body(required: list[str], names: list[str]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": required,
        "properties": {name: {"type": "string"} for name in names},
    }
    if "grant_type" in names:
        schema["properties"]["grant_type"] = {"type": "string", "enum": ["client_credentials", "refresh_token"]}
    content = {_FORM: {"schema": schema}, "application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": OAuthError, "description": "invalid_request, invalid_grant, invalid_scope, unsupported_grant_type"},
    401: {"model": OAuthError, "description": "invalid_client"},
}


async def _fields(request: Request) -> dict[str, str]:
    """The parameters of a request: form or JSON; the client also by HTTP Basic (RFC 6749 section 2.3.1)."""
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if sent == _FORM:
        try:
            pairs = parse_qsl(
                body.decode("ascii"), keep_blank_values=True, max_num_fields=len(_FIELDS), errors="strict"
            )
        except ValueError:
            raise _Refused(400, "invalid_request", "The body is no form.") from None
    elif sent == "application/json":
        try:
            value = parsed(body)
        except HTTPException as error:
            raise _Refused(400, "invalid_request", str(error.detail)) from None
        pairs = list(value.items()) if isinstance(value, dict) else [("", "")]
    else:
        raise _Refused(400, "invalid_request", f"The body must be {_FORM} or application/json.")
    fields = {name: text for name, text in pairs if isinstance(text, str)}
    if any("\0" in text for text in fields.values()):
        raise _Refused(400, "invalid_request", "A parameter holds NUL.")
    if len(fields) != len(pairs) or set(fields) - set(_FIELDS):
        raise _Refused(400, "invalid_request", "A parameter is unknown, is given twice, or is no text.")
    scheme, _, basic = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        client, secret = _basic(basic)
        fields = {"client_id": client, "client_secret": secret, **fields}
    return fields


def _basic(text: str) -> tuple[str, str]:
    try:
        client, _, secret = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise _Refused(401, "invalid_client", str(InvalidClient())) from None
    return unquote_plus(client), unquote_plus(secret)


@router.post(
    "",
    response_model=TokenShape,
    responses={**_ERRORS, **documented(413, 429, 503)},
    openapi_extra=_body(["grant_type"], list(_GRANT)),
)
async def token(request: Request, app: App) -> Response:
    """An access token for a client, by its id and secret or a refresh token. `scope` may ask for fewer scopes."""
    try:
        fields = await _fields(request)
        pair = await _granted(app, fields)
    except _Refused as error:
        return error.response()
    except (InvalidClient, TokenInvalid, ScopeMissing, InvalidInput) as error:
        return _refused(error).response()
    shape = TokenShape(
        access_token=pair.access_token,
        expires_in=pair.expires_in,
        refresh_token=pair.refresh_token,
        scope=" ".join(sorted(pair.scopes)),
    )
    return JSONResponse(shape.model_dump(), headers=_NO_STORE)


@router.post(
    "/revoke",
    response_class=Response,
    responses={200: {"description": "It does not count any more."}, **_ERRORS, **documented(413, 429, 503)},
    openapi_extra=_body(["token"], ["token", "token_type_hint", "client_id", "client_secret"]),
)
async def revoke(request: Request, app: App) -> Response:
    """Take back a refresh token with all that came of it, or an access token. One that is not known is fine."""
    try:
        fields = await _fields(request)
        client = await app.access.clients.authenticate(fields.get("client_id", ""), fields.get("client_secret", ""))
    except _Refused as error:
        return error.response()
    except InvalidClient as error:
        return _refused(error).response()
    await app.access.revoke(fields.get("token", ""), client_id=client.id)
    return Response(headers=_NO_STORE)


async def _granted(app: App, fields: dict[str, str]) -> TokenPair:
    scopes = fields["scope"].split() if fields.get("scope", "").strip() else None
    grant = fields.get("grant_type")
    if grant == "client_credentials":
        return await app.access.tokens.issue(
            fields.get("client_id", ""),
            fields.get("client_secret", ""),
            scopes,
            audience=fields.get("audience") or API_AUDIENCE,
        )
    if grant == "refresh_token":
        return await app.access.tokens.refresh(fields.get("refresh_token", ""), scopes)
    code = "unsupported_grant_type" if grant else "invalid_request"
    raise _Refused(400, code, "grant_type is client_credentials or refresh_token.")


class _Refused(Exception):
    """An error in OAuth's own words."""

    def __init__(self, status: int, code: str, description: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.description = description

    def response(self) -> Response:
        """As RFC 6749 section 5.2 has it."""
        headers = dict(_NO_STORE)
        if self.status == 401:
            headers["www-authenticate"] = 'Basic realm="seezar"'
        # ASCII without quotation marks, as the grammar of the RFC wants it.
        description = self.description.encode("ascii", "replace").decode().replace('"', "'").replace("\\", "/")
        return JSONResponse({"error": self.code, "error_description": description}, self.status, headers)


def _refused(error: SeezarError) -> _Refused:
    if isinstance(error, InvalidClient):
        return _Refused(401, "invalid_client", str(error))
    code = "invalid_grant" if isinstance(error, TokenInvalid) else "invalid_scope"
    return _Refused(400, code, str(error))
