"""Errors as problem details (RFC 9457): what happened, what was kept, and what to do next."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from seezar.access.errors import ConfirmationRequired, ScopeMissing
from seezar.errors import AccountUnknown, SeezarError
from seezar.telemetry.revealed import revealed
from service.api.request_id import request_id

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_S = 2

# What the status word of an error is in HTTP. A word that is not here is a fault of the server: 500.
STATUSES: Mapping[str, int] = {
    "account_exists": 409,
    "answered_already": 409,
    "client_exists": 409,
    "confirmation_invalid": 403,
    "confirmation_required": 403,
    "database_unavailable": 503,
    "disk_full": 507,
    "egress_refused": 422,
    "file_unreadable": 422,
    "host_unreachable": 422,
    # Reused for another request: as draft-ietf-httpapi-idempotency-key-header section 2.7 has it.
    "idempotency_conflict": 422,
    "insufficient_scope": 403,
    "invalid_client": 401,
    "invalid_input": 422,
    "invalid_token": 401,
    "key_unusable": 503,
    "mail_domain_not_served": 422,
    "mail_provider_refused": 502,
    "mail_provider_unavailable": 503,
    "mail_quota_full": 409,
    "mailbox_taken": 409,
    "mail_unavailable": 503,
    "message_gone": 404,
    "models_unavailable": 503,
    "not_signed_in": 409,
    "no_rows": 409,
    "not_waiting": 409,
    "origin_not_allowed": 422,
    "precondition_failed": 412,
    "question_expired": 410,
    "queue_full": 503,
    "run_ended": 409,
    "secret_missing": 409,
    "timeout": 504,
    "too_many_attempts": 429,
    "unknown_account": 404,
    "unknown_client": 404,
    "unknown_collection": 404,
    "unknown_extraction": 404,
    "unknown_item": 404,
    "unknown_mailbox": 404,
    "unknown_mail_provider": 422,
    "unknown_page": 404,
    "unknown_report": 404,
    "unknown_webhook": 404,
    "unknown_document": 404,
    "unknown_run": 404,
    "unknown_schedule": 404,
    "worker_unavailable": 503,
}
_TITLES = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    408: "Request timeout",
    409: "Conflict",
    410: "Gone",
    412: "Precondition failed",
    413: "Content too large",
    415: "Unsupported media type",
    422: "Unprocessable content",
    429: "Too many requests",
    431: "Request header fields too large",
    500: "Internal server error",
    502: "Bad gateway",
    503: "Service unavailable",
    504: "Gateway timeout",
    507: "Insufficient storage",
}


class FieldProblem(BaseModel):
    """What is wrong with one part of a request. The value that was sent is never repeated."""

    pointer: str = Field(description="JSON Pointer into the body, or the name of a parameter.", examples=["#/url"])
    detail: str = Field(examples=["Field required"])


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Says which kind of problem.", examples=["/problems/unknown_account"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    code: str = Field(description="The status word that every way in uses.", examples=["unknown_account"])
    detail: str = Field(examples=["There is no account named 'ops'."])
    kept: str = Field(default="", description="What is safe in spite of it.")
    next_step: str = Field(default="", examples=["Known accounts: staging-admin."])
    request_id: str = Field(examples=["4f0c2a2b9d1e4f60"])
    errors: list[FieldProblem] | None = None


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these problems."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": _TITLES[status], "content": content} for status in sorted(statuses)}


def problem(
    status: int,
    detail: str,
    *,
    code: str,
    kept: str = "",
    next_step: str = "",
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """A response about a problem. What is known to be secret does not leave, whatever the text quotes."""
    redact = revealed.redactor()
    content = {
        "type": f"/problems/{code}",
        "title": _TITLES.get(status, "Error"),
        "status": status,
        "code": code,
        "detail": redact(detail),
        "kept": redact(kept),
        "next_step": redact(next_step),
        "request_id": request_id(),
        **more,
    }
    known = {"cache-control": "no-store", **(headers or {})}
    return JSONResponse(content, status, known, media_type=MEDIA_TYPE)


def status_of(error: SeezarError) -> int:
    """The HTTP status of an error; of a class that the table does not know, that of the first one above it."""
    for kind in type(error).__mro__:
        if (known := STATUSES.get(str(kind.__dict__.get("status")))) is not None:
            return known
    return 500


async def on_seezar(_: Request, error: Exception) -> Response:
    """Every error that is raised on purpose."""
    assert isinstance(error, SeezarError)
    status = status_of(error)
    if status >= 500:
        log.error("a request failed: %s", error.status)
    headers: dict[str, str] = {}
    if status in (429, 503) or error.retryable:
        headers["retry-after"] = str(_RETRY_AFTER_S)
    more: dict[str, Any] = {}
    if status == 401:
        headers["www-authenticate"] = 'Bearer error="invalid_token"'
    if isinstance(error, ScopeMissing):
        headers["www-authenticate"] = f'Bearer error="insufficient_scope", scope="{error.scope}"'
        more["scope"] = error.scope
    if isinstance(error, ConfirmationRequired):
        more["confirmation"] = error.confirmation_id
    # Which accounts there are is for those who may list them.
    advice = "See: GET /v1/accounts." if isinstance(error, AccountUnknown) else error.next_step
    return problem(status, error.what, code=error.status, kept=error.kept, next_step=advice, headers=headers, **more)


async def on_invalid(_: Request, error: Exception) -> Response:
    """A request of the wrong shape. What was sent is not quoted: it may be a password in the wrong field."""
    assert isinstance(error, RequestValidationError)
    errors = [_field_problem(part) for part in error.errors()]
    return problem(
        422,
        "The request has not the shape that is expected.",
        code="invalid_input",
        kept="Nothing was done.",
        next_step="Correct what stands in errors; the shape is at /docs.",
        errors=errors[:50],
    )


async def on_http(_: Request, error: Exception) -> Response:
    """An answer of the framework: no such path, another method, a body too large."""
    assert isinstance(error, HTTPException)
    code = _TITLES.get(error.status_code, "error").lower().replace(" ", "_")
    return problem(error.status_code, str(error.detail), code=code, kept="Nothing was done.", headers=error.headers)


def _field_problem(error: Mapping[str, Any]) -> dict[str, str]:
    where = tuple(error["loc"])
    if error["type"] == "extra_forbidden":
        # Its name is the caller's own word as well.
        return {"pointer": _pointer(where[:-1]), "detail": "A field here is not known"}
    return {"pointer": _pointer(where), "detail": str(error["msg"])}


def _pointer(location: Sequence[Any]) -> str:
    where, *rest = location or ("body",)
    if where != "body":
        return str(rest[0] if rest else where)
    return "#" + "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in rest)
