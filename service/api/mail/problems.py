"""Errors in the shapes that clients of the original know."""

import logging
from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from seezar.errors import SeezarError
from service.api.mail.shapes import wanted_shape, written

_TITLE = "An error occurred"

log = logging.getLogger(__name__)


class Unauthorised(Exception):
    """No token, or not a valid one; or a wrong password."""


class Invalid(Exception):
    """A body whose fields cannot be used: pairs of field and what is wrong with it."""

    def __init__(self, violations: Sequence[tuple[str, str]]) -> None:
        super().__init__("invalid")
        self.violations = violations


def problem(request: Request, status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """A response about an error."""
    fields = {"type": f"/errors/{status}", "title": _TITLE, "status": status, "detail": detail}
    if wanted_shape(request) == "plain":
        return written(fields, "application/problem+json", status, headers)
    body = {
        "@context": "/contexts/Error",
        "@id": f"/errors/{status}",
        "@type": "hydra:Error",
        "hydra:title": _TITLE,
        "hydra:description": detail,
        **fields,
    }
    return written(body, "application/ld+json", status, headers)


async def on_unauthorised(request: Request, error: Exception) -> Response:
    """401: the same in every shape, as its authentication layer stands before the rest."""
    headers = {"www-authenticate": "Bearer"}
    return written({"code": 401, "message": str(error)}, "application/json", 401, headers)


async def on_invalid(request: Request, error: Exception) -> Response:
    """422, with every violation."""
    assert isinstance(error, Invalid)
    violations = [{"propertyPath": path, "message": message} for path, message in error.violations]
    detail = "\n".join(f"{path}: {message}" for path, message in error.violations)
    fields = {
        "type": "/errors/422",
        "title": _TITLE,
        "status": 422,
        "detail": detail,
        "violations": violations,
    }
    if wanted_shape(request) == "plain":
        return written(fields, "application/problem+json", 422)
    body = {
        "@context": "/contexts/ConstraintViolationList",
        "@id": "/errors/422",
        "@type": "ConstraintViolationList",
        "hydra:title": _TITLE,
        "hydra:description": detail,
        **fields,
    }
    return written(body, "application/ld+json", 422)


async def on_http(request: Request, error: Exception) -> Response:
    """Any other answer that is an error."""
    assert isinstance(error, HTTPException)
    return problem(request, error.status_code, error.detail, dict(error.headers or {}))


async def on_seezar(request: Request, error: Exception) -> Response:
    """503 when trying again may help, 500 otherwise; which kind of error it was stands in the server's log only."""
    assert isinstance(error, SeezarError)
    log.error("a request failed: %s", error.status)
    if error.retryable:
        return problem(request, 503, "Service Unavailable", {"retry-after": "2"})
    return problem(request, 500, "Internal Server Error")
