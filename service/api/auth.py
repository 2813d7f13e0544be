"""Who calls the API, what they may, and when a person has to confirm it."""

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Annotated, Any

from fastapi import Depends, Header, Security
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.security import OAuth2, SecurityScopes
from starlette.requests import Request

from seezar.access import Caller, Scope, TokenInvalid
from seezar.access.confirmations import digest_of
from seezar.application import Application
from seezar.audit import acting_as
from service.api.needs import application

TOKEN_URL = "/v1/token"  # noqa: S105 - where tokens are had, not one
_SCOPES = {str(scope): scope.description for scope in Scope}
_scheme = OAuth2(
    scheme_name="token",
    description="An access token of POST /v1/token, as `Authorization: Bearer …`.",
    flows=OAuthFlows(clientCredentials=OAuthFlowClientCredentials(tokenUrl=TOKEN_URL, scopes=_SCOPES)),
    auto_error=False,
)


async def _caller(
    wanted: SecurityScopes,
    app: Annotated[Application, Depends(application)],
    authorization: Annotated[str | None, Depends(_scheme)],
) -> AsyncGenerator[Caller]:
    caller = await app.access.verify(bearer(authorization))
    for scope in wanted.scopes:
        caller.require(Scope(scope))
    with acting_as(f"client:{caller.name}"):
        yield caller


def bearer(authorization: str | None) -> str:
    """The token of an `Authorization` header.

    Raises:
        TokenInvalid: it has none.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenInvalid("The request has no token.")
    return token.strip()


def require(*scopes: Scope) -> Any:
    """A dependency: the caller, who has these scopes. OpenAPI names them.

    Raises:
        TokenInvalid: no token, or one that does not count (401).
        ScopeMissing: a scope is missing (403).
    """
    return Security(_caller, scopes=[str(scope) for scope in scopes])


class Confirm:
    """A dependency of routes that do what cannot be undone, or lets something out."""

    def __init__(
        self,
        request: Request,
        app: Annotated[Application, Depends(application)],
        confirmation: Annotated[
            str | None,
            Header(
                max_length=64,
                description="Id of a person's confirmation; needed by callers without the scope `confirm`.",
            ),
        ] = None,
    ) -> None:
        self._request = request
        self._app = app
        self._given = confirmation

    async def __call__(self, caller: Caller, action: str, subject: str, what: Mapping[str, Any] | None = None) -> None:
        """Go on if the caller is a person, or a person has confirmed this very request.

        Args:
            action: what will be done, as the person reads it.
            subject: to what.
            what: what else the confirmation holds for. No secret: its digest is stored.

        Raises:
            ConfirmationRequired, ConfirmationInvalid: see `Confirmations.ensure`.
        """
        url = self._request.url
        parts = (self._request.method, url.path, url.query, json.dumps(what or {}, sort_keys=True, default=str))
        digest = digest_of(*(part.encode() for part in parts))
        await self._app.access.confirmations.ensure(action, subject, digest, caller, self._given)
